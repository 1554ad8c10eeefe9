"""A program with a keeper: see `policyloop.models.keeper`."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

KEEPER = Path(__file__).with_name("keeper.py")
PATIENCE_SECONDS = 10.0
"""How long the keeper may take to say that it has started its program, or to end what it keeps."""


class CannotStart(Exception):
    """The program cannot be started; the text says why."""


class Kept:
    """A program that runs, with all that it starts, until `end`, or until this process is no more."""

    def __init__(self, arguments: Sequence[str]) -> None:
        if any("\0" in word for word in arguments):
            raise CannotStart("it is not a program's name")
        self._line, theirs = socket.socketpair()
        self._said = b""
        try:
            with theirs:
                keeper = [sys.executable, "-I", "-S", str(KEEPER), str(theirs.fileno()), *arguments]
                self._keeper = subprocess.Popen(
                    keeper,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                )
        except (OSError, ValueError) as error:
            self._line.close()
            raise CannotStart(getattr(error, "strerror", None) or str(error)) from None
        assert self._keeper.stdin and self._keeper.stdout and self._keeper.stderr  # noqa: PT018
        self.stdin: IO[bytes] = self._keeper.stdin
        self.stdout: IO[bytes] = self._keeper.stdout
        self.stderr: IO[bytes] = self._keeper.stderr
        try:
            word, _, number = self._next(PATIENCE_SECONDS).partition(" ")
        except BaseException:
            self._give_up()
            raise
        if word != "started":
            self._give_up()
            raise CannotStart(os.strerror(int(number)) if number.isdigit() else "its keeper did not start it")

    def exit_code(self) -> int | None:
        """How the program ended, negative for a signal; None while it runs."""
        if self._keeper.poll() is not None:
            # Somebody killed the keeper, and with it the way to know.
            return self._keeper.returncode or 1
        word, _, number = self._next(0.0).partition(" ")
        return int(number) if word == "ended" else None

    def end(self) -> None:
        """End the program and all that came of it, and wait until they are gone."""
        self._line.close()
        try:
            self._keeper.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._keeper.pid, signal.SIGKILL)
            self._keeper.wait()

    def _give_up(self) -> None:
        self.end()
        for stream in (self.stdin, self.stdout, self.stderr):
            with contextlib.suppress(OSError):
                stream.close()

    def _next(self, seconds: float) -> str:
        """The next word of the keeper, empty when it says none in time."""
        self._line.settimeout(seconds)
        with contextlib.suppress(TimeoutError, BlockingIOError, OSError):
            while b"\n" not in self._said and (more := self._line.recv(256)):
                self._said += more
        word, line_feed, rest = self._said.partition(b"\n")
        if not line_feed:
            return ""
        self._said = rest
        return word.decode("ascii", "replace")
