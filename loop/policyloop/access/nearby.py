"""What is asked about one kind of resource: near the bundle's own tests, and near each condition being met and missed.

Nothing is drawn. In order: what the tests ask; each rule's condition made true and made false, with the rest of the
rule held; a deny and an allow met at once; what the tests ask and each rule met once, without one attribute, with one
role more, less or other, with one attribute changed; the others without one attribute and with other roles; then two
changes at once, and what the bundle's universe asks. They are what a person would think of next, so a witness among
them reads like one of the bundle's own tests.
"""

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from policyloop.access.cel import Call, Const, Name, Node, NotCel, Select, children, parse, walk
from policyloop.access.parts import Parts
from policyloop.access.questions import DEFAULT_NOW, Question
from policyloop.access.request import Attributes, Principal, Request, Resource, canonical
from policyloop.access.source import Policy
from policyloop.access.universe import Universe
from policyloop.access.universe.fields import NOW, Assignment, merged, placed
from policyloop.access.universe.goals import Goal
from policyloop.bundle import Bundle
from policyloop.layout import Kind
from policyloop.layout import kind as kind_of

OTHER_ROLE = "another-role"
OTHER_ACTION = "another-action"
OTHER = "something-else"
"""A role, an action and a text that hardly any bundle names."""
MOST = 1_500
"""After what is always asked, the most questions about one kind from each of two sources: near, and the universe."""
MOST_ALWAYS = 2_000
"""The most questions about one kind that are always asked; how many more there would be is said."""

_Side = Literal["principal", "resource"]
_SIDES: Mapping[str, _Side] = {"R": "resource", "resource": "resource", "P": "principal", "principal": "principal"}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?\Z")
_HOURS = re.compile(r"""duration\s*\(\s*["'](\d+)h["']""")
_OF_TIME = ("now", "timestamp", "timeSince")
_CLOCK = ("now", "timeSince")
_MOST_VALUES = 8
_MOST_MODELS = 12
_MOST_JOINT = 4
_MOST_BEYOND = 1_000
"""What is beyond a bound is counted up to here."""
_MOST_PAIRS = 400
"""So many pairs of a deny and an allow of one kind are met at once."""


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

    def attributes(self, side: _Side) -> Attributes:
        """What is known of who asks, or of what is asked for."""
        return self.principal.attr if side == "principal" else self.resource.attr

    def given(self, side: _Side, attr: Attributes) -> "Case":
        """The case with other attributes on one side."""
        if side == "principal":
            return Case(replace(self.principal, attr=attr), self.resource, self.claims, self.now)
        return Case(self.principal, replace(self.resource, attr=attr), self.claims, self.now)

    def of_roles(self, *roles: str) -> "Case":
        """The case with other roles."""
        principal = replace(self.principal, roles=tuple(sorted(set(roles))))
        return Case(principal, self.resource, self.claims, self.now)


@dataclass(frozen=True)
class Material:
    """All that is asked about one kind: each case with each action, the near ones first.

    `near`: how many of the cases are near. `left`: so many questions that belong to what is always asked were not, for
    the bound. `timed`: a policy looks at the clock, so only an engine whose clock can be set is asked.
    """

    kind: str
    cases: tuple[Case, ...]
    actions: tuple[str, ...]
    near: int
    left: int
    timed: bool

    def questions(self, *, near: bool = False) -> tuple[Question, ...]:
        """The questions, case by case."""
        cases = self.cases[: self.near] if near else self.cases
        return tuple(case.asks(action) for case in cases for action in self.actions)


@dataclass(frozen=True, slots=True)
class Words:
    """What is named about one kind: roles, actions, versions and scopes, attributes, and constants of conditions."""

    roles: tuple[str, ...]
    actions: tuple[str, ...]
    places: tuple[tuple[str, str], ...]
    attributes: tuple[tuple[_Side, tuple[str, ...]], ...]
    constants: Mapping[tuple[_Side, tuple[str, ...]], tuple[Any, ...]]
    """By attribute: those that stand in one expression with it, and those that a schema lists for it."""
    hours: tuple[int, ...]
    of_time: bool


