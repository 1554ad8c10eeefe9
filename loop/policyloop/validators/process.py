"""Running a program that is not trusted to end, to be quiet, or to leave nothing behind."""

import contextlib
import math
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from policyloop.cerbos.run import Trouble
from policyloop.errors import Unavailable

if sys.platform != "win32":
    import resource

_CHUNK = 1 << 18
_GLANCE_SECONDS = 0.2
"""How often to look whether a program is gone whose pipes a child of it still holds open."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one program may use: wall time in seconds, bytes kept of each stream, bytes of private memory."""

    seconds: float
    output_bytes: int
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """What a program left behind. `exit_code` is None when it was ended by us, negative for a signal from others."""

    exit_code: int | None
    stdout: bytes
    stderr: bytes
    seconds: float
    trouble: Trouble | None


class Processes:
    """The programs that are running now, each in a session of its own. `close` kills them, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._live: set[subprocess.Popen[bytes]] = set()
        self._closed = False

    def close(self) -> None:
        """Kill all that run, and start no more."""
        with self._lock:
            self._closed = True
            for process in self._live:
                _kill_group(process)

    def run(
        self, arguments: Sequence[str], *, environment: Mapping[str, str], directory: Path, limits: Limits
    ) -> Ended:
        """Run to the end or to a limit. Neither it nor any child in its group is left running.

        Raises `Unavailable` when it cannot be started.
        """
        began = time.monotonic()
        with self.started(arguments, environment, directory) as process:
            limit(process.pid, limits)
            stdout, stderr, trouble = _read(process, began + limits.seconds, limits.output_bytes)
        code = None if trouble else process.returncode
        return Ended(code, stdout, stderr, time.monotonic() - began, trouble)

    @contextlib.contextmanager
    def started(
        self, arguments: Sequence[str], environment: Mapping[str, str], directory: Path
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A program that runs until this is left, or `close`; its streams are the caller's to read.

        Raises `Unavailable` when it cannot be started.
        """
        with self._lock:
            if self._closed:
                raise Unavailable("The compiler was stopped.")
            try:
                process = subprocess.Popen(
                    arguments,
                    # A program that reads a terminal would wait for a person who is not asked.
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env=dict(environment),
                    cwd=directory,
                    # A group of its own, so that it can be ended with all its children, and no Ctrl-C of the terminal
                    # reaches it before us.
                    start_new_session=True,
                    bufsize=0,
                )
            except OSError as error:
                reason = error.strerror or str(error)
                raise Unavailable(
                    f"{arguments[0]} cannot be started: {reason}.", "policyloop doctor says more."
                ) from None
            self._live.add(process)
        try:
            yield process
        finally:
            with self._lock:
                # Also when it has ended by itself: a child of it may live on and hold the pipes.
                _kill_group(process)
                self._live.discard(process)
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """End the whole group. Its leader has not been waited for, so its id cannot have gone to another group yet."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether the leader is gone, without waiting for it (its id stays taken)."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def limit(pid: int, limits: Limits) -> None:
    """Cap private writable memory, and processor time for one that outlives us. Linux only.

    RLIMIT_AS would not do: a Go program reserves far more addresses than it uses. The limits are set from outside,
    for code between fork and exec is not safe in a program with threads.
    """
    if limits.memory_bytes is None or sys.platform != "linux":
        return
    seconds = math.ceil(limits.seconds) * (os.cpu_count() or 1) + 1
    with contextlib.suppress(OSError, ValueError):
        resource.prlimit(pid, resource.RLIMIT_DATA, (limits.memory_bytes, limits.memory_bytes))
        resource.prlimit(pid, resource.RLIMIT_CPU, (seconds, seconds))
        # A dump of memory would hold what the policies and the environment hold, in a file that nobody removes.
        resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))


def _read(process: subprocess.Popen[bytes], deadline: float, limit: int) -> tuple[bytes, bytes, Trouble | None]:
    """Both streams until the program is gone; ends early when one gets longer than `limit` or time is up."""
    assert process.stdout is not None and process.stderr is not None  # noqa: PT018
    kept = {process.stdout.fileno(): bytearray(), process.stderr.fileno(): bytearray()}
    out, err = kept.values()
    trouble = None
    gone = False
    with selectors.DefaultSelector() as selector:
        for number in kept:
            selector.register(number, selectors.EVENT_READ)
        while trouble is None:
            ready = selector.select(min(_GLANCE_SECONDS, max(0.0, deadline - time.monotonic())))
            for key, _ in ready:
                data = os.read(key.fd, _CHUNK)
                kept[key.fd] += data
                if not data:
                    selector.unregister(key.fd)
            # Looked at after each piece: a flood must not be held in memory to be noticed.
            if any(len(data) > limit for data in kept.values()):
                trouble = Trouble.FLOOD
            elif time.monotonic() > deadline:
                trouble = Trouble.TIMEOUT
            elif not selector.get_map():
                return bytes(out), bytes(err), _wait(process, deadline)
            elif not ready and gone:
                break
            elif not ready:
                # What it wrote between the look at its streams and its end is still to be read: one more look.
                gone = _has_ended(process)
    # What is left over is cut here, so that a report is the same however fast the pipe was.
    return bytes(out[:limit]), bytes(err[:limit]), trouble


def _wait(process: subprocess.Popen[bytes], deadline: float) -> Trouble | None:
    """Both streams are closed: the program has until the deadline to go."""
    pause = 0.0005
    while not _has_ended(process):
        if time.monotonic() > deadline:
            return Trouble.TIMEOUT
        time.sleep(pause)
        pause = min(pause * 2, 0.05)
    return None
