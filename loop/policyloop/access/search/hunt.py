"""One change: values for which its old and its new condition differ, looked for from where some part changes its mind.

First the values that should make the conditions true, false, and different. Then, from every try that gave something
new, each field in turn moved over what is worth trying for it; and where a number or a moment decides, the way between
two values is divided until it is narrow. Deterministic.
"""

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from policyloop.access.ask.request import canonical
from policyloop.access.cel import Call, Const, Node, Unwritable, walk, written
from policyloop.access.search.probe import MOMENT, Asked, Probe, Values, Written
from policyloop.access.search.varied import between, position, varied
from policyloop.access.universe import Universe
from policyloop.access.universe.changes import Change
from policyloop.access.universe.fields import NOW, ROLES, Assignment, Path, path_of, placed, settable
from policyloop.access.universe.made import principal_of, resource_of
from policyloop.access.universe.models import models
from policyloop.access.universe.values import json_of

MOST_TRIES = 1_500
"""The most tries for one change."""
_VERSION: Path = ("R", "policyVersion")
_SCOPE: Path = ("R", "scope")
_MOST_SEEDS = 30
_MOST_CONSTANTS = 24
_KEPT = 6
_ROUND = 240
_DIVIDED = 6
_NARROW = 4
_AFTER_FIRST = 500
"""How many more tries there are once one direction is known."""


@dataclass(slots=True)
class Hunted:
    """What came of one change.

    `wider` and `narrower`: values for which the new condition holds and the old one does not, and the other way round;
    `both` and `none`: for which both hold, or neither. `open`: why the search did not cover it, each reason once.
    """

    change: Change
    wider: list[Assignment] = field(default_factory=list)
    narrower: list[Assignment] = field(default_factory=list)
    both: list[Assignment] = field(default_factory=list)
    none: list[Assignment] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    tries: int = 0

    @property
    def differ(self) -> bool:
        """Whether there are values for which the two conditions differ."""
        return bool(self.wider or self.narrower)

    def telling(self) -> Iterator[Assignment]:
        """The values to ask both bundles about, the most telling ones first."""
        for each in itertools.zip_longest(self.wider, self.narrower, self.both, self.none):
            yield from (one for one in each if one is not None)


def hunted(one: Written, probe: Probe, universe: Universe, most: int = MOST_TRIES) -> Hunted:
    """What tells the two conditions of a change from each other, after at most `most` tries."""
    return _Hunt(one, probe, universe, most).result()


def _guessed(change: Change, universe: Universe) -> Iterator[Assignment]:
    """Values that should make the two conditions of a change differ, then true, then false."""
    near = universe.near(change)
    before, after = change.before, change.after
    yield from models(Call("&&", (after, Call("!", (before,)))), near, want=True)[:_MOST_SEEDS]
    yield from models(Call("&&", (before, Call("!", (after,)))), near, want=True)[:_MOST_SEEDS]
    for want in (True, False):
        for condition in (after, before):
            yield from models(condition, near, want=want)[:_MOST_SEEDS]


