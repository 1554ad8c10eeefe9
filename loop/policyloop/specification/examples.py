"""Examples with their `like` written out: people, things and tokens with nothing left to look up."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from policyloop.specification.model import ClaimsExample, PrincipalExample, ResourceExample, Spec

Attributes = Mapping[str, Any]
AnyExample = PrincipalExample | ResourceExample | ClaimsExample
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Person:
    """A principal example. `scope` and `version` are "" when not given."""

    id: str
    roles: tuple[str, ...]
    attr: Attributes
    scope: str
    version: str


@dataclass(frozen=True, slots=True)
class Thing:
    """A resource example. `scope` and `version` are "" when not given."""

    kind: str
    id: str
    attr: Attributes
    scope: str
    version: str


class Examples:
    """All examples of a spec by name. One that is not whole (`like` leads nowhere, no roles, no kind) is left out."""

    def __init__(self, spec: Spec) -> None:
        own = spec.examples
        people = {name: _person(chain_of(own.principals, name), own.principals) for name in own.principals}
        things = {name: _thing(chain_of(own.resources, name), own.resources, spec) for name in own.resources}
        claims = {name: _claims(chain_of(own.claims, name), own.claims) for name in own.claims}
        self.principals: Mapping[str, Person] = _present(people)
        self.resources: Mapping[str, Thing] = _present(things)
        self.claims: Mapping[str, Attributes] = _present(claims)


def chain_of(examples: Mapping[str, AnyExample], name: str) -> tuple[str, ...]:
    """The names of what an example is like, the first one first, and its own; empty when they lead nowhere."""
    chain: list[str] = []
    at: str | None = name
    while at is not None:
        if at in chain or at not in examples:
            return ()
        chain.append(at)
        at = examples[at].like
    return tuple(reversed(chain))


def _person(chain: Sequence[str], examples: Mapping[str, PrincipalExample]) -> Person | None:
    parts = [examples[name] for name in chain]
    roles = _last(part.roles for part in parts)
    if not roles:
        return None
    return Person(
        id=_last(part.id for part in parts) or chain[0],
        roles=tuple(dict.fromkeys(roles)),
        attr=_merged((part.attr, part.absent) for part in parts),
        scope=_last(part.scope for part in parts) or "",
        version=_last(part.policy_version for part in parts) or "",
    )


def _thing(chain: Sequence[str], examples: Mapping[str, ResourceExample], spec: Spec) -> Thing | None:
    parts = [examples[name] for name in chain]
    kind = _last(part.kind for part in parts)
    if kind is None:
        return None
    declared = spec.resources.get(kind)
    version = _last(part.policy_version for part in parts)
    return Thing(
        kind=kind,
        id=_last(part.id for part in parts) or chain[0],
        attr=_merged((part.attr, part.absent) for part in parts),
        scope=_last(part.scope for part in parts) or "",
        version=(version if version is not None else declared.version if declared else None) or "",
    )


def _claims(chain: Sequence[str], examples: Mapping[str, ClaimsExample]) -> Attributes | None:
    parts = [examples[name] for name in chain]
    return _merged((part.values, part.absent) for part in parts) if parts else None


def _last(values: Iterable[T | None]) -> T | None:
    """The last one that is said."""
    found = None
    for value in values:
        found = found if value is None else value
    return found


def _merged(parts: Iterable[tuple[Attributes, Iterable[str]]]) -> Attributes:
    """What is absent goes first, so that an example can put something else in its place."""
    whole: dict[str, Any] = {}
    for attr, absent in parts:
        for path in absent:
            whole = _without(whole, path.split("."))
        whole |= attr
    return whole


def _without(attr: Attributes, path: Sequence[str]) -> dict[str, Any]:
    rest = {key: value for key, value in attr.items() if key != path[0]}
    inner = attr.get(path[0])
    if len(path) == 1 or not isinstance(inner, Mapping):
        return rest
    return {key: _without(value, path[1:]) if key == path[0] else value for key, value in attr.items()}


def _present(found: Mapping[str, T | None]) -> dict[str, T]:
    return {name: one for name, one in found.items() if one is not None}
