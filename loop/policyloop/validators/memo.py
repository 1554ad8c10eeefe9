"""Small facts that are dear to find out again, kept in the cache directory. Losing one costs time, nothing else."""

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from policyloop.errors import Unavailable
from policyloop.validators.pinned import cache_directory


def recall(subject: str, state: str) -> dict[str, str]:
    """What is remembered of `subject` in this very `state`; empty when nothing is."""
    note = _note(subject)
    with contextlib.suppress(OSError, ValueError):
        data = json.loads(note.read_text(encoding="utf-8")) if note else None
        if isinstance(data, dict) and data.pop("state", None) == state:
            return {str(name): str(value) for name, value in data.items()}
    return {}


def remember(subject: str, state: str, facts: Mapping[str, str]) -> None:
    """Keep `facts` of `subject`, in place of what was known of any earlier state of it."""
    note = _note(subject)
    if note is None:
        return
    with contextlib.suppress(OSError):
        note.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # One name: what a kill leaves is overwritten the next time. Two writers at once may leave half a note, which is
        # none.
        draft = note.with_name(f".{note.name}.part")
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(file, "w", encoding="utf-8") as out:  # noqa: PTH123
            json.dump({"state": state, **facts}, out)
        draft.replace(note)


def _note(subject: str) -> Path | None:
    try:
        return cache_directory() / f"identity-{hashlib.sha256(subject.encode(errors='replace')).hexdigest()[:16]}.json"
    except Unavailable:
        return None
