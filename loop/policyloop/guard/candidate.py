"""A candidate bundle as the lock looks at it: what runs there, and what stands there but does not run."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import chain, islice

from policyloop.guard.demand import Assertion, Inputs, meets
from policyloop.guard.lookalike import skeleton
from policyloop.guard.suite_demands import BundleDemands, SuiteDemands

MAX_NEAR = 200
"""How many assertions are looked at to say what became of a lost one."""


class State(Enum):
    """What becomes of an assertion that stands in a bundle. The values are the words of `Weakened.how`."""

    RUNS = "runs"
    SKIPPED = "skipped"
    BROKEN = "unreachable"
    DOUBTFUL = "ambiguous"


@dataclass(frozen=True, slots=True)
class Standing:
    """One assertion of the candidate and what becomes of it; `why` says why it does not run."""

    assertion: Assertion
    state: State
    reading: SuiteDemands
    why: str = ""


class Candidate:
    """All standings of one bundle, found by what they ask and by what they are called."""

    def __init__(self, readings: BundleDemands, doubts: dict[str, str]) -> None:
        self.readings = readings
        self.running: list[Assertion] = []
        """What Cerbos would run, as far as it can be told without it."""
        self._by_inputs: dict[Inputs, list[Standing]] = {}
        self._by_fixtures: dict[tuple[str, str, str], list[Standing]] = {}
        self._by_suite: dict[tuple[str, str], list[Standing]] = {}
        self._by_looks: dict[tuple[str, ...], list[Standing]] = {}
        for reading in readings:
            for standing in _standings(reading, doubts.get(reading.file, "")):
                one = standing.assertion
                if standing.state is State.RUNS:
                    self.running.append(one)
                self._by_inputs.setdefault(one.demand.inputs, []).append(standing)
                key = (one.id.principal, one.id.resource, one.id.action)
                self._by_fixtures.setdefault(key, []).append(standing)
                for name in {reading.file, reading.name}:
                    self._by_suite.setdefault((name, one.id.action), []).append(standing)
                self._by_looks.setdefault(_looks(one), []).append(standing)

    def meeting(self, locked: Assertion) -> list[Standing]:
        """The standings that demand at least what `locked` does, whatever becomes of them."""
        found = self._by_inputs.get(locked.demand.inputs, [])
        # What could not be read of it matches nothing by its inputs; its names are all there is to find it by.
        if not locked.known:
            found = [*found, *self._by_fixtures.get((locked.id.principal, locked.id.resource, locked.id.action), [])]
        return [standing for standing in found if meets(locked, standing.assertion)]

    def runs(self, locked: Assertion) -> list[Assertion]:
        """The assertions that meet `locked` and that Cerbos would run."""
        return [one.assertion for one in self.meeting(locked) if one.state is State.RUNS]

    def keeps(self, locked: Assertion) -> bool:
        """Whether `locked` is still demanded: by a test that runs, or that still stands if it could not run before."""
        states = {one.state for one in self.meeting(locked)}
        # A test that did not run before cannot be asked to run now, only to stand there still.
        return State.RUNS in states or (bool(locked.broken) and State.BROKEN in states)

    def near(self, locked: Assertion) -> Iterator[Standing]:
        """Where to look for what became of `locked`: what looks the same, the same fixtures, the same place."""
        one = locked.id
        places = [self._by_looks.get(_looks(locked), [])]
        places += [self._by_fixtures.get((one.principal, one.resource, one.action), [])]
        places += [self._by_suite.get((name, one.action), []) for name in (one.file, one.suite)]
        return islice(chain.from_iterable(places), MAX_NEAR)


def _looks(one: Assertion) -> tuple[str, ...]:
    return tuple(map(skeleton, one.names()))


def _standings(reading: SuiteDemands, doubt: str) -> Iterable[Standing]:
    state, why = State.RUNS, ""
    # Doubt before all else: of a text that may be read in two ways nothing more can be said.
    if doubt:
        state, why = State.DOUBTFUL, doubt
    elif reading.broken:
        state, why = State.BROKEN, reading.broken
    for one in reading.assertions:
        yield Standing(one, state, reading, why)
    for one in reading.skipped:
        yield Standing(one, State.SKIPPED, reading, "skip: true")
