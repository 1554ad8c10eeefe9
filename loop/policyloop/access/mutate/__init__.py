"""Do the tests bite? Small mistakes are made, one at a time, and the real compiler says which go unnoticed."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from policyloop.access.ask.parts import Parts
from policyloop.access.ask.questions import Question
from policyloop.access.mutate.judge import Fate, fates
from policyloop.access.mutate.mutants import Mutant, mutants_of
from policyloop.access.mutate.operators import OPERATORS
from policyloop.access.mutate.proof import Proof, proofs
from policyloop.access.mutate.result import CutOff, MutateResult, Survivor
from policyloop.access.mutate.search import Search, Witness
from policyloop.access.mutate.side_by_side import AT_ONCE
from policyloop.access.pdp import Settings
from policyloop.access.source import unread
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.errors import Exit, Unavailable

__all__ = [
    "AT_ONCE",
    "OPERATORS",
    "CutOff",
    "Fate",
    "Mutant",
    "MutateResult",
    "Survivor",
    "Witness",
    "mutants_of",
    "mutate",
]


def mutate(  # noqa: PLR0913 - what the command line offers
    runner: Runner,
    bundle: Bundle,
    policies: str,
    *,
    only: str | None = None,
    seed: int = 0,
    limit: int | None = None,
    min_score: int | None = None,
    settings: Settings | None = None,
    prove: bool = True,
    partly: bool = False,
    about: Callable[[Mutant], bool] = lambda _: True,
    ordinary: Mapping[str, Sequence[Question]] = MappingProxyType({}),
    over: Callable[[], bool] = lambda: False,
    told: Callable[[str], None] = lambda _: None,
) -> MutateResult:
    """Make the mutants of a green `bundle`, run its tests on each, and search for what would kill the survivors.

    `limit`: at most so many mutants, chosen by `seed`; nothing else depends on it. `settings`: of the servers that are
    asked. `prove`: the solver looks at those that no question told apart. `about`: which mutants are meant.
    `ordinary`: by kind, requests that are asked first of what is left (see `Search`). `told` hears how it goes on;
    once `over` says so, it ends with what is known. To be called from the main thread. With `partly` an interrupt, and
    a compiler or a server that gives out in the middle, end it with what is known by then. Raises `Unavailable` else,
    and `UsageError` for suites too large to be read.
    """
    made = [one for one in mutants_of(bundle, only=only) if about(one)]
    chosen = _chosen(made, seed, limit)
    work = _Work(runner, Parts(bundle), settings or Settings(), chosen, ordinary)
    cut_off: CutOff | None = None
    try:
        work.do(told, over, prove=prove)
    except _TimeIsUp:
        cut_off = CutOff(Exit.INTERRUPTED, "the time for it was over")
    except KeyboardInterrupt:
        if not partly:
            raise
        cut_off = CutOff(Exit.INTERRUPTED, "interrupted")
    except Unavailable as error:
        if not (partly and work.fate_of):
            raise
        cut_off = CutOff(Exit.ENVIRONMENT, error.message)
    return MutateResult(
        policies=policies,
        made=len(made),
        killed=sum(fate is Fate.KILLED for fate in work.fate_of.values()),
        invalid=tuple(one for one in chosen if work.fate_of.get(one) is Fate.INVALID),
        survivors=work.survivors(),
        compiler=runner.info,
        unread=tuple(str(place) for place in unread(bundle) if only in (None, place.file)),
        seed=seed,
        min_score=min_score,
        cut_off=cut_off,
    )


def _chosen(made: Sequence[Mutant], seed: int, limit: int | None) -> Sequence[Mutant]:
    if limit is None or len(made) <= limit:
        return made
    kept = set(random.Random(seed).sample(range(len(made)), limit))  # noqa: S311 - no secret
    return [one for number, one in enumerate(made) if number in kept]


class _TimeIsUp(Exception):
    """The time that was given is over."""


@dataclass(slots=True)
class _Work:
    """What is known so far."""

    runner: Runner
    parts: Parts
    settings: Settings
    chosen: Sequence[Mutant]
    ordinary: Mapping[str, Sequence[Question]]
    fate_of: dict[Mutant, Fate] = field(default_factory=dict)
    searched: dict[Mutant, Witness | None] = field(default_factory=dict)
    asked: dict[Mutant, int] = field(default_factory=dict)
    proved: dict[Mutant, Proof] = field(default_factory=dict)

    def do(self, told: Callable[[str], None], over: Callable[[], bool], *, prove: bool) -> None:
        """All of it, unless it is interrupted or the time is over."""
        total = len(self.chosen)
        told(f"{total} mutants on the compiler, {AT_ONCE} at once")
        for one, fate in fates(self.runner, self.parts, self.chosen):
            self.fate_of[one] = fate
            if over():
                raise _TimeIsUp
            told(f"{len(self.fate_of)} of {total} mutants judged by the tests")
        left = self._left()
        search = Search(self.runner, self.parts, self.settings, self.ordinary)
        for one, witness in search.witnesses(left):
            self.searched[one], self.asked[one] = witness, search.asked(one)
            if over():
                raise _TimeIsUp
            told(f"{len(self.searched)} of {len(left)} unnoticed mutants searched for a request that shows them")
        alike = [one for one in left if self.searched[one] is None]
        if prove and alike:
            told(f"{len(alike)} mutants that no request told apart, put to the solver")
            self.proved = dict(proofs(self.parts, alike, self.settings))
            for one, proof in self.proved.items():
                if proof.found is not None:
                    self.searched[one] = search.confirmed(one, proof.found)

    def survivors(self) -> tuple[Survivor, ...]:
        """Those that no test noticed, with what is known of them."""
        return tuple(
            Survivor(one, self.searched.get(one), self.asked.get(one, 0), self.proved.get(one, Proof()).questions)
            for one in self._left()
        )

    def _left(self) -> list[Mutant]:
        return [one for one in self.chosen if self.fate_of.get(one) is Fate.SURVIVED]
