"""What an error of SQLite means to somebody who waits for an entry to be durable."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from policyloop.audit.store.kinds import Kind, StoreError

_KINDS: tuple[tuple[str, Kind, str], ...] = (
    ("SQLITE_BUSY", "locked", "is locked by another process"),
    ("SQLITE_LOCKED", "locked", "is locked by another process"),
    ("SQLITE_FULL", "full", "has no room left: the disk is full"),
    ("SQLITE_READONLY", "read-only", "cannot be written: it is read-only"),
    ("SQLITE_PERM", "read-only", "cannot be written: the permission is missing"),
    ("SQLITE_CORRUPT", "corrupt", "is corrupt"),
    ("SQLITE_NOTADB", "corrupt", "is no SQLite database"),
    ("SQLITE_CANTOPEN", "gone", "cannot be opened"),
    ("SQLITE_IOERR", "gone", "cannot be read or written: the disk reports an error"),
)
_HINTS: dict[Kind, str] = {
    "locked": "End the process that holds it.",
    "full": "Make room; what is recorded stays.",
    "read-only": "Give this user the right to write it and its folder.",
    "corrupt": "Move it away, keep it for the auditor, and start anew; policyloop audit verify says what still holds.",
    "gone": "Look at the disk and at the path.",
}


@contextmanager
def told(path: object) -> Iterator[None]:
    """Turns what SQLite raises into a `StoreError` that names the file."""
    try:
        yield
    except sqlite3.Error as error:
        raise as_store_error(path, error) from None


def as_store_error(path: object, error: sqlite3.Error) -> StoreError:
    """The error by its code, which says more than its class."""
    name = getattr(error, "sqlite_errorname", "") or ""
    for beginning, kind, words in _KINDS:
        if name.startswith(beginning):
            return StoreError(kind, f"The audit store {path} {words}.", _HINTS[kind])
    return StoreError("refused", f"The audit store {path} refused: {error}.")
