"""Do the tests bite? Small mistakes are made, one at a time, and the real compiler says which go unnoticed."""

import random
from collections.abc import Callable, Sequence

from policyloop.access.mutate.judge import Fate, fates
from policyloop.access.mutate.mutants import OPERATORS, Mutant, mutants_of
from policyloop.access.mutate.narrow import Parts
from policyloop.access.mutate.proof import Proof, proofs
from policyloop.access.mutate.result import MutateResult, Survivor
from policyloop.access.mutate.witness import Search, Witness
from policyloop.access.pdp import Settings
from policyloop.access.together import AT_ONCE
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner

__all__ = ["AT_ONCE", "OPERATORS", "Fate", "Mutant", "MutateResult", "Survivor", "Witness", "mutants_of", "mutate"]


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
    told: Callable[[str], None] = lambda _: None,
) -> MutateResult:
    """Make the mutants of a green `bundle`, run its tests on each, and search for what would kill the survivors.

    `limit`: at most so many mutants, chosen by `seed`. `settings`: of the servers with which the solver looks at those
    that no question told apart; None: it does not. `told` hears how it goes on. Raises `Unavailable`, and `UsageError`
    for suites too large to be read.
    """
    made = mutants_of(bundle, only=only)
    chosen = _chosen(made, seed, limit)
    told(f"{len(chosen)} of {len(made)} mutants on the compiler, {AT_ONCE} at once")
    parts = Parts(bundle)
    fate_of = dict(fates(runner, parts, chosen))
    left = [one for one in chosen if fate_of[one] is Fate.SURVIVED]
    told(f"{len(left)} went unnoticed; searching for requests that show them")
    survivors = _survivors(runner, parts, left, seed, settings) if left else ()
    return MutateResult(
        policies=policies,
        made=len(made),
        killed=sum(fate is Fate.KILLED for fate in fate_of.values()),
        invalid=tuple(one for one in chosen if fate_of[one] is Fate.INVALID),
        survivors=survivors,
        compiler=runner.info,
        seed=seed,
        min_score=min_score,
    )


def _chosen(made: Sequence[Mutant], seed: int, limit: int | None) -> Sequence[Mutant]:
    if limit is None or len(made) <= limit:
        return made
    kept = set(random.Random(seed).sample(range(len(made)), limit))  # noqa: S311 - no secret
    return [one for number, one in enumerate(made) if number in kept]


def _survivors(
    runner: Runner, parts: Parts, left: Sequence[Mutant], seed: int, settings: Settings | None
) -> tuple[Survivor, ...]:
    search = Search(runner, parts, seed=seed)
    found = search.witnesses(left)
    alike = [one for one in left if found[one] is None]
    told = proofs(parts.bundle, alike, parts.kinds, settings) if settings is not None else {}
    for one, proof in told.items():
        if proof.found is not None:
            found[one] = search.confirmed(one, proof.found)
    return tuple(Survivor(one, found[one], search.asked(one), told.get(one, Proof()).questions) for one in left)
