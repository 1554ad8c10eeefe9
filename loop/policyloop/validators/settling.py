"""The compiler as the lock asks it: one plain run over a bundle, and what it wrote."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.errors import PolicyloopError


def settling(runner: Runner) -> Callable[[Bundle], bytes]:
    """What `cerbos compile` writes on standard output over a bundle. Raises `Unavailable`."""

    def run(bundle: Bundle) -> bytes:
        with runner.stage(bundle) as staged:
            return staged.compile().stdout

    return run


@contextmanager
def settling_if_there(opened: Callable[[], Runner]) -> Iterator[Callable[[Bundle], bytes]]:
    """As `settling`, with a compiler that is looked for once, when it is first asked; empty where there is none."""
    held: list[Runner] = []

    def run(bundle: Bundle) -> bytes:
        try:
            if not held:
                held.append(opened())
            return settling(held[0])(bundle)
        # No compiler is no answer, and without an answer the doubt stays: the lock refuses what it cannot settle.
        except PolicyloopError:
            return b""

    try:
        yield run
    finally:
        for runner in held:
            runner.close()
