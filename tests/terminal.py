"""`policyloop` as somebody at a terminal sees it."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from command import environment


class Terminal:
    """`policyloop` on a terminal of its own."""

    def __init__(
        self,
        *arguments: object,
        env: Mapping[str, str],
        program: Sequence[str] = ("-m", "policyloop"),
        words: Sequence[str] = (),
        cwd: Path | None = None,
    ) -> None:
        """`words`: another program, whole, such as a shell with a line for it."""
        self.main, side = pty.openpty()
        words = words or [sys.executable, *program, *map(str, arguments)]
        # The shim makes the terminal its own before it becomes policyloop, so that Ctrl-C reaches it.
        shim = (
            "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
        )
        self.child = subprocess.Popen(
            [sys.executable, "-c", shim, *words],
            stdin=side,
            stdout=side,
            stderr=side,
            env=environment(**env),
            cwd=cwd,
            start_new_session=True,
        )
        os.close(side)
        self.seen = ""

    def until(self, text: str, seconds: float = 60) -> str:
        """What was shown until `text` was, which is taken off."""
        end = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < end, f"{text!r} never came; shown was:\n{self.seen}"
            assert self._more(), f"{text!r} never came before the end; shown was:\n{self.seen}"
        shown, _, self.seen = self.seen.partition(text)
        return shown

    def say(self, text: str) -> None:
        os.write(self.main, text.encode())

    def end(self) -> int:
        while self._more():
            pass
        code = self.child.wait(60)
        os.close(self.main)
        return code

    def _more(self) -> bool:
        ready, _, _ = select.select([self.main], [], [], 60)
        try:
            data = os.read(self.main, 65536) if ready else b""
        except OSError:
            data = b""
        self.seen += data.decode(errors="replace")
        return bool(data)
