"""The shape of `policyloop.spec.yaml`: what people write, and what they confirm.

Everything that makes a rule complete may be missing here, so that a half-written spec can be read and its gaps named
(`policyloop.specification.check_spec`); only what is needed to tell one thing from another is required.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ConfigDict, Field, JsonValue, PrivateAttr, model_validator

from policyloop.specification.vocabulary import (
    EVERYONE,
    Condition,
    DerivedName,
    DerivedRole,
    Effect,
    FieldPath,
    Free,
    Id,
    Name,
    Part,
    Path,
    Principals,
    Resource,
    Scope,
    Subject,
    Version,
    Words,
)

FILE_NAME = "policyloop.spec.yaml"


class PrincipalExample(Part):
    """A person, with everything that a decision can depend on."""

    like: Name | None = None
    """Everything as in this other example, also its id, except for what is said here."""
    id: Name | None = None
    """The name of the example when it is left out."""
    roles: tuple[Name, ...] | None = None
    attr: Free = Field(default_factory=dict)
    absent: tuple[Name, ...] = ()
    """Attributes of `like` that are missing here."""
    scope: Scope | None = None
    policy_version: Version | None = None


class ResourceExample(Part):
    """A thing, with everything that a decision can depend on."""

    like: Name | None = None
    """Everything as in this other example, also its id, except for what is said here."""
    kind: Name | None = None
    id: Name | None = None
    """The name of the example when it is left out."""
    attr: Free = Field(default_factory=dict)
    absent: tuple[Name, ...] = ()
    """Attributes of `like` that are missing here."""
    scope: Scope | None = None
    policy_version: Version | None = None


class ClaimsExample(Part):
    """What a token says."""

    like: Name | None = None
    values: Free = Field(default_factory=dict)
    absent: tuple[Name, ...] = ()


class Examples(Part):
    """Concrete people, things and tokens, by name; decisions use them."""

    principals: dict[Name, PrincipalExample] = Field(default_factory=dict)
    resources: dict[Name, ResourceExample] = Field(default_factory=dict)
    claims: dict[Name, ClaimsExample] = Field(default_factory=dict)


class Rule(Part):
    """Who may (or may never) do what, when, and why."""

    id: Id
    subject: tuple[Subject, ...] = ()
    """Roles or derived roles, one of which is enough; `*` for everyone."""
    person: Name | None = None
    """The id of the one person for whom it is; beside a `subject`, only while they have one of its roles."""
    scope: Scope | None = None
    """It holds for what is in this scope or below it; everywhere when left out."""
    may_only_narrow: bool = False
    """What it allows in its scope holds only where the scopes above allow it, too."""
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

    @property
    def subjects(self) -> tuple[str, ...]:
        """The roles of which one is needed: for a person who is named without a `subject`, any."""
        return self.subject or ((EVERYONE,) if self.person is not None else ())


class Shows(Part):
    """What a decision shows. A denial shows that its control is allowed for exactly this."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

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
    person: Name | None = None
    """The one person whom the rule names makes the difference."""
    unknown_action: Name | None = None
    """An action that the resource does not list, where everything else is denied."""

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


class Output(Part):
    """A value that the answer must carry."""

    value: JsonValue
    src: str | None = None
    """The policy rule that gives it, in Cerbos's words; the one named after the decision's rule when left out."""


class Decision(Part):
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
    globals: Free = Field(default_factory=dict)
    outputs: tuple[Output, ...] = ()


class Option(Part):
    """One possible answer."""

    id: Id
    text: Words
    recommended: bool = False
    decides: dict[Id, Effect] = Field(default_factory=dict)
    """What the decisions that hang on this question expect when this option is taken."""


class Question(Part):
    """Something that only a person can say."""

    id: Id
    text: Words
    options: tuple[Option, ...] = ()
    answer: str | None = None
    """The id of an option, or an answer in other words."""
    assumed: bool = False
    """The answer is the recommended one and nobody has confirmed it."""


class ReleasedTest(Part):
    """An older test that is no longer right; `*` stands for any principal, resource or action."""

    suite: str
    test: str
    principal: str = "*"
    resource: str = "*"
    action: str = "*"
    replaced_by: Id
    """The rule which now says otherwise."""
    demanded: Effect | None = None
    """What it demanded when it was let go of: a test of that name that demands otherwise is not released."""
    instead: Effect | None = None
    """What takes its place where no rule or decision says it of that request by itself; left out, nothing does."""
    file: str | None = None
    """Only in this file: two suites may bear one name."""


class Outdated(Part):
    """A test that is there, of which the draft says that the request makes it wrong. A person says whether it goes."""

    suite: str
    test: str
    principal: str = "*"
    resource: str = "*"
    action: str = "*"
    instead: Effect
    """What it must demand from now on."""
    rule: Id
    """The rule that says so."""


class Irrelevant(Part):
    """What makes no difference, so that nothing need be decided about it: everything that all of this fits."""

    resource: Name
    attribute: FieldPath | None = None
    """A field with `one_of`, such as resource.attr.status."""
    value: str | None = None
    """One of its values; all of them when left out."""
    scope: Scope | None = None
    role: Name | None = None
    action: Name | None = None
    because: Words = ""


class Confirmed(Part):
    """Who confirmed, when, and over which content."""

    by: str
    at: str
    digest: str


class Spec(Part):
    """What the policies of one directory must do, in words and in concrete decisions."""

    version: Literal[1]
    request: Words
    now: str | None = None
    """The moment at which decisions are taken that name none."""
    roles: dict[Name, Words] = Field(default_factory=dict)
    """Role -> meaning."""
    derived_roles: dict[DerivedName, DerivedRole] = Field(default_factory=dict)
    principals: Principals = Principals()
    resources: dict[Name, Resource] = Field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    examples: Examples = Examples()
    decisions: tuple[Decision, ...] = ()
    questions: tuple[Question, ...] = ()
    assumptions: tuple[Words, ...] = ()
    irrelevant: tuple[Irrelevant, ...] = ()
    outdated: tuple[Outdated, ...] = ()
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
