"""Retention: what is old goes, by whole segments, and the log says so itself."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from policyloop.audit.entry import Draft
from policyloop.audit.record import Agent, Record, encoded, moment
from policyloop.audit.store.kinds import SEGMENT, Writable

EVENT = "AuditPrune"
"""The event of a record that says what is taken out. Without one, `verify` calls a missing segment by its name."""

PutIn = Callable[..., int]


def pruned(store: Writable, put_in: PutIn, before: str, reason: str, by: str) -> int:
    """Record what goes, sign for it, then take it out. Returns how many entries went."""
    firsts = store.prunable(before)
    if not firsts:
        return 0
    body = encoded(_record(firsts, before, reason, by))
    put_in([Draft.of(body)], sign=True)
    store.prune(firsts)
    return len(firsts) * SEGMENT


def named_by(record: dict[str, Any]) -> Sequence[int]:
    """The first numbers of the segments that a record says are taken out; none for other records."""
    if record.get("event") != EVENT:
        return ()
    effects = record.get("effects")
    named = effects.get("segments") if isinstance(effects, dict) else None
    return [first for first in named if isinstance(first, int)] if isinstance(named, list) else ()


def _record(firsts: Sequence[int], before: str, reason: str, by: str) -> Record:
    return Record(
        id=f"prune-{firsts[0]}-{firsts[-1] + SEGMENT}",
        time=moment(time.time()),
        event=EVENT,
        tool="",
        decision="allow",
        front="audit",
        agent=Agent(kind="policyloop"),
        reported={"by": by},
        reason=f"{len(firsts) * SEGMENT} entries from before {before} are taken out: {reason}",
        effects={"before": before, "segments": list(firsts)},
    )
