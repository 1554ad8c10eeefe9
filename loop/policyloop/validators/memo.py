"""Small facts that are dear to find out again, kept in the cache directory. Losing one costs time, nothing else.

A note is believed where it and its folder are this user's alone. Its state holds the inode and the time of the last
change, which nobody can choose: so a cache that comes from another machine says nothing here. What can write that
folder on this machine, as this user, can put another program and a note beside it.
"""

import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from policyloop.errors import Unavailable
from policyloop.validators.pinned import cache_directory

MAX_BYTES = 65_536


def recall(subject: str, state: str) -> dict[str, str]:
    """What is remembered of `subject` in this very `state`; empty when nothing is."""
    note = _note(subject)
    with contextlib.suppress(OSError, ValueError):
        data = json.loads(_own(note)) if note else None
        if isinstance(data, dict) and data.pop("state", None) == state:
            return {str(name): str(value) for name, value in data.items()}
    return {}


def _own(note: Path) -> bytes:
    """What stands in a note; "null" where others could have written it. Raises `OSError`."""
    file = os.open(note, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status, folder = os.fstat(file), note.parent.stat()
        others = any(one.st_uid != os.geteuid() or one.st_mode & 0o022 for one in (status, folder))
        return b"null" if others or not stat.S_ISREG(status.st_mode) else os.read(file, MAX_BYTES)
    finally:
        os.close(file)


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
