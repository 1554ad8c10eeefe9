"""What is asked about one kind of resource: near the bundle's own tests, and near each condition being met and missed.

Nothing is drawn. In order: what the tests ask; each rule's condition made true and made false, with the rest of the
rule held; a deny and an allow met at once; what the tests ask and each rule met once, without one attribute, with one
role more, less or other, with one attribute changed; the others without one attribute and with other roles; then two
changes at once, and what the bundle's universe asks. They are what a person would think of next, so a witness among
them reads like one of the bundle's own tests.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from policyloop.access.ask.changed import Case, Values
from policyloop.access.ask.names import Words, looks_at_the_clock, of_schemas, words_of
from policyloop.access.ask.parts import Parts
from policyloop.access.ask.questions import DEFAULT_NOW, Question
from policyloop.access.ask.request import Attributes, Principal, Resource
from policyloop.access.universe import Universe
from policyloop.access.universe.fields import NOW, Assignment, merged, placed
from policyloop.access.universe.goals import Goal

MOST = 1_500
"""After what is always asked, the most questions about one kind from each of two sources: near, and the universe."""
MOST_ALWAYS = 2_000
"""The most questions about one kind that are always asked; how many more there would be is said."""
_MOST_MODELS = 12
_MOST_JOINT = 4
_MOST_BEYOND = 1_000
"""What is beyond a bound is counted up to here."""
_MOST_PAIRS = 400
"""So many pairs of a deny and an allow of one kind are met at once."""


@dataclass(frozen=True)
class Material:
    """All that is asked about one kind: each case with each action, the near ones first.

    `near`: how many of the cases are near. `left`: so many questions that belong to what is always asked were not, for
    the bound. `timed`: a policy looks at the clock, so only an engine whose clock can be set is asked. `nobody` and
    `nothing`: the roles and actions of ours that neither a policy nor a test names.
    """

    kind: str
    cases: tuple[Case, ...]
    actions: tuple[str, ...]
    near: int
    left: int
    timed: bool
    nobody: frozenset[str]
    nothing: frozenset[str]

    def questions(self, *, near: bool = False) -> tuple[Question, ...]:
        """The questions, case by case."""
        cases = self.cases[: self.near] if near else self.cases
        return tuple(case.asks(action) for case in cases for action in self.actions)


def material_of(parts: Parts, kind: str, *, always: int = MOST_ALWAYS, most: int = MOST) -> Material:
    """What is asked about `kind`; the same for the same bundle.

    `always`: the most questions of those that are always asked. `most`: after these, the most questions from each of
    two sources, near and the universe.
    """
    bundle, policies, tested = parts.about([kind]), parts.policies_about(kind), parts.tested.get(kind, ())
    universe = Universe((bundle,), 0, most, datetime.fromisoformat(DEFAULT_NOW), frozenset([kind]))
    words = words_of(kind, policies, tested, of_schemas(bundle))
    own = _once(Case(q.request.principal, q.request.resource, q.request.claims, q.now) for q in tested)
    invented = Case(Principal("someone", (words.other_role,)), Resource(kind, "something"), {}, DEFAULT_NOW)
    bases = _bases(own)
    changed = _once([*own, invented, *_of_each_rule(kind, universe, bases[-1])])
    width = len(words.actions)
    first = max(always // width, 1)
    # So many tests that they alone fill the bound leave half of it to the rules.
    start = _once([*own[: first // 2], *changed[len(own) :], *_of_rules(kind, universe, bases), *own])
    values = Values(words, start)
    held: dict[str, Case] = {}
    changes = itertools.chain(_first_changes(changed, values), _value_changes(changed, values))
    left = _add(held, itertools.chain(start, changes, _first_changes(start, values)), first)
    more = max(most // width, 1)
    _fill(held, _further(start, values, words), len(held) + more)
    near = len(held)
    _fill(held, _of_universe(universe), near + more)
    timed = any(looks_at_the_clock(one.text) for policy in policies for one in policy.expressions())
    return Material(
        kind=kind,
        cases=tuple(held.values()),
        actions=words.actions,
        near=near,
        left=left * width,
        timed=timed,
        nobody=frozenset({words.other_role, universe.unknown_role} - _roles_tested(tested)),
        nothing=frozenset({words.other_action}),
    )


def _roles_tested(tested: Sequence[Question]) -> set[str]:
    return {role for question in tested for role in question.request.principal.roles}


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
    nobody = (universe.unknown_role,)
    seen: set[tuple[str, int, str]] = set()
    for known in universe.kinds:
        for goal, met in zip(known.goals, known.met, strict=True):
            rule = goal.file, goal.line, goal.rule
            if met and rule not in seen:
                seen.add(rule)
                yield _placed(kind, goal, goal.roles[:1] or nobody, met[0], base)


def _of_rules(kind: str, universe: Universe, bases: Sequence[tuple[Attributes, Attributes]]) -> Iterator[Case]:
    """Each rule's condition true and false with the rest of the rule held; each deny and allow met at once."""
    nobody = (universe.unknown_role,)
    for known in universe.kinds:
        for goal, met, missed in zip(known.goals, known.met, known.missed, strict=True):
            for one in (*met[:_MOST_MODELS], *missed[:_MOST_MODELS]):
                for base in bases:
                    yield _placed(kind, goal, goal.roles[:1] or nobody, one, base)
        rules = list(zip(known.goals, known.met, strict=True))
        denies = [(goal, met) for goal, met in rules if goal.denies]
        allows = [(goal, met) for goal, met in rules if not goal.denies]
        for (deny, stops), (allow, lets) in itertools.islice(itertools.product(denies, allows), _MOST_PAIRS):
            both = (merged(one, other) for one in stops[:_MOST_JOINT] for other in lets[:_MOST_JOINT])
            for one in itertools.islice((found for found in both if found is not None), _MOST_JOINT):
                yield _placed(kind, allow, (*deny.roles[:1], *allow.roles[:1]) or nobody, one, ({}, {}))
                yield _placed(kind, allow, allow.roles[:1] or nobody, one, ({}, {}))


def _placed(kind: str, goal: Goal, roles: Sequence[str], one: Assignment, base: tuple[Attributes, Attributes]) -> Case:
    """The case that an assignment for a rule's condition is."""
    version = "" if goal.version == "default" else goal.version
    who = one.get(("P", "id"), goal.principal or "someone")
    what = one.get(("R", "id"), "something")
    principal = Principal(
        who if isinstance(who, str) and who else "someone",
        tuple(sorted(set(roles))),
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


def _first_changes(start: Sequence[Case], values: Values) -> Iterator[Case]:
    for case in start:
        yield from values.less(case)
    for case in start:
        yield from values.of_other_roles(case)


def _value_changes(start: Sequence[Case], values: Values) -> Iterator[Case]:
    for case in start:
        yield from values.changed(case)


def _further(start: Sequence[Case], values: Values, words: Words) -> Iterator[Case]:
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
