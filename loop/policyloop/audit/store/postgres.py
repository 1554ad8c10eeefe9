"""Many logs in one PostgreSQL database, each written by one node: the lock of a log is the server's."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from policyloop.audit.entry import Entry, places_of
from policyloop.audit.store.kinds import SCHEMA, SEGMENT, Kind, Row, Segment, StoreError, Tail
from policyloop.audit.store.postgres_tables import MADE, month_of
from policyloop.extras import missing

_MAKING = 0x706F6C69
"""The number of the lock under which tables are made."""
_WAIT = 5
"""Seconds to wait for the server, and for a lock in it."""


def psycopg() -> Any:
    """The client. Raises `Unavailable` without the extra."""
    try:
        import psycopg as module
    except ImportError:
        raise missing("A store in PostgreSQL", "postgres") from None
    return module


def named(url: str) -> str:
    """The store without the password, for messages."""
    parts = urlsplit(url)
    return f"{parts.hostname or 'local'}{parts.path}"


@contextmanager
def told(url: str) -> Iterator[None]:
    """Turns what the client raises into a `StoreError` that names the database."""
    module = psycopg()
    try:
        yield
    except module.Error as error:
        raise _as_store_error(named(url), error) from None


def _as_store_error(name: str, error: Any) -> StoreError:
    state = getattr(error, "sqlstate", None) or ""
    kinds: tuple[tuple[str, Kind, str], ...] = (
        ("53", "full", "has no room left"),
        ("25006", "read-only", "cannot be written: it is read-only"),
        ("42501", "read-only", "cannot be written: the permission is missing"),
        ("55P03", "locked", "is locked by another process"),
        ("XX001", "corrupt", "is corrupt"),
        ("XX002", "corrupt", "is corrupt"),
        ("58", "gone", "cannot be read or written"),
        ("57", "gone", "does not answer"),
        ("08", "gone", "cannot be reached"),
    )
    for beginning, kind, words in kinds:
        if state.startswith(beginning):
            return StoreError(kind, f"The audit store {name} {words}.")
    if not state:
        return StoreError(
            "gone", f"The audit store {name} cannot be reached.", "Is the server there, and the URL right?"
        )
    first_line = str(error).split("\n", 1)[0]
    return StoreError("refused", f"The audit store {name} refused: {first_line}.")


def connected(url: str, *, writes: bool) -> Any:
    """A connection of which each commit waits for the disk. Raises `StoreError`."""
    module = psycopg()
    with told(url):
        connection = module.connect(url, autocommit=True, connect_timeout=_WAIT, application_name="policyloop audit")
        connection.execute(f"SET lock_timeout = '{_WAIT}s'")
        if writes:
            connection.execute("SET synchronous_commit = on")
        return connection


class PostgresLog:
    """A log that this process writes; the lock ends with the connection. Raises `StoreError` when another holds it."""

    def __init__(self, url: str, begun: Callable[[], tuple[str, str]]) -> None:
        """`begun`: origin and public key, by which this node's log is found among the others."""
        self._url = url
        self._origin, self._key = begun()
        self._months: set[str] = set()
        self._db = self._open()

    @property
    def log(self) -> str:
        """Its origin."""
        return self._origin

    def _open(self) -> Any:
        db = connected(self._url, writes=True)
        try:
            with told(self._url):
                _made(db, self._url)
                self._lock(db)
                db.execute(
                    "INSERT INTO logs (origin, key) VALUES (%s, %s) ON CONFLICT DO NOTHING", (self._origin, self._key)
                )
        except BaseException:
            db.close()
            raise
        return db

    def _lock(self, db: Any) -> None:
        asked = db.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (self._origin,))
        if not asked.fetchone()[0]:
            raise StoreError(
                "locked",
                f"Another process writes the log {self._origin} in the audit store {named(self._url)}.",
                "One log has one writer: end that process, or give this one a key of its own.",
            )

    def tail(self) -> Tail:
        """What is there. A connection that was lost is made anew, and the log locked again."""
        if self._db.closed or self._db.broken:
            self._db = self._open()
        with told(self._url):
            asked = "SELECT node FROM segments WHERE log = %s ORDER BY first"
            segments = [bytes(node) for (node,) in self._db.execute(asked, (self._origin,))]
            leaves = self._db.execute(
                "SELECT leaf FROM records WHERE log = %s AND seq >= %s ORDER BY seq",
                (self._origin, len(segments) * SEGMENT),
            )
            kept = [bytes(leaf) for (leaf,) in leaves]
            signed = self._db.execute("SELECT max(size) FROM checkpoints WHERE log = %s", (self._origin,)).fetchone()[0]
            return Tail(segments, kept, signed or 0)

    def add(self, rows: Sequence[Row], segments: Sequence[Segment], note: tuple[int, str] | None) -> None:
        """Put all of it in, or nothing; durable on return."""
        with told(self._url):
            self._months_for(rows)
            with self._db.transaction(), self._db.cursor() as cursor:
                cursor.executemany(
                    "INSERT INTO records (log, seq, time, leaf, body, words) VALUES (%s, %s, %s, %s, %s, %s)",
                    [(self._origin, row.seq, row.time, row.leaf, row.body.decode(), list(row.words)) for row in rows],
                )
                cursor.executemany(
                    "INSERT INTO places (place, log, seq) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                    [(place, self._origin, row.seq) for row in rows for place in row.places],
                )
                cursor.executemany(
                    "INSERT INTO segments (log, first, node) VALUES (%s, %s, %s)",
                    [(self._origin, part.first, part.node) for part in segments],
                )
                if note is not None:
                    cursor.execute(
                        "INSERT INTO checkpoints (log, size, note) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                        (self._origin, *note),
                    )

    def _months_for(self, rows: Sequence[Row]) -> None:
        """The partitions that these need. Another node may make one at the same moment."""
        for name, first, after in sorted({month_of(row.time) for row in rows}):
            if name in self._months:
                continue
            with self._db.transaction():
                self._db.execute("SELECT pg_advisory_xact_lock(%s)", (_MAKING,))
                self._db.execute(
                    f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF records FOR VALUES FROM ('{first}') TO ('{after}')"
                )
            self._months.add(name)

    def prunable(self, before: str) -> Sequence[int]:
        """The first numbers of whole segments of which every entry is older than `before`, from the oldest on."""
        asked = (
            "SELECT first FROM segments s WHERE log = %s AND NOT EXISTS "
            "(SELECT 1 FROM pruned p WHERE p.log = s.log AND p.first = s.first) ORDER BY first"
        )
        newest = "SELECT max(time) FROM records WHERE log = %s AND seq >= %s AND seq < %s"
        old: list[int] = []
        with told(self._url):
            for (first,) in self._db.execute(asked, (self._origin,)).fetchall():
                (time,) = self._db.execute(newest, (self._origin, first, first + SEGMENT)).fetchone()
                if time is None or time >= before:
                    break
                old.append(first)
        return old

    def prune(self, segments: Sequence[int]) -> None:
        """Take their entries out and keep their leaf hashes; each segment at once or not at all."""
        for first in segments:
            with told(self._url), self._db.transaction():
                self._prune(first)

    def _prune(self, first: int) -> None:
        between = (self._origin, first, first + SEGMENT)
        where = "log = %s AND seq >= %s AND seq < %s"
        rows = self._db.execute(f"SELECT seq, leaf, body FROM records WHERE {where} ORDER BY seq", between).fetchall()
        if len(rows) != SEGMENT:
            raise StoreError("corrupt", f"The audit store lacks entries of the segment from {first} on.")
        leaves = b"".join(bytes(leaf) for _, leaf, _ in rows)
        self._db.execute("INSERT INTO pruned (log, first, leaves) VALUES (%s, %s, %s)", (self._origin, first, leaves))
        for seq, _, body in rows:
            for place in places_of(Entry(self._origin, seq, body.encode()).record()):
                self._db.execute(
                    "DELETE FROM places WHERE place = %s AND log = %s AND seq = %s", (place, self._origin, seq)
                )
        self._db.execute(f"DELETE FROM records WHERE {where}", between)

    def close(self) -> None:
        """Leave it to others."""
        self._db.close()


def _made(db: Any, url: str) -> None:
    """The tables; made by the first node that comes."""
    with db.transaction():
        db.execute("SELECT pg_advisory_xact_lock(%s)", (_MAKING,))
        if db.execute("SELECT to_regclass('meta')").fetchone()[0] is None:
            for statement in MADE:
                db.execute(statement)
            db.execute("INSERT INTO meta (name, value) VALUES ('schema', %s)", (SCHEMA,))
    require_schema(db, url)


def require_schema(db: Any, url: str) -> None:
    """Raise `StoreError` when the tables are another version's, or no audit store's."""
    there = db.execute("SELECT to_regclass('meta'), to_regclass('records')").fetchone()
    if None in there:
        raise StoreError("version", f"{named(url)} is a database, but no audit store.", "Give another URL.")
    row = db.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()
    schema = row[0] if row else "none"
    if schema != SCHEMA:
        raise StoreError(
            "version",
            f"The audit store {named(url)} has schema {schema}, and this policyloop knows {SCHEMA}.",
            "Use the version that made it, or begin another store.",
        )
