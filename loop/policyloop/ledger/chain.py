"""The chain of records that a ledger is, and how one tells whether all of it is there.

Each line is the canonical JSON (sorted keys, no spaces, ASCII) of `{"seq", "time", "kind", "data", "prev", "hash"}`.
`seq` counts from 1, `time` is UTC, `hash` is the SHA-256 of the same JSON without `hash`, and `prev` is the hash of
the record before (64 zeros for the first). A small file beside it, the head, holds how many records there are and the
last hash, so that a cut-off end is seen; records without it are not whole. The chain shows accidents and edits; it is
not signed, so somebody who rewrites all of it and the head is not found out.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policyloop.errors import Unavailable, UsageError

FIRST_PREV = "0" * 64
_HEAD_BYTES = 12 + 1 + 64 + 1
"""A count of twelve digits, a blank, a hash, a line feed."""
CLOSED = "closed"
"""The kind of the last record of a run that came to its end."""


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a ledger."""

    seq: int
    time: str
    kind: str
    data: Mapping[str, Any]
    prev: str
    hash: str

    def line(self) -> bytes:
        """The record as it stands in the file, without the line feed."""
        return _canonical({**self._body(), "hash": self.hash})

    def sealed(self) -> "Record":
        """The record with the hash that belongs to it."""
        digest = hashlib.sha256(_canonical(self._body())).hexdigest()
        return Record(self.seq, self.time, self.kind, self.data, self.prev, digest)

    def _body(self) -> dict[str, Any]:
        return {"seq": self.seq, "time": self.time, "kind": self.kind, "data": self.data, "prev": self.prev}


@dataclass(frozen=True, slots=True)
class Chain:
    """What a ledger holds: the records up to the first that is not as it was written, and what is wrong, if anything.

    `torn` counts the bytes of a last line that was never finished, which is what a crash leaves behind.
    """

    records: tuple[Record, ...]
    broken: str | None = None
    torn: int = 0

    @property
    def closed(self) -> bool:
        """Whether the run came to its end, and the ledger with it."""
        return self.broken is None and bool(self.records) and self.records[-1].kind == CLOSED


def read(path: Path) -> Chain:
    """The records of the ledger `path`, verified.

    Raises `UsageError` when there is none and `Unavailable` when it cannot be read; a broken chain is a value.
    """
    try:
        # The head first: while a run goes on, it may lag behind the records, never the other way round.
        head = _read_head(path)
        content = path.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"There is no ledger {path}.", "Look at the run's id, or give --state.") from None
    except OSError as error:
        raise Unavailable(f"The ledger {path} cannot be read: {error.strerror}.") from None
    *lines, rest = content.split(b"\n")
    records: list[Record] = []
    for line in lines:
        record = _parse(line)
        if why := _wrong(record, lines, records):
            return Chain(tuple(records), why)
        assert record is not None
        records.append(record)
    if rest:
        why = f"record {len(records) + 1} is torn: the last line, {len(rest)} bytes, was never finished"
        cut = _cut_off(records, head)
        return Chain(tuple(records), cut or why, 0 if cut else len(rest))
    return Chain(tuple(records), _cut_off(records, head))


def _wrong(record: Record | None, lines: list[bytes], before: list[Record]) -> str | None:
    """What is wrong with the record that follows `before`, or None."""
    expected = len(before) + 1
    if record is None:
        return f"record {expected} was edited: its line is no record"
    if record.hash != record.sealed().hash:
        return f"record {expected} was edited: its hash is not that of what it says"
    if record.seq > expected:
        if any(later is not None and later.seq == expected for later in map(_parse, lines)):
            return f"record {expected} was moved: record {record.seq} stands in its place"
        missing = (
            f"record {expected} is" if record.seq == expected + 1 else f"records {expected} to {record.seq - 1} are"
        )
        return f"{missing} missing"
    if record.seq < expected:
        return f"record {expected} was moved or put in: record {record.seq} stands in its place"
    if record.prev != (before[-1].hash if before else FIRST_PREV):
        return (
            f"record {expected - 1} was replaced: record {expected} follows another one"
            if before
            else ("record 1 is not the first: it follows another one")
        )
    return None


def _cut_off(records: list[Record], head: tuple[int, str] | None) -> str | None:
    if head is None:
        # Without it nobody can tell whether the end was cut off; the head is written before the first record.
        return "its head is missing or unreadable, so nobody can tell whether the end is there" if records else None
    count, digest = head
    if count > len(records):
        first = len(records) + 1
        return f"the end is missing: record {first}" + (f" to {count}" if count > first else "")
    if count and records[count - 1].hash != digest:
        return f"record {count} was replaced: it is not the one that was written"
    return None


def _parse(line: bytes) -> Record | None:
    """The record of one line, None unless the line is exactly what we would write for it."""
    try:
        record = Record(**json.loads(line))
        whole = isinstance(record.seq, int) and isinstance(record.data, dict) and record.line() == line
    except (ValueError, TypeError, RecursionError):
        return None
    return record if whole else None


def head_of(path: Path) -> Path:
    """Where the head of the ledger `path` lies."""
    return path.with_name(path.name + ".head")


def _read_head(path: Path) -> tuple[int, str] | None:
    """The count and the last hash, None where there is no head or none that can be read."""
    try:
        with head_of(path).open("rb") as file:
            count, digest = file.read(_HEAD_BYTES + 1).decode("ascii").split()
        return (int(count), digest) if count.isdecimal() else None
    except (FileNotFoundError, ValueError):
        return None


def _canonical(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
