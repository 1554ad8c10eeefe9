"""A store in PostgreSQL that is looked at, as it was at one moment."""

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Self

from policyloop.audit.entry import Entry
from policyloop.audit.store.kinds import SEGMENT, Pruned, Query, Segment
from policyloop.audit.store.postgres import connected, require_schema, told
from policyloop.audit.store.searching import below, condition, fitting, wanted_words

_BATCH = 2_000
"""Rows that come over at once, so that memory stays flat."""


class PostgresReader:
    """All logs of a database, read."""

    def __init__(self, url: str) -> None:
        """Raises `StoreError`."""
        self._url = url
        self._db = connected(url, writes=False)
        try:
            with told(url):
                self._db.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                require_schema(self._db, url)
        except BaseException:
            self._db.close()
            raise
        self._cursors = 0

    def __enter__(self) -> Self:
        """Open until the block ends."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closed."""
        self._db.close()

    def _rows(self, asked: str, values: Sequence[Any]) -> Iterator[Any]:
        """Rows that come as they are read: a cursor of the server."""
        self._cursors += 1
        with told(self._url), self._db.cursor(name=f"read{self._cursors}", binary=True) as cursor:
            cursor.itersize = _BATCH
            cursor.execute(asked, values)
            yield from cursor

    def logs(self) -> Sequence[tuple[str, str]]:
        """Origin and public key of each log."""
        with told(self._url):
            return [(origin, key) for origin, key in self._db.execute("SELECT origin, key FROM logs ORDER BY origin")]

    def entries(self, log: str, first: int = 0) -> Iterator[tuple[int, bytes, bytes]]:
        """Number, body and leaf hash of each entry, from `first` on."""
        asked = "SELECT seq, convert_to(body, 'UTF8'), leaf FROM records WHERE log = %s AND seq >= %s ORDER BY seq"
        return self._rows(asked, (log, first))

    def leaves(self, log: str, first: int, last: int) -> Sequence[bytes]:
        """The leaf hashes, those of pruned entries among them."""
        asked = "SELECT seq, leaf FROM records WHERE log = %s AND seq >= %s AND seq < %s"
        gone = "SELECT first, leaves FROM pruned WHERE log = %s AND first > %s AND first < %s"
        with told(self._url):
            held = {seq: bytes(leaf) for seq, leaf in self._db.execute(asked, (log, first, last))}
            for start, leaves in self._db.execute(gone, (log, first - SEGMENT, last)):
                for number in range(len(leaves) // 32):
                    held.setdefault(start + number, bytes(leaves[number * 32 : number * 32 + 32]))
        return [held[seq] for seq in range(first, last) if seq in held]

    def segments(self, log: str) -> Sequence[Segment]:
        """The whole segments."""
        asked = "SELECT first, node FROM segments WHERE log = %s ORDER BY first"
        with told(self._url):
            return [Segment(first, bytes(node)) for first, node in self._db.execute(asked, (log,))]

    def pruned(self, log: str) -> Iterator[Pruned]:
        """The segments that were taken out."""
        for first, leaves in self._rows("SELECT first, leaves FROM pruned WHERE log = %s ORDER BY first", (log,)):
            yield Pruned(first, bytes(leaves))

    def checkpoints(self, log: str) -> Iterator[tuple[int, str]]:
        """Size and note of each checkpoint."""
        return self._rows("SELECT size, note FROM checkpoints WHERE log = %s ORDER BY size", (log,))

    def search(self, query: Query) -> Iterator[Entry]:
        """The entries that fit."""
        wanted = condition(query, "%s")
        if query.place is not None:
            wanted.add(
                "(log, seq) IN (SELECT log, seq FROM places WHERE place = {} OR (place >= {} AND place < {}))",
                *below(query.place),
            )
        if words := wanted_words(query.text or ""):
            wanted.add("words @> {}", words)
        order = "ASC" if query.oldest_first else "DESC"
        asked = "SELECT log, seq, convert_to(body, 'UTF8') FROM records WHERE " + wanted.text()
        asked += f" ORDER BY time {order}, log, seq {order}"
        rows = self._rows(asked, wanted.values)
        yield from fitting((Entry(log, seq, bytes(body)) for log, seq, body in rows), query)

    def by_id(self, name: str) -> Sequence[Entry]:
        """The entries of the record with this id."""
        asked = "SELECT log, seq, convert_to(body, 'UTF8') FROM records WHERE id = %s ORDER BY log, seq"
        with told(self._url):
            return [Entry(log, seq, bytes(body)) for log, seq, body in self._db.execute(asked, (name,))]

    def faults(self, *, index: bool) -> Sequence[str]:
        """Triggers that are missing or switched off: the server itself keeps indices and tables in step."""
        del index
        asked = (
            "SELECT tgrelid::regclass::text || '.' || tgname FROM pg_trigger "
            "WHERE NOT tgisinternal AND tgparentid = 0 AND tgenabled <> 'D'"
        )
        expected = {"records.records_update", "records.records_delete", "records.records_truncate"}
        for table in ("segments", "checkpoints", "pruned", "logs"):
            expected |= {f"{table}.{table}_{kind}" for kind in ("update", "delete", "truncate")}
        with told(self._url):
            there = {name for (name,) in self._db.execute(asked)}
        return [f"a trigger is not as it was made: {name}" for name in sorted(expected - there)]
