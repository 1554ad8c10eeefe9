"""The universe: batches of requests made from what the bundles themselves say, the most telling ones first.

Deterministic for a seed and a moment, bounded, and streaming. In order: the fixtures of the suites with every action;
each rule just met and just missed, for every role and pair of roles; then each field moved over every value that any
condition looks at, over other types and absence, while the rest is met; then two rules met at once, and two fields
moved at once, drawn by the seed.
"""

import itertools
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from policyloop.access.ask.questions import Question
from policyloop.access.ask.request import Attributes, Batch, Principal, Request, Resource, canonical
from policyloop.access.universe.batching import PER_BATCH, cut, in_turns
from policyloop.access.universe.changes import Change, changes_between, covers
from policyloop.access.universe.domains import SOMEBODY, constants_of, is_token
from policyloop.access.universe.fields import NOW, Assignment, merged, placed
from policyloop.access.universe.goals import Goal
from policyloop.access.universe.kinds import Kind, Named, spelled
from policyloop.access.universe.made import principal_of, resource_of
from policyloop.access.universe.near import Near
from policyloop.access.universe.values import instant, json_of
from policyloop.bundle import Bundle

MOST_REQUESTS = 60_000
"""How many decisions are asked for where nobody says otherwise."""
_ROUNDS = 12
_FIRST = 0.75
"""The share of all requests that may be about what changed, before anything else is asked."""
_MOST_ACTIONS = 12
_MOST_ROLES = 8


def this_minute() -> datetime:
    """The moment, without its seconds: values around it are minutes away from it."""
    return datetime.now(UTC).replace(second=0, microsecond=0)


