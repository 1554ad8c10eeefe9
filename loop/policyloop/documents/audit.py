"""The documents of `audit`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from policyloop.audit.coverage import Covered
from policyloop.audit.entry import Entry
from policyloop.audit.verify import Verified
from policyloop.errors import Exit
from policyloop.shape import Count


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntryDocument:
    """One entry: the log it stands in, its number there, and the record."""

    log: str
    seq: Count
    record: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSearchDocument:
    """What `policyloop audit search --format json` and `audit show --format json` print."""

    outcome: Literal["found", "nothing"]
    exit_code: Literal[Exit.GREEN] = Exit.GREEN
    more: bool
    """Whether there are more than were asked for."""
    entries: tuple[AuditEntryDocument, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditBadDocument:
    """The first thing that is wrong. The bad entry lies between `first` and `last`; null where no number is known."""

    what: str
    first: Count | None
    last: Count | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLogDocument:
    """What was looked at of one log."""

    log: str
    signed_by: str
    """The public key."""
    trusted: Literal["given", "kept", "store"]
    """Where that key is from: `--key`, this machine's own, or the store itself, which shows nothing of a new log."""
    entries: Count
    pruned: Count
    """Entries that were taken out, of which the hashes are there."""
    checkpoints: Count
    anchors: Count
    unsigned: Count
    """Entries after the last checkpoint."""
    root: str
    index: bool
    """Whether the indices of persons, tools and times were held against the entries; those of words never are."""
    bad: AuditBadDocument | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditVerifyDocument:
    """What `policyloop audit verify --format json` prints. The full text and the index of places are not looked at."""

    outcome: Literal["whole", "broken"]
    exit_code: Literal[Exit.GREEN, Exit.PERSON]
    logs: tuple[AuditLogDocument, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditProvedDocument:
    """What `policyloop audit verify --proof FILE --format json` prints for a proof that holds."""

    outcome: Literal["proved"] = "proved"
    exit_code: Literal[Exit.GREEN] = Exit.GREEN
    entry: AuditEntryDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditProofDocument:
    """The file that `policyloop audit prove` writes."""

    form: Literal["policyloop audit proof 1"]
    entry: str
    """The entry's text; its leaf is SHA-256 over a zero byte and its UTF-8."""
    index: Count
    """Its number in the log, from 0."""
    path: tuple[str, ...]
    """The hashes beside its way to the root, from below, in base64."""
    checkpoint: str
    """The signed note."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditDoneDocument:
    """What `policyloop audit prove`, `export` and `prune` print with `--format json`."""

    outcome: Literal["written", "pruned", "nothing"]
    exit_code: Literal[Exit.GREEN] = Exit.GREEN
    file: str | None
    entries: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReportDocument:
    """What `policyloop audit report --format json` prints."""

    outcome: Literal["whole", "broken"]
    """Whether the log is whole that the page tells of."""
    exit_code: Literal[Exit.GREEN, Exit.PERSON]
    file: str
    entries: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditCallDocument:
    """A call that was never decided, and where a session file tells of it."""

    id: str
    session: str
    tool: str
    time: str
    file: str
    line: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditCoverageDocument:
    """What `policyloop audit coverage --format json` prints. Only calls that these files tell of were looked for."""

    outcome: Literal["covered", "missing", "unsure"]
    """`unsure`: lines could not be read, in which calls may stand, or there was no call at all."""
    exit_code: Literal[Exit.GREEN, Exit.PERSON]
    sessions: Count
    calls: Count
    decided: Count
    missing: tuple[AuditCallDocument, ...]
    unreadable: Count
    only_decided: Count
    """Decisions of these sessions that no file tells of."""


def audit_report_document(file: str, entries: int, *, whole: bool) -> AuditReportDocument:
    """What was written."""
    return AuditReportDocument(
        outcome="whole" if whole else "broken",
        exit_code=Exit.GREEN if whole else Exit.PERSON,
        file=file,
        entries=entries,
    )


def coverage_document(covered: Covered) -> AuditCoverageDocument:
    """What was compared."""
    sure = covered.calls > 0 and not covered.unreadable
    outcome: Literal["covered", "missing", "unsure"] = "covered" if sure else "unsure"
    if covered.missing:
        outcome = "missing"
    return AuditCoverageDocument(
        outcome=outcome,
        exit_code=Exit.GREEN if outcome == "covered" else Exit.PERSON,
        sessions=covered.sessions,
        calls=covered.calls,
        decided=covered.decided,
        missing=tuple(
            AuditCallDocument(
                id=call.id, session=call.session, tool=call.tool, time=call.time, file=call.file, line=call.line
            )
            for call in covered.missing
        ),
        unreadable=covered.unreadable,
        only_decided=covered.only_decided,
    )


def entry_document(entry: Entry) -> AuditEntryDocument:
    """An entry as it is told."""
    return AuditEntryDocument(log=entry.log, seq=entry.seq, record=entry.record())


def search_document(entries: Sequence[Entry], *, more: bool) -> AuditSearchDocument:
    """What was found."""
    told = tuple(entry_document(entry) for entry in entries)
    return AuditSearchDocument(outcome="found" if told else "nothing", more=more, entries=told)


def log_document(verified: Verified, trusted: Literal["given", "kept", "store"]) -> AuditLogDocument:
    """What was looked at of a log."""
    bad = verified.bad
    return AuditLogDocument(
        log=verified.log,
        signed_by=verified.key,
        trusted=trusted,
        entries=verified.entries,
        pruned=verified.pruned,
        checkpoints=verified.checkpoints,
        anchors=verified.anchors,
        unsigned=verified.unsigned,
        root=verified.root,
        index=verified.index,
        bad=None if bad is None else AuditBadDocument(what=bad.what, first=bad.first, last=bad.last),
    )


def verify_document(logs: Sequence[AuditLogDocument]) -> AuditVerifyDocument:
    """Whether all of them are whole."""
    broken = any(log.bad for log in logs)
    return AuditVerifyDocument(
        outcome="broken" if broken else "whole",
        exit_code=Exit.PERSON if broken else Exit.GREEN,
        logs=tuple(logs),
    )
