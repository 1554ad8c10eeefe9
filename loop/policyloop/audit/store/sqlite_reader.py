"""A store in SQLite that is looked at. Nothing is written, also where another process writes it at the same time."""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from policyloop.audit.entry import Entry
from policyloop.audit.store.kinds import SEGMENT, Pruned, Query, Segment, StoreError
from policyloop.audit.store.searching import below, condition, fitting, wanted_words
from policyloop.audit.store.sqlite import require_schema
from policyloop.audit.store.sqlite_errors import told
from policyloop.audit.store.sqlite_tables import MADE

_OF_FTS = ("words_", "sqlite_")


class SqliteReader:
    """One log, read."""

    def __init__(self, path: Path) -> None:
        """Raises `StoreError`, also for a store that is not there: reading never makes one."""
        self.path = path
        if not path.is_file():
            raise StoreError("gone", f"There is no audit store {path}.", "Name it with --store.")
        with told(path):
            self._db = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None)
            try:
                self._db.execute("BEGIN")  # one moment of the log, whatever is added meanwhile
                require_schema(self._db, path)
            except BaseException:
                self._db.close()
                raise

    def __enter__(self) -> Self:
        """Open until the block ends."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closed."""
        self._db.close()

    def logs(self) -> Sequence[tuple[str, str]]:
        """Origin and public key of the log."""
        with told(self.path):
            return [(origin, key) for origin, key in self._db.execute("SELECT origin, key FROM logs ORDER BY origin")]

    def entries(self, log: str, first: int = 0) -> Iterator[tuple[int, bytes, bytes]]:
        """Number, body and leaf hash of each entry, from `first` on."""
        del log  # there is one
        # A text would be decoded, and what was changed by others need not be UTF-8.
        asked = "SELECT seq, CAST(body AS BLOB), leaf FROM records WHERE seq >= ? ORDER BY seq"
        with told(self.path):
            yield from self._db.execute(asked, (first,))

    def leaves(self, log: str, first: int, last: int) -> Sequence[bytes]:
        """The leaf hashes, those of pruned entries among them."""
        del log
        asked = "SELECT leaf FROM records WHERE seq >= ? AND seq < ? ORDER BY seq"
        with told(self.path):
            kept = [bytes(leaf) for (leaf,) in self._db.execute(asked, (first, last))]
            if len(kept) == last - first:
                return kept
            held = {
                seq: bytes(leaf) for seq, leaf in self._db.execute(asked.replace("leaf", "seq, leaf", 1), (first, last))
            }
            gone = self._db.execute(
                "SELECT first, leaves FROM pruned WHERE first > ? AND first < ?", (first - SEGMENT, last)
            )
            for start, leaves in gone:
                for number in range(len(leaves) // 32):
                    held.setdefault(start + number, leaves[number * 32 : number * 32 + 32])
        return [held[seq] for seq in range(first, last) if seq in held]

    def segments(self, log: str) -> Sequence[Segment]:
        """The whole segments."""
        del log
        with told(self.path):
            return [
                Segment(first, bytes(node))
                for first, node in self._db.execute("SELECT first, node FROM segments ORDER BY first")
            ]

    def pruned(self, log: str) -> Iterator[Pruned]:
        """The segments that were taken out."""
        del log
        with told(self.path):
            for first, leaves in self._db.execute("SELECT first, leaves FROM pruned ORDER BY first"):
                yield Pruned(first, bytes(leaves))

    def checkpoints(self, log: str) -> Iterator[tuple[int, str]]:
        """Size and note of each checkpoint."""
        del log
        with told(self.path):
            yield from self._db.execute("SELECT size, note FROM checkpoints ORDER BY size")

    def search(self, query: Query) -> Iterator[Entry]:
        """The entries that fit."""
        wanted = condition(query, "?")
        if query.place is not None:
            wanted.add(
                "seq IN (SELECT seq FROM places WHERE place = {} OR (place >= {} AND place < {}))", *below(query.place)
            )
        if words := wanted_words(query.text or ""):
            match = " AND ".join(f'"{word}"' for word in words)
            wanted.add("seq IN (SELECT rowid FROM words WHERE words MATCH {})", match)
        order = "ASC" if query.oldest_first else "DESC"
        asked = "SELECT seq, CAST(body AS BLOB) FROM records WHERE " + wanted.text()
        asked += f" ORDER BY {_by(query)} {order}"
        (origin, _), *_ = self.logs() or [("", "")]
        with told(self.path):
            rows = self._db.execute(asked, wanted.values)
            yield from fitting((Entry(origin, seq, body) for seq, body in rows), query)

    def by_id(self, name: str) -> Sequence[Entry]:
        """The entries of the record with this id."""
        (origin, _), *_ = self.logs() or [("", "")]
        asked = "SELECT seq, CAST(body AS BLOB) FROM records WHERE id = ? ORDER BY seq"
        with told(self.path):
            return [Entry(origin, seq, body) for seq, body in self._db.execute(asked, (name,))]

    def faults(self, *, index: bool) -> Sequence[str]:
        """Tables that are not those that were made here; with `index` what SQLite finds wrong with file and indices."""
        with told(self.path):
            there = {
                sql
                for name, sql in self._db.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
                if not name.startswith(_OF_FTS)
            }
            changed = sorted(" ".join(sql.split())[:80] for sql in there ^ set(MADE))
            # It works out anew what each index should hold: twice the time of all the hashing.
            asked = "PRAGMA integrity_check(5)" if index else "SELECT 'ok'"
            sound = [text for (text,) in self._db.execute(asked) if text != "ok"]
        return [*(f"a table or trigger is not as it was made: {text}" for text in changed), *sound]


def _by(query: Query) -> str:
    """Newest means by time where an index has that order beside what is searched for, else by number."""
    return "time" if query.who is not None or query.since is not None or query.session is not None else "seq"
