"""The documents of `audit`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

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
    """Where that key is from: `--key`, this machine's own, or the store itself, which proves nothing of a new log."""
    entries: Count
    pruned: Count
    """Entries that were taken out, of which the hashes are there."""
    checkpoints: Count
    anchors: Count
    unsigned: Count
    """Entries after the last checkpoint."""
    root: str
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