class _Hunt:
    def __init__(self, one: Written, probe: Probe, universe: Universe, most: int) -> None:
        self._one, self._probe, self._universe = one, probe, universe
        self._left = most
        self._kind = universe.kind_for(one.change)
        self._places = self._kind.places if self._kind else (("", ""),)
        self._found = Hunted(one.change)
        self._tried: set[str] = set()
        self._known: dict[Values, None] = {}
        self._queue: deque[Assignment] = deque()
        self._true: set[int] = set()
        self._false: set[int] = set()

    def result(self) -> Hunted:
        if self._kind is None:
            self._found.open.append("no resource of its kind could be asked about")
            return self._found
        self._look(self._seeds())
        if not self._done():
            pool = self._pool()
            while self._queue and self._left > 0 and not self._done():
                start = self._queue.popleft()
                for path, values in pool.items():
                    self._along(start, path, values)
                    if self._left <= 0 or self._done():
                        break
        self._found.open += self._gaps()
        if self._one.unread:
            self._found.open.append(f"{self._one.unread} more of its parts were not looked at one by one")
        if not self._found.differ:
            self._found.open.append(f"none of {self._found.tries} requests tells its condition from what it was")
        return self._found

    # --- where it starts

    def _seeds(self) -> Iterator[Assignment]:
        yield from _guessed(self._one.change, self._universe)
        near = self._universe.near(self._one.change)
        for atom in self._one.parts:
            for want in (True, False):
                yield from models(atom, near, want=want)[:_MOST_SEEDS]
        yield {}

    def _pool(self) -> dict[Path, list[Any]]:
        """Field -> what is worth trying for it."""
        kind = self._kind
        assert kind is not None
        found: dict[Path, list[Any]] = {path: [] for path in self._paths()}
        for one in self._seeds():
            for path, value in one.items():
                found.setdefault(path, []).append(value)
        constants = self._constants()
        for path, values in found.items():
            values += [*kind.domain.get(path, ()), *constants]
            if path in (_VERSION, _SCOPE):
                values += [place[path == _SCOPE] for place in self._places]
            if path == NOW:
                values[:] = [json_of(value) for value in values]
            found[path] = list({repr(value): value for value in values}.values())
        return found

    def _constants(self) -> list[Any]:
        """Every constant of the two conditions, whichever field it is held against."""
        nodes = [node for goal in self._one.change.sides for node in walk(goal.condition)]
        return [json_of(node.value) for node in nodes if isinstance(node, Const)][:_MOST_CONSTANTS]

    def _paths(self) -> Iterator[Path]:
        for goal in self._one.change.sides:
            for node in walk(goal.condition):
                path = path_of(node)
                if (path and (settable(path) or path == ROLES)) or path in (_VERSION, _SCOPE):
                    yield path
                elif isinstance(node, Call) and node.function in ("now", "timeSince"):
                    yield NOW

    # --- trying

    def _along(self, start: Assignment, path: Path, values: Sequence[Any]) -> None:
        """One field over its values, the others as they are; then between values where something changes."""
        here = start.get(path)
        more = list(varied(here)) if here is not None else []
        tried = [{**start, path: value} for value in (*more, *values)]
        seen = self._look([start, *tried], again=True)
        line = [
            (position(one.get(path)), one.get(path), values)
            for one, values in seen
            if position(one.get(path)) is not None
        ]
        for _ in range(_NARROW):
            line.sort(key=lambda each: each[0] or 0.0)
            turns = [
                (low[1], high[1])
                for low, high in itertools.pairwise(line)
                if low[2] != high[2] and type(low[1] is str) is type(high[1] is str)
            ]
            points = [{**start, path: value} for low, high in turns[:4] for value in between(low, high, _DIVIDED)]
            if not points or self._left <= 0 or self._done():
                return
            line += [(position(one[path]), one[path], values) for one, values in self._look(points)]

    def _look(self, tries: Iterable[Assignment], *, again: bool = False) -> list[tuple[Assignment, Values]]:
        """Ask about each, keep what it says, and go on from what is new."""
        fresh: list[Assignment] = []
        asked: list[Asked] = []
        for one in tries:
            if len(fresh) >= self._left:
                break
            made = self._made(one)
            key = canonical([made.principal.to_json(), made.resource.to_json(), dict(made.claims)])
            if key not in self._tried or (again and not fresh):
                self._tried.add(key)
                fresh.append(one)
                asked.append(made)
        seen: list[tuple[Assignment, Values]] = []
        for start in range(0, len(fresh), _ROUND):
            part = fresh[start : start + _ROUND]
            answers = self._probe.values(self._one, asked[start : start + _ROUND])
            self._left -= len(part)
            self._found.tries += len(part)
            for one, values in zip(part, answers, strict=True):
                self._keep(one, values)
                seen.append((one, values))
            if self._done():
                break
        return seen

    def _made(self, one: Assignment) -> Asked:
        kind, change = self._kind, self._one.change
        assert kind is not None
        goal = change.goal
        base = kind.bases[0]
        version, scope = self._places[0]
        roles = change.roles[:1] or self._universe.roles[:1] or ("somebody",)
        principal = principal_of(goal, roles, one, base[0], goal.scope if goal.principal else "")
        version, scope = (one.get(("R", "policyVersion"), version), one.get(("R", "scope"), scope))
        moment = one.get(NOW, self._universe.now)
        attr = {**base[1], MOMENT: json_of(moment)} if self._timed() else base[1]
        resource = resource_of(kind.name, one, attr, str(version), str(scope))
        return Asked(principal, resource, placed({}, one, ("J",)))

    def _timed(self) -> bool:
        return any(MOMENT in text for text in self._one.texts)

    def _keep(self, one: Assignment, values: Values) -> None:
        for n, value in enumerate(values):
            if value is True:
                self._true.add(n)
            elif value is False:
                self._false.add(n)
        before, after = values[:2]
        if values not in self._known:
            self._known[values] = None
            # Where one of the two holds, a difference is near.
            (self._queue.appendleft if before or after else self._queue.append)(one)
        into = {
            (False, True): self._found.wider,
            (None, True): self._found.wider,
            (True, False): self._found.narrower,
            (True, None): self._found.narrower,
            (True, True): self._found.both,
        }.get((before, after), self._found.none)
        if len(into) < _KEPT:
            if not into and into in (self._found.wider, self._found.narrower):
                self._left = min(self._left, _AFTER_FIRST)
            into.append(one)

    # --- what is left

    def _done(self) -> bool:
        found, change = self._found, self._one.change
        sides = (change.old is None or found.narrower) and (change.new is None or found.wider)
        return bool(sides) and not self._gaps()

    def _gaps(self) -> list[str]:
        """What was not made both true and false."""
        change = self._one.change
        changed = change.changed_atoms() if change.old and change.new else frozenset(self._one.parts)
        found = []
        names = [(n + 2, part) for n, part in enumerate(self._one.parts) if part in changed]
        if not self._one.parts:
            names = [(n, goal) for n, goal in ((0, change.before), (1, change.after)) if _atomic(goal)]
        for n, part in names:
            missed = [word for word, seen in (("true", self._true), ("false", self._false)) if n not in seen]
            if missed:
                found.append(f"no request made `{_said(part)}` {' or '.join(missed)}")
        return found


def _atomic(node: Node) -> bool:
    return getattr(node, "value", None) not in (True, False)


def _said(node: Node) -> str:
    try:
        text = written(node)
    except Unwritable:
        return "a part"
    return text[1:-1] if text.startswith("(") and text.endswith(")") else text


__all__ = ["MOST_TRIES", "Hunted", "hunted"]
