"""The compiler as the lock asks it: one plain run over a bundle, and what it wrote."""

from collections.abc import Callable

from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.errors import PolicyloopError


def settling(runner: Runner) -> Callable[[Bundle], bytes]:
    """What `cerbos compile` writes on standard output over a bundle. Raises `Unavailable`."""

    def run(bundle: Bundle) -> bytes:
        with runner.stage(bundle) as staged:
            return staged.compile().stdout

    return run


def settling_if_there(opened: Callable[[], Runner]) -> Callable[[Bundle], bytes]:
    """As `settling`, with a compiler that is looked for only once it is asked; empty where there is none."""

    def run(bundle: Bundle) -> bytes:
        try:
            runner = opened()
        except PolicyloopError:
            return b""
        try:
            return settling(runner)(bundle)
        except PolicyloopError:
            return b""
        finally:
            runner.close()

    return run
