"""A hard limit on the time that a blocking call may take, whatever it waits for."""

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class TimeIsUp(Exception):
    """The call did not come to an end in time; whatever it was doing has been left to itself."""


def within(seconds: float, call: Callable[[], T]) -> T:
    """The result of `call`, or what it raises. Raises `TimeIsUp` when it takes longer than `seconds`.

    The SDK bounds each read, not the whole: a server that sends a ping now and then, or asks to retry in an hour, would
    hold us. So the call runs in a thread of its own, which is left behind when the time is up; it does not keep the
    process alive. An interrupt is seen at once.
    """
    done: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            done.put((call(), None))
        except BaseException as error:  # noqa: BLE001 - handed over to the thread that waits
            done.put((None, error))

    threading.Thread(target=run, name="policyloop-model", daemon=True).start()
    try:
        result, error = done.get(timeout=max(seconds, 0.0))
    except queue.Empty:
        raise TimeIsUp from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]
