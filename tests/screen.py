"""A terminal with a person at it: a program on a pseudo terminal, what its screen shows, and what is typed."""

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pyte

LINES, COLUMNS = 60, 160


class Screen:
    """`program` with a terminal of its own. Texts are looked for without regard to blanks and line breaks."""

    def __init__(
        self,
        program: Sequence[str],
        *,
        cwd: Path,
        environment: Mapping[str, str],
        lines: int = LINES,
        columns: int = COLUMNS,
    ) -> None:
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self._pid, self._wire = pty.fork()
        if self._pid == 0:  # pragma: no cover
            try:
                os.chdir(cwd)
                os.execvpe(program[0], list(program), {**environment, "TERM": "xterm-256color"})
            finally:
                os._exit(127)
        fcntl.ioctl(self._wire, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    @property
    def lines(self) -> list[str]:
        """What the screen shows now, without empty lines."""
        return [line.strip() for line in self._screen.display if line.strip()]

    def wait(self, *texts: str, seconds: float = 120) -> str:
        """Wait until the screen shows one of `texts`; answers which one."""
        wanted = {text: _dense(text) for text in texts}
        return str(
            self.until(lambda: next((t for t, d in wanted.items() if d in _dense("".join(self.lines))), ""), seconds)
        )

    def until(self, ready: Callable[[], object], seconds: float = 120) -> object:
        """Wait until `ready` answers something true; answers that. Fails with what the screen shows."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._pump()
            if found := ready():
                return found
        raise AssertionError(f"waited {seconds:.0f} s in vain; the screen:\n" + "\n".join(self.lines))

    def enter(self, text: str) -> None:
        """Type a line. It is ended only once it is shown, for what comes at one stroke may be taken for a paste."""
        os.write(self._wire, text.encode())
        self.wait(text[-40:])
        self.press()

    def press(self) -> None:
        """Press Enter."""
        os.write(self._wire, b"\r")

    def _pump(self) -> None:
        if select.select([self._wire], [], [], 0.05)[0]:
            try:
                data = os.read(self._wire, 65_536)
            except OSError:
                data = b""
            if not data:
                raise AssertionError("the program ended; the screen:\n" + "\n".join(self.lines))
            self._stream.feed(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        os.kill(self._pid, signal.SIGKILL)
        os.close(self._wire)
        os.waitpid(self._pid, 0)


def _dense(text: str) -> str:
    return "".join(text.split())
