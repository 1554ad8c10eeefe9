"""What the bundle's own tests make of each mutant, on the real compiler."""

from collections.abc import Iterable, Iterator
from enum import Enum

from policyloop.access.ask.parts import Parts
from policyloop.access.mutate.mutants import Mutant
from policyloop.access.mutate.side_by_side import side_by_side
from policyloop.bundle import Bundle
from policyloop.cerbos.read import read_report
from policyloop.cerbos.run import Runner
from policyloop.findings import ErrorClass


class Fate(Enum):
    """What became of a mutant."""

    KILLED = "killed"
    SURVIVED = "survived"
    INVALID = "invalid"


def fate(runner: Runner, bundle: Bundle) -> Fate:
    """Killed by a test in the normal or the strict pass; invalid when it is no bundle that the compiler takes.

    Raises `Unavailable`.
    """
    with runner.stage(bundle) as staged:
        for strict in (False, True):
            run = staged.compile(strict=strict)
            found = read_report(runner.info, run, run, bundle, require_tests=False).next_class
            if found is not None:
                return Fate.KILLED if found is ErrorClass.TEST else Fate.INVALID
    return Fate.SURVIVED


def fates(runner: Runner, parts: Parts, mutants: Iterable[Mutant]) -> Iterator[tuple[Mutant, Fate]]:
    """The fate of each, as it is known."""
    yield from side_by_side(runner, lambda one: fate(runner, one.of(parts.judging(one.file))), mutants)
