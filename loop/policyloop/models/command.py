"""Any program as a model: the task as JSON on its standard input, the proposal as JSON on its standard output.

    policyloop run --model-command './propose.py --fast'

The program is started anew for each turn, without a shell, in the directory and with the environment of policyloop
itself, so that it can use a key of its own. What it writes to standard error is shown only when it fails, with
secrets marked. The shapes: `policyloop schema task`, `policyloop schema proposal`; beside the proposal's keys it may
print `usage`: `{"input_tokens", "output_tokens", "usd"}`, which counts against the budget.
"""

import contextlib
import json
import os
import shlex
import shutil
import threading
import time
from collections.abc import Sequence
from typing import IO

from policyloop.errors import Unavailable, UsageError
from policyloop.models.kept import CannotStart, Kept
from policyloop.models.tally import usage_from_json
from policyloop.protocol import proposal_from_json, task_to_json
from policyloop.redact import redact, redact_value
from policyloop.task import Malformed, Reply, Task
from policyloop.usage import Usage

MAX_OUTPUT_BYTES = 4 * 1_048_576
"""The most that is read of the program's standard output; a program that writes more is ended."""
MAX_ERROR_BYTES = 65_536
"""The most that is kept of its standard error."""
GRACE_SECONDS = 1.0
"""How long after the end of the program something it started may keep its output open."""
POLL_SECONDS = 0.01

_NAME_IT = "Give a program that is there to --model-command."


class CommandModel:
    """Proposes by running `command`. Raises `UsageError` for a command line that cannot be split."""

    def __init__(self, command: str | Sequence[str], *, timeout_seconds: float | None = None) -> None:
        self._arguments = _split(command) if isinstance(command, str) else list(command)
        if not self._arguments or not self._arguments[0]:
            raise UsageError("The model command is empty.", "Give a program to --model-command.")
        self._timeout = timeout_seconds
        self.note: str | None = None
        self.name = os.path.basename(self._arguments[0])  # noqa: PTH119 - a name, not a file

    def check(self) -> None:
        """Raises `Unavailable` where there is no such program. It is not run."""
        if shutil.which(self._arguments[0]) is None:
            raise Unavailable(f"The model command {self.name} cannot be started: it is not there.", _NAME_IT)

    def propose(self, task: Task) -> Reply:
        """Run the program once. Raises `Unavailable` when it cannot be started, fails, or exceeds its own time-out."""
        seconds = task.left.seconds
        if seconds <= 0:
            return Reply(
                None, "The rest of the budget (wall_seconds) covers no other call.", over_budget="wall_seconds"
            )
        limit = seconds if self._timeout is None else min(seconds, self._timeout)
        given = json.dumps(redact_value(task_to_json(task)), ensure_ascii=False).encode(errors="replace")
        run = _Run(self._arguments, given, limit)
        if run.flooded:
            return Reply(None, f"No proposal: the model command wrote more than {MAX_OUTPUT_BYTES} bytes.")
        if run.late and limit < seconds:
            raise Unavailable(f"The model command {self.name} did not answer within {limit:g} seconds.")
        if run.late:
            why = "The time that was left went by before the model command had answered."
            return Reply(None, why, over_budget="wall_seconds")
        if run.exit_code != 0:
            raise Unavailable(f"The model command {self.name} {_ended(run.exit_code)}.{_said(run.errors)}")
        return _reply(run.output)

    def close(self) -> None:
        """Nothing is held open between two turns."""


class _Run:
    """One run of the program. At the end it is gone, and all that it started (see `policyloop.models.keeper`)."""

    def __init__(self, arguments: Sequence[str], given: bytes, seconds: float) -> None:
        self.late = False
        self._output = bytearray()
        self._errors = bytearray()
        self._full = threading.Event()
        try:
            program = Kept(arguments)
        except CannotStart as error:
            hint = "Check --model-command: the program must exist and be executable."
            raise Unavailable(f"The model command {arguments[0]!r} cannot be started: {error}.", hint) from None
        self.exit_code: int | None = None
        try:
            self._talk(program, given, time.monotonic() + seconds)
        finally:
            program.end()
        self.flooded = self._full.is_set()
        self.output = bytes(self._output)
        self.errors = self._errors.decode(errors="replace")

    def _talk(self, process: Kept, given: bytes, deadline: float) -> None:
        readers = [
            _thread(self._read, process.stdout, self._output, MAX_OUTPUT_BYTES, self._full),
            _thread(self._read, process.stderr, self._errors, MAX_ERROR_BYTES, None),
        ]
        _thread(_feed, process.stdin, given)
        while not self._full.is_set():
            self.exit_code = process.exit_code()
            if self.exit_code is not None:
                deadline = min(deadline, time.monotonic() + GRACE_SECONDS)
                for reader in readers:
                    reader.join(max(deadline - time.monotonic(), 0.0))
                return
            if time.monotonic() >= deadline:
                self.late = True
                return
            time.sleep(POLL_SECONDS)

    @staticmethod
    def _read(stream: IO[bytes], into: bytearray, most: int, full: threading.Event | None) -> None:
        with stream:
            while chunk := os.read(stream.fileno(), 65_536):
                into += chunk[: most - len(into)]
                if full and len(into) >= most:
                    full.set()
                    return


def _split(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError as error:
        raise UsageError(f"The model command cannot be split into words: {error}.", "Check its quotes.") from None


def _thread(target: object, *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
    thread.start()
    return thread


def _feed(stream: IO[bytes], given: bytes) -> None:
    """A program need not read its task to its end, nor at all."""
    with contextlib.suppress(OSError), stream:
        stream.write(given)


def _reply(output: bytes) -> Reply:
    try:
        data = _object(output)
        usage = usage_from_json(data.pop("usage", None))
    except Malformed as error:
        return Reply(None, f"No proposal: {redact(str(error))}.")
    return _proposal(data, usage)


def _proposal(data: dict[str, object], usage: Usage) -> Reply:
    try:
        return Reply(proposal_from_json(data), usage=usage)
    except Malformed as error:
        return Reply(None, f"No proposal: {redact(str(error))}.", usage)


def _object(output: bytes) -> dict[str, object]:
    if not output.strip():
        raise Malformed("the model command wrote nothing to its standard output")
    try:
        data = json.loads(output)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Malformed(f"the model command's standard output is not one JSON object: {error.msg} at {where}") from None
    except (UnicodeDecodeError, RecursionError, ValueError):
        raise Malformed("the model command's standard output is not JSON in UTF-8") from None
    if not isinstance(data, dict):
        raise Malformed("the model command's standard output is JSON, but not an object")
    return data


def _ended(exit_code: int | None) -> str:
    assert exit_code is not None
    if exit_code < 0:
        return f"was ended by signal {-exit_code}"
    return f"failed with exit code {exit_code}"


def _said(errors: str) -> str:
    """The first lines of standard error, secrets marked."""
    lines = [line.strip() for line in redact(errors).splitlines() if line.strip()]
    shown = " | ".join(line[:200] for line in lines[:5])
    return f" It said: {''.join(c if c.isprintable() else '?' for c in shown)}" if shown else ""