def material_of(parts: Parts, kind: str, *, always: int = MOST_ALWAYS, most: int = MOST) -> Material:
    """What is asked about `kind`; the same for the same bundle.

    `always`: the most questions of those that are always asked. `most`: after these, the most questions from each of
    two sources, near and the universe.
    """
    bundle, policies, tested = parts.about([kind]), parts.policies_about(kind), parts.tested.get(kind, ())
    universe = Universe((bundle,), 0, most, datetime.fromisoformat(DEFAULT_NOW), frozenset([kind]))
    words = words_of(kind, policies, tested, _of_schemas(bundle))
    own = _once(Case(q.request.principal, q.request.resource, q.request.claims, q.now) for q in tested)
    invented = Case(Principal("someone", (OTHER_ROLE,)), Resource(kind, "something"), {}, DEFAULT_NOW)
    bases = _bases(own)
    changed = _once([*own, invented, *_of_each_rule(kind, universe, bases[-1])])
    width = len(words.actions)
    first = max(always // width, 1)
    # So many tests that they alone fill the bound leave half of it to the rules.
    start = _once([*own[: first // 2], *changed[len(own) :], *_of_rules(kind, universe, bases), *own])
    values = _Values(words, start)
    held: dict[str, Case] = {}
    changes = itertools.chain(_first_changes(changed, values), _value_changes(changed, values))
    left = _add(held, itertools.chain(start, changes, _first_changes(start, values)), first)
    more = max(most // width, 1)
    _fill(held, _further(start, values, words), len(held) + more)
    near = len(held)
    _fill(held, _of_universe(universe), near + more)
    timed = any(looks_at_the_clock(one.text) for policy in policies for one in policy.expressions())
    return Material(kind, tuple(held.values()), words.actions, near, left * width, timed)


def looks_at_the_clock(expression: str) -> bool:
    """Whether the answer can depend on the moment; said of every expression that cannot be read and may."""
    try:
        return any(isinstance(node, Call) and node.function in _CLOCK for node in walk(parse(expression)))
    except NotCel:
        return any(name in expression for name in _CLOCK)


def _add(held: dict[str, Case], cases: Iterable[Case], most: int) -> int:
    """Put new cases into `held` until it holds `most`; of how many it is known that there was no room for them."""
    beyond: set[str] = set()
    for case in cases:
        key = case.key
        if key in held:
            continue
        if len(held) < most:
            held[key] = case
        else:
            beyond.add(key)
            if len(beyond) >= _MOST_BEYOND:
                break
    return len(beyond)


def _fill(held: dict[str, Case], cases: Iterable[Case], most: int) -> None:
    """Put new cases into `held` until it holds `most`."""
    for case in cases:
        held.setdefault(case.key, case)
        if len(held) >= most:
            return


def _once(cases: Iterable[Case]) -> list[Case]:
    """Each case once, in the order in which it first comes."""
    first: dict[str, Case] = {}
    for case in cases:
        first.setdefault(case.key, case)
    return list(first.values())


def _bases(own: Sequence[Case]) -> tuple[tuple[Attributes, Attributes], ...]:
    """Principal's and resource's attributes to start from: none, then those of the test that has the most."""
    fullest = max(own, key=lambda case: (len(case.resource.attr) + len(case.principal.attr), case.key), default=None)
    if fullest is None or not (fullest.principal.attr or fullest.resource.attr):
        return (({}, {}),)
    return ({}, {}), (fullest.principal.attr, fullest.resource.attr)


def _of_each_rule(kind: str, universe: Universe, base: tuple[Attributes, Attributes]) -> Iterator[Case]:
    """Each rule met once."""
    seen: set[tuple[str, int, str]] = set()
    for known in universe.kinds:
        for goal, met in zip(known.goals, known.met, strict=True):
            rule = goal.file, goal.line, goal.rule
            if met and rule not in seen:
                seen.add(rule)
                yield _placed(kind, goal, goal.roles[:1], met[0], base)


def _of_rules(kind: str, universe: Universe, bases: Sequence[tuple[Attributes, Attributes]]) -> Iterator[Case]:
    """Each rule's condition true and false with the rest of the rule held; each deny and allow met at once."""
    for known in universe.kinds:
        for goal, met, missed in zip(known.goals, known.met, known.missed, strict=True):
            for one in (*met[:_MOST_MODELS], *missed[:_MOST_MODELS]):
                for base in bases:
                    yield _placed(kind, goal, goal.roles[:1], one, base)
        rules = list(zip(known.goals, known.met, strict=True))
        denies = [(goal, met) for goal, met in rules if goal.denies]
        allows = [(goal, met) for goal, met in rules if not goal.denies]
        for (deny, stops), (allow, lets) in itertools.islice(itertools.product(denies, allows), _MOST_PAIRS):
            both = (merged(one, other) for one in stops[:_MOST_JOINT] for other in lets[:_MOST_JOINT])
            for one in itertools.islice((found for found in both if found is not None), _MOST_JOINT):
                yield _placed(kind, allow, (*deny.roles[:1], *allow.roles[:1]), one, ({}, {}))
                yield _placed(kind, allow, allow.roles[:1], one, ({}, {}))


def _placed(kind: str, goal: Goal, roles: Sequence[str], one: Assignment, base: tuple[Attributes, Attributes]) -> Case:
    """The case that an assignment for a rule's condition is."""
    version = "" if goal.version == "default" else goal.version
    who = one.get(("P", "id"), goal.principal or "someone")
    what = one.get(("R", "id"), "something")
    principal = Principal(
        who if isinstance(who, str) and who else "someone",
        tuple(sorted(set(roles))) or (OTHER_ROLE,),
        placed(base[0], one, ("P", "attr")),
        version if goal.principal else "",
        goal.scope if goal.principal else "",
    )
    resource = Resource(
        kind,
        what if isinstance(what, str) and what else "something",
        placed(base[1], one, ("R", "attr")),
        "" if goal.principal else version,
        "" if goal.principal else goal.scope,
    )
    return Case(principal, resource, placed({}, one, ("J",)), str(one.get(NOW, DEFAULT_NOW)))


def _first_changes(start: Sequence[Case], values: "_Values") -> Iterator[Case]:
    for case in start:
        yield from values.less(case)
    for case in start:
        yield from values.of_other_roles(case)


def _value_changes(start: Sequence[Case], values: "_Values") -> Iterator[Case]:
    for case in start:
        yield from values.changed(case)


def _further(start: Sequence[Case], values: "_Values", words: Words) -> Iterator[Case]:
    """Two changes at once: another value and another role, or one attribute less."""
    for case in start:
        for changed in values.changed(case):
            yield from (changed.of_roles(role) for role in words.roles)
    for case in start:
        for changed in values.changed(case):
            yield from values.less(changed)


def _of_universe(universe: Universe) -> Iterator[Case]:
    for batch in universe.batches():
        for resource in batch.resources:
            yield Case(batch.principal, resource, batch.claims, DEFAULT_NOW)
    for question in universe.clock():
        request = question.request
        yield Case(request.principal, request.resource, request.claims, question.now)


def words_of(
    kind: str, policies: Sequence[Policy], tested: Sequence[Question], values: Mapping[str, Sequence[Any]]
) -> Words:
    """What policies and tests name. `values`: name of an attribute -> what a schema lists for it."""
    rules = [rule for policy in policies for rule in policy.rules]
    definitions = [one for policy in policies for one in policy.definitions]
    roles = {role for one in rules for role in one.roles} | {r for one in definitions for r in one.parent_roles}
    roles |= {role for question in tested for role in question.request.principal.roles}
    actions = {OTHER_ACTION} | {question.request.action for question in tested}
    for rule in rules:
        if rule.resource == kind or set(rule.resource) & set("*?[{"):
            actions |= {re.sub(r"[*?]+", OTHER_ACTION, action) for action in rule.actions if action}
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
        actions=tuple(sorted(actions)),
        places=tuple(sorted({(policy.version, policy.scope) for policy in policies if policy.name == kind})),
        attributes=tuple(sorted(found)),
        constants={at: tuple(held[key] for key in sorted(held)) for at, held in sorted(found.items())},
        hours=tuple(sorted({int(hours) for text in texts for hours in _HOURS.findall(text)})),
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

    def __init__(self, words: Words, cases: Sequence[Case]) -> None:
        self._words = words
        self._seen: dict[tuple[_Side, tuple[str, ...]], list[Any]] = {}
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

    def _for(self, case: Case, side: _Side, path: tuple[str, ...]) -> Iterator[Any]:
        yield from self._seen[side, path]
        yield case.principal.id
        other: _Side = "resource" if side == "principal" else "principal"
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
