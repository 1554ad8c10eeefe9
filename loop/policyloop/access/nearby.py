"""Questions near those that a bundle's own tests ask: another role, another moment, one attribute absent or different.

They are what a person would think of next, so a witness among them reads like one of the bundle's own tests. Unlike the
requests put to a server they have a moment. The same bundle, seed and limit give the same questions.
"""

import json
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from policyloop.access.cel import Call, Const, Name, Node, NotCel, Select, children, parse, walk
from policyloop.access.questions import DEFAULT_NOW, Question, asked_by
from policyloop.access.request import Attributes, Principal, Request, Resource, canonical
from policyloop.access.source import Policy, policies_of
from policyloop.bundle import Bundle
from policyloop.guard import Lock
from policyloop.layout import Kind
from policyloop.layout import kind as kind_of

OTHER_ROLE = "another-role"
OTHER_ACTION = "another-action"
OTHER = "something-else"
"""A role, an action and a text that hardly any bundle names."""
MOST = 1_500
"""The most questions about one kind of resource, where nothing else is said."""

_Side = Literal["principal", "resource"]
_SIDES: Mapping[str, _Side] = {"R": "resource", "resource": "resource", "P": "principal", "principal": "principal"}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?\Z")
_HOURS = re.compile(r"""duration\s*\(\s*["'](\d+)h["']""")
_OF_TIME = ("now", "timestamp", "timeSince")
_MOST_VALUES = 8


@dataclass(frozen=True)
class _Case:
    """A question without its action."""

    principal: Principal
    resource: Resource
    claims: Attributes
    now: str

    def asks(self, action: str) -> Question:
        return Question(Request(self.principal, self.resource, action, self.claims), self.now)

    @property
    def key(self) -> str:
        return f"{self.principal.key}\n{self.resource.key}\n{canonical(dict(self.claims))}\n{self.now}"

    def attributes(self, side: _Side) -> Attributes:
        return self.principal.attr if side == "principal" else self.resource.attr

    def given(self, side: _Side, attr: Attributes) -> "_Case":
        if side == "principal":
            return replace(self, principal=replace(self.principal, attr=attr))
        return replace(self, resource=replace(self.resource, attr=attr))

    def of_roles(self, *roles: str) -> "_Case":
        return replace(self, principal=replace(self.principal, roles=tuple(sorted(set(roles)))))


@dataclass(frozen=True, slots=True)
class Words:
    """What a bundle names: roles, actions and scopes by kind of resource, attributes, and constants of conditions."""

    roles: tuple[str, ...]
    kinds: tuple[str, ...]
    actions: Mapping[str, tuple[str, ...]]
    scopes: Mapping[str, tuple[tuple[str, str], ...]]
    attributes: tuple[tuple[_Side, tuple[str, ...]], ...]
    constants: Mapping[tuple[_Side, tuple[str, ...]], tuple[Any, ...]]
    """By attribute: those that stand in one expression with it, and those that a schema lists for it."""
    hours: tuple[int, ...]
    of_time: bool


def nearby(bundle: Bundle, *, seed: int = 0, most: int = MOST) -> Mapping[str, tuple[Question, ...]]:
    """Kind of resource -> the questions about it, at most `most` each: the tests' own, then those with one change.

    Raises `UsageError` for suites too large to be read.
    """
    policies = policies_of(bundle)
    tested = [question for question, _ in asked_by(Lock.of(bundle))]
    words = words_of(policies, tested, _of_schemas(bundle))
    return {kind: tuple(_about(kind, words, tested, _chance(seed, kind), most)) for kind in words.kinds}


