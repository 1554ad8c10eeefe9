"""Several compilers at work at once, all ended when nobody waits for them any more."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from policyloop.cerbos.run import Runner

AT_ONCE = 2
"""Compilers that run side by side."""

_In = TypeVar("_In")
_Out = TypeVar("_Out")


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
