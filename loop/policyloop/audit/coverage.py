"""The calls that an agent made, as its own session files say, against the decisions that are recorded.

A call without a decision went by the decision point: hooks that were off, another machine, or a hole.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from policyloop.audit.store import Query, Reader
from policyloop.errors import UsageError

ASKED = "PreToolUse"
"""The event in which a call is decided."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call that a session file tells of. `line` counts from 1."""

    id: str
    session: str
    tool: str
    time: str
    file: str
    line: int


@dataclass(slots=True)
class Covered:
    """What was compared. A line that cannot be read may hold a call: it is counted, and then nothing is whole."""

    calls: int = 0
    decided: int = 0
    missing: list[Call] = field(default_factory=list)
    unreadable: int = 0
    sessions: int = 0
    only_decided: int = 0
    """Decisions of these sessions that no file tells of: refused before, or a file that was cut."""


def coverage(store: Reader, files: Sequence[Path]) -> Covered:
    """Compare. Raises `UsageError`, `StoreError`."""
    covered = Covered()
    calls: dict[str, Call] = {}
    for file in files:
        for call in _calls(file, covered):
            calls.setdefault(call.id, call)
    sessions = {call.session for call in calls.values()}
    covered.sessions = len(sessions)
    decided: set[str] = set()
    for session in sorted(sessions):
        for entry in store.search(Query(session=session, event=ASKED, limit=None)):
            decided.add(str(entry.record().get("call", "")))
    decided.discard("")
    covered.calls = len(calls)
    covered.missing = [call for name, call in calls.items() if name not in decided]
    covered.decided = covered.calls - len(covered.missing)
    covered.only_decided = len(decided - set(calls))
    return covered


def _calls(file: Path, covered: Covered) -> Iterator[Call]:
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    entry = json.loads(line)
                except (ValueError, RecursionError):
                    covered.unreadable += 1
                    continue
                yield from _of_entry(entry, str(file), number)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.", "Give the session files of the agent.") from None


def _of_entry(entry: Any, file: str, line: int) -> Iterator[Call]:
    """The calls of one line: those of an answer of the model, as the client keeps it."""
    if not isinstance(entry, dict) or entry.get("type") != "assistant":
        return
    message = entry.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    for block in content if isinstance(content, list) else []:
        if isinstance(block, dict) and block.get("type") == "tool_use" and isinstance(block.get("id"), str):
            yield Call(
                block["id"],
                str(entry.get("sessionId", "")),
                str(block.get("name", "")),
                str(entry.get("timestamp", "")),
                file,
                line,
            )
