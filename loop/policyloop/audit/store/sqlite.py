"""One log in one file of SQLite: written by one process, read by any."""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from policyloop.audit.entry import Entry, places_of, words_of
from policyloop.audit.store.kinds import SCHEMA, SEGMENT, Row, Segment, StoreError, Tail
from policyloop.audit.store.sqlite_errors import told
from policyloop.audit.store.sqlite_tables import MADE

BUSY_MS = 1_000
"""Milliseconds to wait for somebody who locks the file, before the entry is refused."""
BEHIND = ".lock"
"""The file beside the store that its writer holds locked."""


class SqliteLog:
    """A log that this process writes. Raises `StoreError` when another does."""

    def __init__(self, path: Path, begun: Callable[[], tuple[str, str]]) -> None:
        """`begun` makes the origin and the public key of a log that begins."""
        self.path = path
        self._lock = _held(path)
        try:
            with told(path):
                self._db = _opened(path)
                self._log = self._prepared(begun)
            self._file = _which(path)
        except BaseException:
            os.close(self._lock)
            raise

    @property
    def log(self) -> str:
        """Its origin."""
        return self._log[0]

    @property
    def key(self) -> str:
        """The public key that it began with."""
        return self._log[1]

    def tail(self) -> Tail:
        """What is there."""
        with told(self.path):
            segments = [bytes(node) for (node,) in self._db.execute("SELECT node FROM segments ORDER BY first")]
            first = len(segments) * SEGMENT
            leaves = self._db.execute("SELECT leaf FROM records WHERE seq >= ? ORDER BY seq", (first,))
            (signed,) = self._db.execute("SELECT coalesce(max(size), 0) FROM checkpoints").fetchone()
            return Tail(segments, [bytes(leaf) for (leaf,) in leaves], signed)

    def add(self, rows: Sequence[Row], segments: Sequence[Segment], note: tuple[int, str] | None) -> None:
        """Put all of it in, or nothing; durable on return: the commit waits for the disk."""
        self._require_same()
        with told(self.path), self._whole():
            self._db.executemany(
                "INSERT INTO records (seq, leaf, body) VALUES (?, ?, ?)",
                [(row.seq, row.leaf, row.body.decode()) for row in rows],
            )
            self._db.executemany(
                "INSERT INTO words (rowid, text) VALUES (?, ?)", [(row.seq, " ".join(row.words)) for row in rows]
            )
            self._db.executemany(
                "INSERT OR IGNORE INTO places (place, seq) VALUES (?, ?)",
                [(place, row.seq) for row in rows for place in row.places],
            )
            self._db.executemany(
                "INSERT INTO segments (first, node) VALUES (?, ?)", [(part.first, part.node) for part in segments]
            )
            if note is not None:
                self._db.execute("INSERT OR IGNORE INTO checkpoints (size, note) VALUES (?, ?)", note)

    def prunable(self, before: str) -> Sequence[int]:
        """The first numbers of whole segments of which every entry is older than `before`, from the oldest on."""
        asked = "SELECT first FROM segments WHERE first NOT IN (SELECT first FROM pruned) ORDER BY first"
        newest = "SELECT max(time) FROM records WHERE seq >= ? AND seq < ?"
        old: list[int] = []
        with told(self.path):
            for (first,) in self._db.execute(asked).fetchall():
                (time,) = self._db.execute(newest, (first, first + SEGMENT)).fetchone()
                if time is None or time >= before:
                    break
                old.append(first)
        return old

    def prune(self, segments: Sequence[int]) -> None:
        """Take their entries out and keep their leaf hashes; each segment at once or not at all."""
        for first in segments:
            with told(self.path), self._whole():
                self._prune(first)

    def _prune(self, first: int) -> None:
        asked = "SELECT seq, leaf, body FROM records WHERE seq >= ? AND seq < ? ORDER BY seq"
        rows = self._db.execute(asked, (first, first + SEGMENT)).fetchall()
        if len(rows) != SEGMENT:
            raise StoreError("corrupt", f"The audit store {self.path} lacks entries of the segment from {first} on.")
        leaves = b"".join(bytes(leaf) for _, leaf, _ in rows)
        self._db.execute("INSERT INTO pruned (first, leaves) VALUES (?, ?)", (first, leaves))
        for seq, _, body in rows:
            record = Entry(self.log, seq, body.encode()).record()
            # A table that keeps no texts must be told again what is taken out of it.
            self._db.execute(
                "INSERT INTO words (words, rowid, text) VALUES ('delete', ?, ?)", (seq, " ".join(words_of(record)))
            )
            self._db.executemany(
                "DELETE FROM places WHERE place = ? AND seq = ?", [(place, seq) for place in places_of(record)]
            )
        self._db.execute("DELETE FROM records WHERE seq >= ? AND seq < ?", (first, first + SEGMENT))

    def close(self) -> None:
        """Leave it to others."""
        self._db.close()
        os.close(self._lock)

    def _require_same(self) -> None:
        """Raise `StoreError` where another file, or none, has the store's name: what is written into a file that
        nobody can open any more is durable for nobody.
        """
        store, ahead = _which(self.path)
        if self._file[1] is None:  # the write-ahead log comes with the first write
            self._file = self._file[0], ahead
        if (store, ahead) != self._file:
            raise StoreError("gone", f"The audit store {self.path} was moved away or removed.", "Put it back.")

    @contextmanager
    def _whole(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def _prepared(self, begun: Callable[[], tuple[str, str]]) -> tuple[str, str]:
        """The log in the file; in an empty one it begins."""
        (tables,) = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if not tables:
            with self._whole():
                for statement in MADE:
                    self._db.execute(statement)
                self._db.execute("INSERT INTO meta (name, value) VALUES ('schema', ?)", (SCHEMA,))
                self._db.execute("INSERT INTO logs (origin, key) VALUES (?, ?)", begun())
        require_schema(self._db, self.path)
        logs = self._db.execute("SELECT origin, key FROM logs").fetchall()
        if len(logs) != 1:
            raise StoreError("corrupt", f"The audit store {self.path} names {len(logs)} logs, not one.")
        origin, key = logs[0]
        return origin, key


def require_schema(db: sqlite3.Connection, path: Path) -> None:
    """Raise `StoreError` when the tables are another version's, or no audit store's."""
    named = db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'meta'").fetchone()[0]
    found = db.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone() if named else None
    if found is None:
        raise StoreError("version", f"{path} is a database, but no audit store.", "Give another path.")
    if found[0] != SCHEMA:
        raise StoreError(
            "version",
            f"The audit store {path} has schema {found[0]}, and this policyloop knows {SCHEMA}.",
            "Use the version that made it, or begin another store.",
        )


def _opened(path: Path) -> sqlite3.Connection:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except PermissionError:
        raise StoreError(
            "read-only", f"The audit store {path} cannot be written.", "Give this user the right to write it."
        ) from None
    except OSError as error:
        raise StoreError("gone", f"The audit store {path} cannot be opened: {error.strerror}.") from None
    db = sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        # Without FULL a commit of a write-ahead log is not on the disk when it returns.
        db.execute("PRAGMA synchronous = FULL")
    except BaseException:
        db.close()
        raise
    return db


_Number = tuple[int, int] | None
"""Device and number of a file; None for one that is not there."""


def _which(path: Path) -> tuple[_Number, _Number]:
    """Which files the store and its write-ahead log are."""
    return _number(path), _number(path.with_name(path.name + "-wal"))


def _number(file: Path) -> _Number:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _held(path: Path) -> int:
    """The lock of the log, which the kernel lets go when this process ends, however it ends."""
    place = path.with_name(path.name + BEHIND)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        kind = "read-only" if isinstance(error, PermissionError) or error.errno == 30 else "gone"
        raise StoreError(
            "read-only" if kind == "read-only" else "gone",
            f"The audit store {path} cannot be written: {error.strerror}.",
            "Give this user the right to write its folder.",
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise StoreError(
            "locked",
            f"Another process writes the audit store {path}.",
            "One log has one writer: end that process, or give this one a store of its own.",
        ) from None
    return lock
