"""Entries in a file for somebody else's program: OCSF events, one a line, or CSV."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TextIO

from policyloop.audit.entry import Entry, places_of
from policyloop.audit.ocsf import Events
from policyloop.audit.store import Query, Reader
from policyloop.errors import UsageError

COLUMNS = (
    "log",
    "seq",
    "time",
    "id",
    "subject",
    "roles",
    "verified",
    "session",
    "event",
    "tool",
    "decision",
    "would_be",
    "mode",
    "rule",
    "reason",
    "policy",
    "places",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def export(store: Reader, query: Query, kind: str, path: Path) -> int:
    """Write the entries that fit. Returns how many. Raises `UsageError`, `StoreError`."""
    writers: dict[str, Callable[[TextIO, Iterable[Entry], Reader], int]] = {"ocsf": _ocsf, "csv": _csv}
    if kind not in writers:
        raise UsageError(f"There is no export {kind!r}.", f"Give one of {', '.join(writers)}.")
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            return writers[kind](file, store.search(query), store)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.", "Give --out another path.") from None


def _ocsf(file: TextIO, entries: Iterable[Entry], store: Reader) -> int:
    events = Events(dict(store.logs()))
    count = 0
    for entry in entries:
        file.write(json.dumps(events.event(entry), ensure_ascii=False, separators=(",", ":")) + "\n")
        count += 1
    return count


def _csv(file: TextIO, entries: Iterable[Entry], _: Reader) -> int:
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    count = 0
    for entry in entries:
        writer.writerow([_inert(cell) for cell in _cells(entry)])
        count += 1
    return count


def _cells(entry: Entry) -> Iterator[str]:
    record = entry.record()
    who = record.get("who") if isinstance(record.get("who"), dict) else {}
    policy = record.get("policy") if isinstance(record.get("policy"), dict) else {}
    assert isinstance(who, dict)
    assert isinstance(policy, dict)
    yield from (entry.log, str(entry.seq), str(record.get("time", "")), str(record.get("id", "")))
    yield str(who.get("subject", ""))
    yield " ".join(map(str, who.get("roles") or ()))
    yield str(who.get("verified", ""))
    for name in ("session", "event", "tool", "decision", "would_be", "mode", "rule", "reason"):
        yield str(record.get(name) or "")
    yield f"{policy.get('id', '')} {policy.get('version', '')}".strip()
    yield "\n".join(places_of(record))


def _inert(cell: str) -> str:
    """What a spreadsheet would take for a formula is text: an agent chose the words."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
