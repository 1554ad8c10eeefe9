"""A process that keeps a model's program: when policyloop lets go, or is killed, nothing that it started stays.

Started by `policyloop.models.command` as `python -I -S keeper.py FD PROGRAM ARGUMENT...`; it imports nothing of ours.
FD is one end of a socket pair. It says there `started`, or `failed ERRNO`, and later `ended EXIT-CODE`; the other end
says nothing, and its closing, which the kernel does for a process that was killed, is the order to end all.

On Linux the keeper adopts whatever its program leaves behind, also what went into a session of its own. Elsewhere it
reaches the program's process group only.
"""

import contextlib
import ctypes
import os
import select
import signal
import sys
import time

GLANCE_SECONDS = 0.01
PATIENCE_SECONDS = 5.0
"""How long to go on killing what is made anew all the time."""
_PR_SET_CHILD_SUBREAPER = 36


def main(line: int, command: list[str]) -> None:
    """Start the program, tell of it, and end all when the line is closed."""
    os.set_inheritable(line, False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # A handler and not SIG_IGN, which the program would inherit.
        signal.signal(number, lambda _number, _frame: None)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        program = os.posix_spawnp(command[0], command, os.environ, setpgroup=0)
    except (OSError, ValueError) as error:
        _tell(line, f"failed {getattr(error, 'errno', None) or 22}")
        return
    _tell(line, "started")
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        # Its streams are the program's alone: their end must be seen.
        os.dup2(nothing, stream)
    _wait(line, program)
    _end_all(program)


def _wait(line: int, program: int) -> None:
    while not select.select([line], [], [], GLANCE_SECONDS)[0]:
        for process, status in _reaped():
            if process == program:
                _tell(line, f"ended {os.waitstatus_to_exitcode(status)}")


def _end_all(program: int) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    with contextlib.suppress(OSError):
        os.killpg(program, signal.SIGKILL)
    while time.monotonic() < until:
        for process in _descendants():
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)
        list(_reaped())
        if not _descendants():
            return
        time.sleep(GLANCE_SECONDS / 10)


def _reaped() -> list[tuple[int, int]]:
    ended = []
    with contextlib.suppress(ChildProcessError):
        while (done := os.waitpid(-1, os.WNOHANG))[0]:
            ended.append(done)
    return ended


def _descendants() -> list[int]:
    """All that stem from this process and run, or are to be waited for; none where the kernel does not tell."""
    children: dict[int, list[int]] = {}
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir("/proc"):  # noqa: PTH208 - pathlib is half of this program's start
            if name.isdigit():
                children.setdefault(_parent(name), []).append(int(name))
    reached, rest = [], [os.getpid()]
    while rest:
        more = children.get(rest.pop(), [])
        reached += more
        rest += more
    return reached


def _parent(process: str) -> int:
    try:
        with open(f"/proc/{process}/stat", "rb") as file:  # noqa: PTH123
            return int(file.read().rpartition(b")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def _tell(line: int, word: str) -> None:
    with contextlib.suppress(OSError):
        os.write(line, f"{word}\n".encode())


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
