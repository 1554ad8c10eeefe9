"""What the bundle's own tests make of each mutant, on the real compiler."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from enum import Enum
from typing import TypeVar

from policyloop.access.mutate.mutants import Mutant
from policyloop.bundle import Bundle
from policyloop.cerbos.read import read_report
from policyloop.cerbos.run import Runner
from policyloop.findings import ErrorClass

AT_ONCE = 2
"""Compilers that run side by side."""

_In = TypeVar("_In")
_Out = TypeVar("_Out")


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


def fates(runner: Runner, bundle: Bundle, mutants: Iterable[Mutant]) -> Iterator[tuple[Mutant, Fate]]:
    """The fate of each, as it is known."""
    yield from side_by_side(runner, lambda one: fate(runner, one.of(bundle)), mutants)


def side_by_side(
    runner: Runner, work: Callable[[_In], _Out], items: Iterable[_In], at_once: int = AT_ONCE
) -> Iterator[tuple[_In, _Out]]:
    """`work` for each item, `at_once` at a time, as they are done. Whoever stops listening ends what still runs."""
    waiting = iter(items)
    running: dict[Future[_Out], _In] = {}
    with ThreadPoolExecutor(at_once) as pool:
        try:
            while True:
                for item in waiting:
                    running[pool.submit(work, item)] = item
                    if len(running) >= at_once * 2:
                        break
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    yield running.pop(future), future.result()
        except BaseException:
            for future in running:
                future.cancel()
            runner.close()
            raise