def _about(kind: str, words: Words, tested: Sequence[Question], chance: random.Random, most: int) -> Iterator[Question]:
    cases = [_Case(q.request.principal, q.request.resource, q.request.claims, q.now) for q in tested]
    mine = _each(case for case in cases if case.resource.kind == kind)
    invented = _Case(Principal("someone", (OTHER_ROLE,)), Resource(kind, "something"), {}, DEFAULT_NOW)
    seen = [*mine, invented]
    values = _Values(words, cases)
    once = [changed for case in seen for changed in values.changed(case)]
    moved = [changed.of_roles(role) for changed in once for role in words.roles]
    twice = [again for changed in once[: most // 2] for again in values.less(changed)]
    chance.shuffle(once)
    more = [*moved, *twice]
    chance.shuffle(more)
    actions = words.actions[kind]
    ordered = _each([*seen, *once, *more])
    questions = (case.asks(action) for case in ordered for action in actions)
    for _, question in zip(range(most), questions, strict=False):
        yield question


def _chance(seed: int, kind: str) -> random.Random:
    return random.Random(f"{seed}/{kind}")  # noqa: S311 - no secret


def _each(cases: Iterable[_Case]) -> list[_Case]:
    """Each case once."""
    return list({case.key: case for case in cases}.values())


def words_of(policies: Sequence[Policy], tested: Sequence[Question], values: Mapping[str, Sequence[Any]]) -> Words:
    """What policies and tests name. `values`: name of an attribute -> what a schema lists for it."""
    rules = [rule for policy in policies for rule in policy.rules]
    definitions = [one for policy in policies for one in policy.definitions]
    roles = {role for one in rules for role in one.roles} | {r for one in definitions for r in one.parent_roles}
    roles |= {role for question in tested for role in question.request.principal.roles}
    kinds = {policy.name for policy in policies if policy.what == "resource"}
    kinds |= {rule.resource for rule in rules} | {question.request.resource.kind for question in tested}
    kinds = {kind for kind in kinds if kind and not set(kind) & set("*?[{")}
    actions = {kind: {OTHER_ACTION} for kind in kinds}
    for rule in rules:
        for kind in [rule.resource] if rule.resource in kinds else kinds:
            actions[kind] |= {re.sub(r"[*?]+", OTHER_ACTION, action) for action in rule.actions}
    for question in tested:
        actions[question.request.resource.kind].add(question.request.action)
    places = {kind: {(p.version, p.scope) for p in policies if p.name == kind} for kind in kinds}
    shared = [value for policy in policies for _, value in policy.constants if value.shape == "scalar"]
    texts = list(dict.fromkeys(one.text for policy in policies for one in policy.expressions()))
    parts = [tree for text in texts if (tree := _tree(text)) is not None]
    found: dict[tuple[_Side, tuple[str, ...]], dict[str, Any]] = {}
    for part in parts:
        for at in _attributes(part):
            found.setdefault(at, {}).update({canonical(value): value for value in _constants(part)})
    for side, path in found:
        listed = {canonical(value): value for value in values.get(path[-1], ())}
        found[side, path] |= {**listed, **{value.text: value.text for value in shared}}
    return Words(
        roles=tuple(sorted((roles - {"*", ""}) | {OTHER_ROLE})),
        kinds=tuple(sorted(kinds)),
        actions={kind: tuple(sorted(found)) for kind, found in actions.items()},
        scopes={kind: tuple(sorted(found)) for kind, found in places.items()},
        attributes=tuple(sorted(found)),
        constants={at: tuple(held[key] for key in sorted(held)) for at, held in sorted(found.items())},
        hours=tuple(sorted({int(found) for text in texts for found in _HOURS.findall(text)})),
        of_time=any(isinstance(n, Call) and n.function in _OF_TIME for part in parts for n in walk(part)),
    )


def _of_schemas(bundle: Bundle) -> Mapping[str, list[Any]]:
    """Name of a property -> what JSON Schemas list for it: where they are enforced, nothing else gets through."""
    named: dict[str, list[Any]] = {}
    for path, text in bundle.files.items():
        if kind_of(path) is Kind.SCHEMA:
            try:
                held: list[tuple[str, Any]] = [("", json.loads(text))]
            except (ValueError, RecursionError):
                continue
            while held:
                name, found = held.pop()
                if isinstance(found, dict):
                    values = [*_listed(found.get("enum")), found.get("const")]
                    named.setdefault(name, []).extend(value for value in values if isinstance(value, str | float))
                    held += found.items()
    return named


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _tree(expression: str) -> Node | None:
    try:
        return parse(expression)
    except NotCel:
        return None


def _attributes(node: Node) -> Iterator[tuple[_Side, tuple[str, ...]]]:
    path = _path(node)
    if path[:1] == ("request",):
        path = path[1:]
    if len(path) > 2 and path[0] in _SIDES and path[1] == "attr":
        yield _SIDES[path[0]], path[2:]
    elif not path:
        for child in children(node):
            yield from _attributes(child)


def _path(node: Node) -> tuple[str, ...]:
    """The names of `a.b["c"]`, one after the other; none for anything else."""
    match node:
        case Name(name=name):
            return (name,)
        case Select(of=of, field=field) | Call(function="[]", args=(of, Const(value=str(field)))):
            inner = _path(of)
            return (*inner, field) if inner else ()
    return ()


def _constants(tree: Node) -> Iterator[Any]:
    for node in walk(tree):
        if isinstance(node, Const) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, Const) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
            yield from (float(node.value) + step for step in (0, 1, -1))


class _Values:
    """What attributes and moments can be changed to."""

    def __init__(self, words: Words, cases: Sequence[_Case]) -> None:
        self._words = words
        self._seen: dict[tuple[_Side, tuple[str, ...]], list[Any]] = {}
        for side, path in words.attributes:
            found = {canonical(v): v for case in cases if (v := _inside(case.attributes(side), path)) is not None}
            self._seen[side, path] = [found[key] for key in sorted(found)][:_MOST_VALUES]
        self._ids = sorted({case.principal.id for case in cases})[:_MOST_VALUES]
        self._moments = tuple(self._found_moments(cases)) if words.of_time else ()

    def changed(self, case: _Case) -> Iterator[_Case]:
        """`case` with one change each."""
        roles = self._words.roles
        yield from (case.of_roles(role) for role in roles)
        yield from (case.of_roles(*case.principal.roles, role) for role in roles)
        yield from (replace(case, now=moment) for moment in self._moments)
        yield from (replace(case, principal=replace(case.principal, id=who)) for who in self._ids)
        for version, scope in self._words.scopes.get(case.resource.kind, ()):
            said = "" if version == "default" else version
            yield replace(case, resource=replace(case.resource, policy_version=said, scope=scope))
        for side, path in self._words.attributes:
            here = case.attributes(side)
            for value in self._for(case, side, path):
                if (attr := _with(here, path, value)) is not None:
                    yield case.given(side, attr)
        yield from self.less(case)

    def less(self, case: _Case) -> Iterator[_Case]:
        """`case` without one of the attributes that conditions name."""
        for side, path in self._words.attributes:
            here = case.attributes(side)
            if _inside(here, path) is not None:
                yield case.given(side, _without(here, path))

    def _for(self, case: _Case, side: _Side, path: tuple[str, ...]) -> Iterator[Any]:
        yield from self._seen[side, path]
        yield case.principal.id
        other: _Side = "resource" if side == "principal" else "principal"
        for name in {path, *(p for s, p in self._words.attributes if s == other)}:
            value = _inside(case.attributes(other), name)
            if value is not None:
                yield value
        current = _inside(case.attributes(side), path)
        for value in (*self._words.constants[side, path], OTHER, True, False):
            if current is None or type(value) is type(current) or value is OTHER:
                yield value
            if isinstance(current, list):
                yield [value]

    def _found_moments(self, cases: Sequence[_Case]) -> Iterator[str]:
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
    return None if new is None or (head in attr and canonical(new) == canonical(inner)) else {**attr, head: new}


def _without(attr: Attributes, path: Sequence[str]) -> Attributes:
    head, *rest = path
    if rest and isinstance(inner := attr.get(head), Mapping):
        return {**attr, head: _without(inner, rest)}
    return {key: value for key, value in attr.items() if key != head}
