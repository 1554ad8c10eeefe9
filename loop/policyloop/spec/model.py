"""The shape of `policyloop.spec.yaml`: what people write, and what they confirm.

Everything that makes a rule complete may be missing here, so that a half-written spec can be read and its gaps named
(`policyloop.spec.check_spec`); only what is needed to tell one thing from another is required.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, JsonValue, PrivateAttr, StringConstraints, model_validator

FILE_NAME = "policyloop.spec.yaml"
EVERYONE = "*"
"""A subject or a parent role: whoever asks, whatever their roles."""
ALWAYS = "always"
"""The condition in words of a rule that has none."""
DEFAULT_NOW = "2026-01-01T00:00:00Z"
"""The moment at which decisions are taken when neither they nor the spec name one."""

Path = tuple[str | int, ...]
"""Where something stands in a spec: keys and list positions, the first of a list being 0."""

Effect = Literal["allow", "deny"]
Kind = Literal["text", "number", "integer", "boolean", "date", "timestamp", "list", "map"]
Operator = Literal["<", "<=", ">", ">="]

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.-]*$", max_length=80)]
"""Ids of rules become names of policy rules, so they are made of what Cerbos takes there."""
Name = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^*!?\[\]{}\x00-\x1f\x7f]+$")]
Subject = Annotated[str, StringConstraints(max_length=200, pattern=r"^(\*|[^*!?\[\]{}\x00-\x1f\x7f]+)$")]
DerivedName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+$", max_length=200)]
Words = str
FieldPath = Annotated[
    str,
    StringConstraints(
        max_length=400,
        pattern=r"^(now|principal\.(id|roles|scope|policy_version|attr\.\S+)"
        r"|resource\.(id|scope|policy_version|attr\.\S+)|claims\.\S+|globals\.\S+)$",
    ),
]
Scope = Annotated[str, StringConstraints(pattern=r"^([0-9a-zA-Z][A-Za-z0-9_-]*(\.[A-Za-z0-9_][A-Za-z0-9_-]*)*)?$")]
Version = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]*$")]
Free = dict[str, JsonValue]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


class Attribute(_Part):
    """One attribute or claim: its type, and whether it may be missing."""

    type: Kind
    meaning: Words = ""
    optional: bool = False
    """It may be absent. Then every rule that looks at it needs a decision for that."""
    one_of: tuple[str, ...] = ()
    """The only texts that it can be, if these are known."""


class Boundary(_Part):
    """Where a condition stops to hold: `field` `operator` `value`, or another field plus some."""

    operator: Operator
    field: FieldPath | None = None
    """What is compared; the first field that the condition looks at when it is left out."""
    value: int | float | str | None = None
    """The constant: a number, a date (2026-01-31) or a timestamp (2026-01-31T08:00:00Z)."""
    than: FieldPath | None = None
    """The field that is compared with, instead of a constant."""
    plus: int | float | str | None = None
    """Added to the constant or to `than`: a number, or a time such as 30d, 12h, 15m, 10s, -1d."""
    step: int | float | str | None = None
    """What counts as just beyond: by default 1 (or the last decimal of the constant), 1d for dates, 1s for times."""


class Condition(_Part):
    """One part of a condition that can hold or fail by itself."""

    id: Id
    words: Words = ""
    looks_at: tuple[FieldPath, ...] = ()
    """The fields that decide it, such as resource.attr.owner, principal.id, claims.aud, now."""
    boundary: Boundary | None = None
    presence: bool = False
    """It holds as soon as its field is there."""


class DerivedRole(_Part):
    """A role that somebody has towards one resource, such as its owner."""

    parents: tuple[Subject, ...] = ()
    """Roles one of which is needed to begin with; `*` for any."""
    meaning: Words = ""
    conditions: tuple[Condition, ...] = ()


class Resource(_Part):
    """A kind of thing that is protected."""

    meaning: Words = ""
    actions: tuple[Name, ...] = ()
    attributes: dict[Name, Attribute] = {}
    tenant: Name | None = None
    """The attribute that says which tenant it belongs to, where there are tenants."""
    scopes: tuple[Scope, ...] = ()
    version: Version | None = None
    """The policy version that decides on it, when it is not the default one."""


class Principals(_Part):
    """What is known of those who ask."""

    attributes: dict[Name, Attribute] = {}
    claims: dict[Name, Attribute] = {}
    """What the token of a request says."""


class PrincipalExample(_Part):
    """A person, with everything that a decision can depend on."""

    like: Name | None = None
    """Everything as in this other example, also its id, except for what is said here."""
    id: Name | None = None
    """The name of the example when it is left out."""
    roles: tuple[Name, ...] | None = None
    attr: Free = {}
    absent: tuple[Name, ...] = ()
    """Attributes of `like` that are missing here."""
    scope: Scope | None = None
    policy_version: Version | None = None


class ResourceExample(_Part):
    """A thing, with everything that a decision can depend on."""

    like: Name | None = None
    """Everything as in this other example, also its id, except for what is said here."""
    kind: Name | None = None
    id: Name | None = None
    """The name of the example when it is left out."""
    attr: Free = {}
    absent: tuple[Name, ...] = ()
    """Attributes of `like` that are missing here."""
    scope: Scope | None = None
    policy_version: Version | None = None


class ClaimsExample(_Part):
    """What a token says."""

    like: Name | None = None
    values: Free = {}
    absent: tuple[Name, ...] = ()


class Examples(_Part):
    """Concrete people, things and tokens, by name; decisions use them."""

    principals: dict[Name, PrincipalExample] = {}
    resources: dict[Name, ResourceExample] = {}
    claims: dict[Name, ClaimsExample] = {}


class Rule(_Part):
    """Who may (or may never) do what, when, and why."""

    id: Id
    subject: tuple[Subject, ...] = ()
    """Roles or derived roles, one of which is enough; `*` for everyone."""
    actions: tuple[Name, ...] = ()
    resource: Name | None = None
    condition: Words = ""
    """The condition in words; `always` for none."""
    decision: Effect | None = None
    purpose: Words = ""
    conditions: tuple[Condition, ...] = ()
    """The parts of the condition, each of which can hold or fail by itself."""
    output: Words = ""
    """What the answer carries along, if anything."""


class Shows(_Part):
    """What a decision shows. A denial shows that its control is allowed for exactly this."""

    role: Name | None = None
    """This role (or a parent of this derived role) makes the difference."""
    condition: Id | None = None
    """This part of the condition makes the difference."""
    absent: FieldPath | None = None
    """This field is missing."""
    tenant: str | None = None
    """The other tenant."""
    scope: str | None = None
    """The other scope."""
    unknown_role: Name | None = None
    """A role that no rule knows."""
    action: Name | None = None
    """An action that the rule does not cover."""

    @model_validator(mode="after")
    def _one(self) -> "Shows":
        if len(self.model_fields_set) != 1 or self.what[1] is None:
            raise ValueError(f"one of {', '.join(type(self).model_fields)} belongs here, and only one")
        return self

    @property
    def what(self) -> tuple[str, str]:
        """The kind of thing that is shown, and its name."""
        name = next(iter(self.model_fields_set))
        return name, getattr(self, name)

    def __str__(self) -> str:
        kind, name = self.what
        return f"{kind.replace('_', ' ')} {name}"


class Output(_Part):
    """A value that the answer must carry."""

    value: JsonValue
    src: str | None = None
    """The policy rule that gives it, in Cerbos's words; the one named after the decision's rule when left out."""


class Decision(_Part):
    """One concrete request and the effect that it must get."""

    id: Id
    rule: Id
    principal: Name
    resource: Name
    actions: tuple[Name, ...] = ()
    """All actions of the rule when left out."""
    expect: Effect
    control: Id | None = None
    """For a denial: the allowed decision from which it differs in exactly one field."""
    shows: Shows | None = None
    now: str | None = None
    """The moment of the request, such as 2026-01-31T08:00:00Z."""
    claims: Name | None = None
    """The example of a token that comes with the request."""
    globals: Free = {}
    outputs: tuple[Output, ...] = ()


class Option(_Part):
    """One possible answer."""

    id: Id
    text: Words
    recommended: bool = False


class Question(_Part):
    """Something that only a person can say."""

    id: Id
    text: Words
    options: tuple[Option, ...] = ()
    answer: str | None = None
    """The id of an option, or an answer in other words."""
    assumed: bool = False
    """The answer is the recommended one and nobody has confirmed it."""


class ReleasedTest(_Part):
    """An older test that is no longer right; `*` stands for any principal, resource or action."""

    suite: str
    test: str
    principal: str = "*"
    resource: str = "*"
    action: str = "*"
    replaced_by: Id
    """The rule which now says otherwise."""


class Confirmed(_Part):
    """Who confirmed, when, and over which content."""

    by: str
    at: str
    digest: str


class Spec(_Part):
    """What the policies of one directory must do, in words and in concrete decisions."""

    version: Literal[1]
    request: Words
    now: str | None = None
    """The moment at which decisions are taken that name none."""
    roles: dict[Name, Words] = {}
    """Role -> meaning."""
    derived_roles: dict[DerivedName, DerivedRole] = {}
    principals: Principals = Principals()
    resources: dict[Name, Resource] = {}
    rules: tuple[Rule, ...] = ()
    examples: Examples = Examples()
    decisions: tuple[Decision, ...] = ()
    questions: tuple[Question, ...] = ()
    assumptions: tuple[Words, ...] = ()
    releases: tuple[ReleasedTest, ...] = ()
    confirmed: Confirmed | None = None

    _lines: Mapping[Path, int] = PrivateAttr(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 over everything but `confirmed`; the order of keys, comments and line breaks do not matter."""
        return hashlib.sha256(self._canonical(exclude={"confirmed"}).encode()).hexdigest()

    @property
    def is_confirmed(self) -> bool:
        """Whether somebody confirmed exactly this content."""
        return self.confirmed is not None and self.confirmed.digest == self.digest

    def line(self, path: Path) -> int | None:
        """The line on which `path`, or the nearest thing that holds it, stands in the file; None without a file."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path)

    def rule(self, name: str) -> Rule | None:
        """The rule of that id."""
        return next((rule for rule in self.rules if rule.id == name), None)

    def decision(self, name: str) -> Decision | None:
        """The decision of that id."""
        return next((decision for decision in self.decisions if decision.id == name), None)

    def plain(self) -> dict[str, Any]:
        """The spec as JSON-like data, without what is at its default."""
        return self.model_dump(mode="json", exclude_defaults=True)

    def _canonical(self, exclude: set[str]) -> str:
        data = self.model_dump(mode="json", exclude_defaults=True, exclude=exclude)
        return json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spec) and self._canonical(set()) == other._canonical(set())

    def __hash__(self) -> int:
        return hash(self._canonical(set()))
