"""Standard output and standard error where nobody, or nothing, takes what is said.

A reader who left (`| head`) wants no more: the command goes on, and its exit code is its verdict. A place that takes
nothing (a full disk) is a fault of the environment, raised once as `Unavailable`, so that a run stops before anything
is written. After that what is said there is dropped.
"""

import io
import os
import select
import sys
import threading

from policyloop.errors import Unavailable

_NAMES = {1: "Standard output", 2: "Standard error"}


class Outlet(io.FileIO):
    """One of the two streams. `failure`: why it could not be written, once that happened."""

    def __init__(self, number: int) -> None:
        super().__init__(number, "wb", closefd=False)
        self.failure: OSError | None = None
        self._mute = False
        self._told = False

    def mute(self) -> None:
        """From now on nothing is raised."""
        self._told = True

    def write(self, data: object) -> int:
        """Write what can be written. Raises `Unavailable`, once, and only in the main thread."""
        view = memoryview(data)  # type: ignore[arg-type]
        if not self._mute:
            try:
                return self._written(view)
            except BrokenPipeError:
                self._mute = True
            except OSError as error:
                self._mute, self.failure = True, error
        # A thread that only draws must not die of it: the main thread hears of it when it says something next.
        if self.failure and not self._told and threading.current_thread() is threading.main_thread():
            self._told = True
            raise Unavailable(
                f"{_NAMES.get(self.fileno(), 'A stream')} cannot be written: {self.failure.strerror}.",
                "Make room, or send it elsewhere; what a run did is told by policyloop show.",
            )
        return view.nbytes

    def _written(self, data: memoryview) -> int:
        while True:
            try:
                return os.write(self.fileno(), data)
            except BlockingIOError:
                # Another program made the pipe that we share one that does not wait.
                select.select([], [self.fileno()], [])


_OUTLETS: list[Outlet] = []


def guard_streams() -> None:
    """Put an outlet below both streams.

    What a terminal cannot show, a name in another script or half a character, must not end a command either, nor must a
    stream that whoever started us had closed (`>&-`).
    """
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115
    if sys.stdout is sys.__stdout__:
        sys.stdout = _over(sys.stdout, 1)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _over(sys.stderr, 2)


def _over(stream: object, number: int) -> io.TextIOWrapper:
    assert isinstance(stream, io.TextIOWrapper)
    outlet = Outlet(number)
    _OUTLETS.append(outlet)
    return io.TextIOWrapper(
        io.BufferedWriter(outlet),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def mute_streams() -> None:
    """The command has ended with an error that is told now: what cannot be said changes nothing any more."""
    for outlet in _OUTLETS:
        outlet.mute()


def unsaid() -> bool:
    """Whether something could not be said, for another reason than that its reader left."""
    return any(outlet.failure for outlet in _OUTLETS)