@dataclass
class Universe:
    """The requests about some bundles. `asked` counts the decisions that were handed out so far."""

    bundles: Sequence[Bundle]
    seed: int = 0
    most: int = MOST_REQUESTS
    now: datetime = field(default_factory=this_minute)
    only: frozenset[str] | None = None
    """The kinds of resource to ask about; all that the bundles name by default."""
    asked: int = 0
    complete: bool = True
    """Whether everything that was to be asked fitted into `most`."""
    first: Sequence[tuple[Change, Sequence[Assignment]]] = ()
    """What is asked before anything else: changed rules, each with the values that tell most about it."""
    cut: frozenset[int] = frozenset()
    """The positions in `first` of those of which not all was asked."""

    def __post_init__(self) -> None:
        named = Named(self.bundles, self.now, self.only)
        old, new = named.goals[0], named.goals[-1]
        self.changes = changes_between(old.all, new.all)
        self._fixtures = named.fixtures
        self.roles, self.unknown_role, self.kinds = named.roles, named.unknown_role, named.kinds

    def batches(self) -> Iterator[Batch]:
        """Every batch, until `most` decisions are asked for. The same ones each time."""
        left = self.most
        streams = [self._of_fixtures(), *(self._of_kind(kind) for kind in self.kinds)]
        for batch in itertools.chain(self._of_changes(), in_turns(streams)):
            left -= len(batch)
            if left < 0:
                self.complete = False
                return
            self.asked += len(batch)
            yield batch

    def clock(self) -> Iterator[Question]:
        """Requests whose answer depends on the moment they are made at: those that no server can be asked."""
        for change, tried in self.first:
            if (of := self.kind_for(change)) is not None:
                for one in tried:
                    if NOW in one:
                        yield from self._moments(of, change.goal, one)
        for kind in self.kinds:
            for goal, *lists in zip(kind.goals, kind.met, kind.missed, strict=True):
                for one in itertools.chain(*lists):
                    if NOW in one:
                        yield from self._moments(kind, goal, one)

    def _moments(self, kind: Kind, goal: Goal, one: Assignment) -> Iterator[Question]:
        principal_attr, resource_attr = kind.bases[0]
        principal = principal_of(goal, goal.roles[:1] or (self.unknown_role,), one, principal_attr, "")
        for version, scope in kind.places[:2]:
            resource = resource_of(kind.name, one, resource_attr, version, scope)
            for action in spelled(goal.actions):
                moment = str(json_of(one[NOW]))
                if instant(moment) is not None:
                    yield Question(Request(principal, resource, action, placed({}, one, ("J",))), moment)

    def subjects(self) -> Iterator[tuple[Principal, str, str, tuple[str, str], Attributes]]:
        """Principal, kind, action, version and scope, claims: what to prove something about. All resources are meant.

        Each role, an unknown one and each two together, without attributes and with those of a fixture; fixtures; and
        every principal that just meets a rule.
        """
        fixtures = {question.request.principal.key: question.request for question, _ in self._fixtures}
        for kind in self.kinds:
            seen: set[str] = set()
            for principal, claims in itertools.chain(
                ((one.principal, one.claims) for one in fixtures.values()), self._of_roles(kind)
            ):
                key = f"{principal.key} {canonical(claims)}"
                if key not in seen and is_token(claims):
                    seen.add(key)
                    for action in kind.actions:
                        for place in kind.places:
                            yield principal, kind.name, action, place, claims

    def _of_roles(self, kind: Kind) -> Iterator[tuple[Principal, Attributes]]:
        for n, goal in enumerate(kind.goals):
            for one in kind.met[n][:3]:
                for role in goal.roles or (self.unknown_role,):
                    principal = principal_of(goal, (role,), one, kind.bases[-1][0], "")
                    yield principal, placed({}, one, ("J",))
        for roles in (*((role,) for role in (*self.roles, self.unknown_role)), *itertools.combinations(self.roles, 2)):
            for base in kind.bases:
                yield Principal(SOMEBODY, roles, base[0]), {}

    def kind_for(self, change: Change) -> "Kind | None":
        """The kind of resource to ask about where a change is: the first one for a rule about several."""
        named = (kind for kind in self.kinds if change.goal.kind == kind.name or "*" in change.goal.kind)
        return next(named, None)

    def near(self, change: Change) -> Near:
        """What guessing may go by for a change."""
        kind = self.kind_for(change)
        return Near(self.now, constants_of(kind.goals if kind else change.sides))

    def _of_changes(self) -> Iterator[Batch]:
        """What tells most about each changed rule, for its own actions alone; at most `_FIRST` of all."""
        streams = [self._of_change(change, tried) for change, tried in self.first]
        left = int(self.most * _FIRST)
        waiting = dict(enumerate(streams))
        while waiting:
            for number, stream in list(waiting.items()):
                batch = next(stream, None)
                if batch is None:
                    del waiting[number]
                    continue
                left -= len(batch)
                if left < 0:
                    self.cut = frozenset(waiting)
                    self.complete = False
                    return
                yield batch

    def _of_change(self, change: Change, tried: Sequence[Assignment]) -> Iterator[Batch]:
        kind = self.kind_for(change)
        if kind is None:
            return
        goal = change.goal
        actions = tuple(spelled(change.actions))[:_MOST_ACTIONS] or kind.actions[:_MOST_ACTIONS]
        roles = [(role,) for role in change.roles[:_MOST_ROLES]]
        if not roles:
            roles = [*((role,) for role in self.roles[:3]), (self.unknown_role,)]
        some = [one for one in tried if NOW not in one]
        clear = list(self._clear(kind, change, some[:4], actions))
        for part in (some[:8], clear, some[8:]):
            for base in (kind.bases[0], *(kind.bases[1:2])):
                for held in roles:
                    yield from self._ask(kind, goal, held, part, base, actions)

    def _clear(
        self, kind: Kind, change: Change, some: Sequence[Assignment], actions: Sequence[str]
    ) -> Iterator[Assignment]:
        """The same with another rule about these actions missed: it may hide what the changed one does."""
        mine = {replace(goal, line=0) for goal in change.sides}
        others = [
            n
            for n, goal in enumerate(kind.goals)
            if replace(goal, line=0) not in mine and any(covers(goal.actions, action) for action in actions)
        ]
        for n in others[:6]:
            for one in some:
                for missed in kind.missed[n][:3]:
                    if NOW not in missed:
                        yield {**missed, **one}
                        yield {**one, **missed}

    def _of_fixtures(self) -> Iterator[Batch]:
        """Every fixture principal with every fixture resource, and every action of its kind."""
        principals = list({q.request.principal.key: q.request for q, _ in self._fixtures}.values())
        for kind in self.kinds:
            held = {q.request.resource.key: q.request.resource for q, _ in self._fixtures}
            resources = [one for one in held.values() if one.kind == kind.name]
            claims = list({canonical(q.request.claims): q.request.claims for q, _ in self._fixtures}.values())
            for one in principals:
                for claim in claims[:4]:
                    yield from cut(one.principal, resources, kind.actions, claim)

    def _of_kind(self, kind: Kind) -> Iterator[Batch]:
        drawn = random.Random(f"{self.seed} {kind.name}")  # noqa: S311
        yield from self._of_rules(kind)
        yield from in_turns([self._moved(kind, n) for n in range(len(kind.goals))])
        yield from self._pairs(kind, drawn)
        yield from self._moved_twice(kind, drawn)

    def _of_rules(self, kind: Kind) -> Iterator[Batch]:
        """Each rule just met and just missed, for every role and pair of roles, in every scope and version."""
        goals: dict[tuple[str, str], tuple[Goal, list[Assignment]]] = {}
        for goal, *lists in zip(kind.goals, kind.met, kind.missed, strict=True):
            of = (goal.principal, goal.scope) if goal.principal else ("", "")
            held = goals.setdefault(of, (goal, []))[1]
            held += (one for one in itertools.chain(*lists) if NOW not in one)
        for roles in self._role_sets():
            for base in kind.bases:
                for goal, tried in goals.values():
                    yield from self._ask(kind, goal, roles, tried, base)

    def _role_sets(self) -> Iterator[tuple[str, ...]]:
        yield from ((role,) for role in self.roles)
        yield (self.unknown_role,)
        yield from itertools.combinations(self.roles, 2)
        if len(self.roles) > 2:
            yield self.roles

    def _moved(self, kind: Kind, n: int) -> Iterator[Batch]:
        """Each field moved over all its values while the rest of the rule is met."""
        goal = kind.goals[n]
        roles = [(role,) for role in goal.roles] or [(role,) for role in self.roles[:4]] or [(self.unknown_role,)]
        starts = [one for one in kind.met[n] if NOW not in one][:4]
        for base in kind.bases:
            moved = [
                {**start, path: value} for path, values in kind.domain.items() for start in starts for value in values
            ]
            for held in roles:
                yield from self._ask(kind, goal, held, moved, base)

    def _pairs(self, kind: Kind, drawn: random.Random) -> Iterator[Batch]:
        """Two rules met at once, or one met and the other missed."""
        pairs = list(itertools.permutations(range(len(kind.goals)), 2))
        drawn.shuffle(pairs)
        for n, m in pairs:
            first, second = kind.goals[n], kind.goals[m]
            tried = [
                together
                for one in kind.met[n][:6]
                for other in (*kind.met[m][:6], *kind.missed[m][:6])
                if (together := merged(one, other)) is not None and NOW not in together
            ]
            held = tuple(sorted({*first.roles[:1], *second.roles[:1]})) or (self.unknown_role,)
            for roles in dict.fromkeys((held, first.roles[:1] or held)):
                yield from self._ask(kind, first, roles, tried, kind.bases[-1])

    def _moved_twice(self, kind: Kind, drawn: random.Random) -> Iterator[Batch]:
        """Two fields moved at once, drawn by the seed."""
        paths = list(kind.domain)
        rounds = _ROUNDS * len(kind.goals) if len(paths) > 1 else 0
        for _ in range(rounds):
            n = drawn.randrange(len(kind.goals))
            starts = [one for one in kind.met[n] if NOW not in one]
            if not starts:
                continue
            tried = []
            for _ in range(PER_BATCH):
                moved = dict(drawn.choice(starts))
                for path in drawn.sample(paths, 2):
                    moved[path] = drawn.choice(kind.domain[path])
                tried.append(moved)
            goal = kind.goals[n]
            count = min(len(self.roles), drawn.choice((1, 1, 2)))
            roles = goal.roles[:1] if drawn.random() < 0.5 and goal.roles else tuple(drawn.sample(self.roles, count))
            yield from self._ask(
                kind, goal, tuple(sorted(roles)) or (self.unknown_role,), tried, drawn.choice(kind.bases)
            )

    def _ask(
        self,
        kind: Kind,
        goal: Goal,
        roles: tuple[str, ...],
        tried: Iterable[Assignment],
        base: tuple[dict[str, Any], dict[str, Any]],
        actions: Sequence[str] = (),
    ) -> Iterator[Batch]:
        """The assignments as batches: those that ask as the same principal together."""
        principals: dict[tuple[str, str], tuple[Principal, dict[str, Any], list[Resource]]] = {}
        own = ("" if goal.version == "default" else goal.version, goal.scope)
        for one in tried:
            principal = principal_of(goal, roles, one, base[0], own[1] if goal.principal else "")
            claims = placed({}, one, ("J",))
            held = principals.setdefault((principal.key, canonical(claims)), (principal, claims, []))[2]
            for version, scope in kind.places:
                # Only the rule's own place for moved fields would miss what a child scope does: all of them, always.
                held.append(resource_of(kind.name, one, base[1], version, scope))
        for principal, claims, resources in principals.values():
            yield from cut(principal, resources, actions or kind.actions, claims)
