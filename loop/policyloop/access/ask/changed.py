"""A question without its action, and what its attributes, roles and moment can be changed to."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from policyloop.access.ask.names import OTHER, Side, Words
from policyloop.access.ask.questions import Question
from policyloop.access.ask.request import Attributes, Principal, Request, Resource, canonical

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?\Z")
_MOST_VALUES = 8


@dataclass(frozen=True)
class Case:
    """A question without its action."""

    principal: Principal
    resource: Resource
    claims: Attributes
    now: str

    def asks(self, action: str) -> Question:
        """The question."""
        return Question(Request(self.principal, self.resource, action, self.claims), self.now)

    @property
    def key(self) -> str:
        """The same for the same case."""
        claims = canonical(dict(self.claims)) if self.claims else ""
        return f"{self.principal.key}\n{self.resource.key}\n{claims}\n{self.now}"

    def attributes(self, side: Side) -> Attributes:
        """What is known of who asks, or of what is asked for."""
        return self.principal.attr if side == "principal" else self.resource.attr

    def given(self, side: Side, attr: Attributes) -> "Case":
        """The case with other attributes on one side."""
        if side == "principal":
            return Case(replace(self.principal, attr=attr), self.resource, self.claims, self.now)
        return Case(self.principal, replace(self.resource, attr=attr), self.claims, self.now)

    def of_roles(self, *roles: str) -> "Case":
        """The case with other roles."""
        principal = replace(self.principal, roles=tuple(sorted(set(roles))))
        return Case(principal, self.resource, self.claims, self.now)


class Values:
    """What attributes and moments can be changed to."""

    def __init__(self, words: Words, cases: Sequence[Case]) -> None:
        self._words = words
        self._seen: dict[tuple[Side, tuple[str, ...]], list[Any]] = {}
        for side, path in words.attributes:
            found = {canonical(v): v for case in cases if (v := _inside(case.attributes(side), path)) is not None}
            self._seen[side, path] = [found[key] for key in sorted(found)][:_MOST_VALUES]
        self._ids = sorted({case.principal.id for case in cases})[:_MOST_VALUES]
        self._moments = tuple(self._found_moments(cases)) if words.of_time else ()

    def of_other_roles(self, case: Case) -> Iterator[Case]:
        """`case` with one role more, one less, and each role alone."""
        held, roles = case.principal.roles, self._words.roles
        yield from (case.of_roles(*held, role) for role in roles)
        if len(held) > 1:
            yield from (case.of_roles(*(other for other in held if other != role)) for role in held)
        yield from (case.of_roles(role) for role in roles)

    def changed(self, case: Case) -> Iterator[Case]:
        """`case` with one change each: another value of an attribute, another moment, id, version or scope."""
        for side, path in self._words.attributes:
            here = case.attributes(side)
            for value in self._for(case, side, path):
                if (attr := _with(here, path, value)) is not None:
                    yield case.given(side, attr)
        yield from (replace(case, now=moment) for moment in self._moments)
        yield from (replace(case, principal=replace(case.principal, id=who)) for who in self._ids)
        for version, scope in self._words.places:
            said = "" if version == "default" else version
            yield replace(case, resource=replace(case.resource, policy_version=said, scope=scope))

    def less(self, case: Case) -> Iterator[Case]:
        """`case` without one of the attributes that conditions name."""
        for side, path in self._words.attributes:
            here = case.attributes(side)
            if _inside(here, path) is not None:
                yield case.given(side, _without(here, path))

    def _for(self, case: Case, side: Side, path: tuple[str, ...]) -> Iterator[Any]:
        yield from self._seen[side, path]
        yield case.principal.id
        other: Side = "resource" if side == "principal" else "principal"
        for name in dict.fromkeys((path, *(p for s, p in self._words.attributes if s == other))):
            value = _inside(case.attributes(other), name)
            if value is not None:
                yield value
        current = _inside(case.attributes(side), path)
        for value in (*self._words.constants[side, path], OTHER, True, False):
            if current is None or type(value) is type(current) or value is OTHER:
                yield value
            if isinstance(current, list):
                yield [value]

    def _found_moments(self, cases: Sequence[Case]) -> Iterator[str]:
        found = {moment for case in cases if (moment := _moment(case.now))}
        held = [
            value for case in cases for attr in (case.principal.attr, case.resource.attr) for value in _leaves(attr)
        ]
        for value in (*held, *(v for values in self._words.constants.values() for v in values)):
            if isinstance(value, str) and (moment := _moment(value)):
                found.add(moment)
        found |= {moment + timedelta(hours=hours) for moment in found for hours in self._words.hours}
        steps = {moment + timedelta(seconds=step) for moment in found for step in (-1, 0, 1)}
        yield from (f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for moment in sorted(steps))


def _moment(text: str) -> datetime | None:
    if not _MOMENT.match(text):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _inside(attr: Attributes, path: Sequence[str]) -> Any:
    here: Any = attr
    for name in path:
        here = here.get(name) if isinstance(here, Mapping) else None
    return here


def _with(attr: Attributes, path: Sequence[str], value: Any) -> Attributes | None:
    """The attributes with another value at `path`; None where it is that already."""
    head, *rest = path
    inner = attr.get(head)
    new = _with(inner if isinstance(inner, Mapping) else {}, rest, value) if rest else value
    return None if new is None or (head in attr and _same(new, inner)) else {**attr, head: new}


def _same(value: Any, other: Any) -> bool:
    """Whether two JSON values are the same to Cerbos."""
    if isinstance(value, str) or isinstance(other, str):
        return bool(value == other)
    return canonical(value) == canonical(other)


def _without(attr: Attributes, path: Sequence[str]) -> Attributes:
    head, *rest = path
    if rest and isinstance(inner := attr.get(head), Mapping):
        return {**attr, head: _without(inner, rest)}
    return {key: value for key, value in attr.items() if key != head}
