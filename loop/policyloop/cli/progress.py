"""How a long command goes on: a line on standard error now and then, for people alone."""

import sys
import time

from policyloop.printing import say, say_over

EVERY_SECONDS = 1.0
"""On a terminal each line takes the place of the one before; elsewhere it comes ten times as rarely."""


class Progress:
    """Shows what it is told, the first time at once, and then only now and then."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._next = 0.0

    def __call__(self, line: str) -> None:
        """Tell it."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + EVERY_SECONDS * (1 if self._terminal else 10)
        if self._terminal:
            say_over(line)
        else:
            say(line, err=True)

    def close(self) -> None:
        """Leave an empty line where the last one was."""
        if self._terminal and self._next:
            say_over("")
