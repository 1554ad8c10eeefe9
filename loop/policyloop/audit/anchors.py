"""Where a checkpoint is kept besides the store, so that a log that was replaced whole is found out.

A file on another mount, or a command that sends it elsewhere. Nothing waits for an anchor: what fails is counted, and
the next checkpoint covers what the last one did.
"""

import json
import os
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from policyloop.errors import UsageError

COMMAND_SECONDS = 30
"""How long a command may take."""


class Anchor(Protocol):
    """Somewhere else."""

    def tell(self, note: str) -> None:
        """Keep it. Raises `OSError` or `subprocess.SubprocessError`."""
        ...


@dataclass(frozen=True, slots=True)
class FileAnchor:
    """A file, one JSON text a line; it only grows."""

    path: Path

    def tell(self, note: str) -> None:
        """Append it, on the disk when this returns."""
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        with os.fdopen(descriptor, "ab") as file:
            file.write(json.dumps({"checkpoint": note}).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


@dataclass(frozen=True, slots=True)
class CommandAnchor:
    """A program that reads the note on its standard input."""

    command: Sequence[str]

    def tell(self, note: str) -> None:
        """Run it; another exit code than 0 is a failure."""
        subprocess.run(
            list(self.command), input=note.encode(), check=True, timeout=COMMAND_SECONDS, capture_output=True
        )


class Anchors:
    """All anchors of a log, told by a thread of their own."""

    def __init__(self, anchors: Sequence[Anchor]) -> None:
        self.failures = 0
        self._anchors = anchors
        self._newest: str | None = None
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="audit-anchors", daemon=True)
        self._thread.start()

    def tell(self, note: str) -> None:
        """Soon. Of checkpoints that wait only the newest counts: it covers the others."""
        with self._changed:
            self._newest = note
            self._changed.notify()

    def close(self) -> None:
        """After the last one."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join(COMMAND_SECONDS + 5)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._newest is not None or self._ended)
                note, self._newest = self._newest, None
            if note is None:
                return
            for anchor in self._anchors:
                try:
                    anchor.tell(note)
                except (OSError, subprocess.SubprocessError):
                    self.failures += 1


def read_anchors(path: Path) -> list[str]:
    """The notes that a file anchor kept, or the one note in a file. Raises `UsageError`."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"The anchor {path} cannot be read.", "Give a file that an anchor of the log wrote.") from None
    if not text.startswith("{"):
        return [text]
    notes: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            note = json.loads(line)["checkpoint"]
        except (ValueError, KeyError, TypeError):
            # The last line of a machine that fell over may be half a line; the others still hold.
            if number == len(text.splitlines()) and not text.endswith("\n"):
                break
            raise UsageError(f"{path}:{number} is no checkpoint.", "Give a file that an anchor wrote.") from None
        notes.append(str(note))
    return notes
