"""What is shown of entries and logs, line by line."""

from collections.abc import Iterator
from typing import Any

from policyloop.audit.asked import Trusted
from policyloop.audit.coverage import Covered
from policyloop.audit.entry import Entry
from policyloop.audit.verify import Bad, Verified
from policyloop.printing import one_line

_TRUSTED = {
    "given": "by the key that was given",
    "kept": "by the key that this machine signs it with",
    "store": "by the key that the store itself names, which who replaced all of it replaced too; give --key",
}


def entry_lines(entry: Entry) -> Iterator[str]:
    """An entry: when, what was decided, who, which tool, on what; then why."""
    record = entry.record()
    if not record:
        yield f"entry {entry.seq}: not readable; see policyloop audit verify"
        return
    who = record.get("who")
    subject = who.get("subject", "?") if isinstance(who, dict) else "?"
    decided = str(record.get("decision", "?"))
    if record.get("would_be"):
        decided += f" (would be {record['would_be']})"
    head = f"{record.get('time', '?')}  {decided:5}  {subject}  {record.get('tool') or record.get('event', '?')}"
    yield one_line(f"{head}  {_input(record.get('input'))}", 200)
    yield one_line(f"    {record.get('id', '?')}  {record.get('reason', '')}", 200)


def _input(given: Any) -> str:
    if not isinstance(given, dict):
        return ""
    for name in ("command", "file_path", "path", "url", "pattern"):
        if isinstance(given.get(name), str):
            return str(given[name])
    return " ".join(str(name) for name in given)


def log_lines(verified: Verified, trusted: Trusted) -> Iterator[str]:
    """What was looked at of a log, and the first thing that is wrong."""
    if verified.bad:
        yield f"NOT WHOLE: {verified.log}"
        yield f"  {_bad(verified.bad)}"
        yield f"  looked at up to there: {verified.entries} entries, {verified.checkpoints} checkpoints"
        return
    yield f"whole: {verified.log}"
    gone = f", {verified.pruned} pruned (their hashes hold)" if verified.pruned else ""
    held = f"{verified.checkpoints} checkpoints, {verified.anchors} anchors"
    yield f"  {verified.entries} entries hashed anew{gone}, {held}"
    if verified.unsigned:
        yield f"  {verified.unsigned} entries at the end have no checkpoint yet: of them nobody has signed anything"
    yield f"  {_TRUSTED[trusted]}:"
    yield f"  {verified.key}"
    yield f"  root {verified.root}"
    index = "" if verified.index else "the indices of persons, tools and times (--index does), and "
    yield f"  not looked at: {index}those of words and places"


def _bad(bad: Bad) -> str:
    if bad.first is None or bad.last is None:
        return bad.what
    if bad.first == bad.last:
        return f"entry {bad.first}: {bad.what}"
    return f"entries {bad.first} to {bad.last}: {bad.what}"


def coverage_lines(covered: Covered) -> Iterator[str]:
    """Each call that was never decided, and what was compared."""
    for call in covered.missing:
        yield f"NOT DECIDED: {one_line(call.file)}:{call.line}: {one_line(f'{call.tool} {call.id} {call.time}')}"
    yield f"{covered.calls} calls in {covered.sessions} sessions: {covered.decided} decided, {len(covered.missing)} not"
    if covered.unreadable:
        yield f"{covered.unreadable} lines cannot be read: a call may stand in them"
    if not covered.calls:
        yield "these files tell of no call: nothing was compared"
    if covered.only_decided:
        yield f"{covered.only_decided} decisions of these sessions are in no file: refused, or the file is not whole"


def proved_lines(entry: Entry) -> Iterator[str]:
    """What a proof shows."""
    yield f"proved: this is entry {entry.seq} of the log {entry.log}"
    yield from entry_lines(entry)
