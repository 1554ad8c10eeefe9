"""What a spec talks about: kinds of things with their attributes and scopes, people, roles, conditions."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

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


def within(scope: str, outer: str) -> bool:
    """Whether what is in `scope` is under the policies of `outer`, too: it is the same, or one below."""
    return not outer or scope == outer or scope.startswith(f"{outer}.")


class Part(BaseModel):
    """Anything that people write: unknown keys and mistaken types are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


class Attribute(Part):
    """One attribute or claim: its type, and whether it may be missing."""

    type: Kind
    meaning: Words = ""
    optional: bool = False
    """It may be absent. Then every rule that looks at it needs a decision for that."""
    one_of: tuple[str, ...] = ()
    """The only texts that it can be, if these are known."""


class Boundary(Part):
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


class Condition(Part):
    """One part of a condition that can hold or fail by itself."""

    id: Id
    words: Words = ""
    looks_at: tuple[FieldPath, ...] = ()
    """The fields that decide it, such as resource.attr.owner, principal.id, claims.aud, now."""
    boundary: Boundary | None = None
    presence: bool = False
    """It holds as soon as its field is there."""


class DerivedRole(Part):
    """A role that somebody has towards one resource, such as its owner."""

    parents: tuple[Subject, ...] = ()
    """Roles one of which is needed to begin with; `*` for any."""
    meaning: Words = ""
    conditions: tuple[Condition, ...] = ()


class Resource(Part):
    """A kind of thing that is protected."""

    meaning: Words = ""
    actions: tuple[Name, ...] = ()
    attributes: dict[Name, Attribute] = Field(default_factory=dict)
    tenant: Name | None = None
    """The attribute that says which tenant it belongs to, where there are tenants."""
    scopes: tuple[Scope, ...] = ()
    version: Version | None = None
    """The policy version that decides on it, when it is not the default one."""
    everything_else: Literal["deny"] | None = None
    """`deny`: what is not among `actions` is denied to everybody; a decision shows it for one such action."""


class Principals(Part):
    """What is known of those who ask."""

    attributes: dict[Name, Attribute] = Field(default_factory=dict)
    claims: dict[Name, Attribute] = Field(default_factory=dict)
    """What the token of a request says."""
