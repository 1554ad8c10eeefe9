"""`audit verify` and `audit prove`: which key is trusted, and which anchors are at hand."""

import json
from collections.abc import Sequence
from pathlib import Path

from policyloop.audit.anchors import read_anchors
from policyloop.audit.asked import Trusted
from policyloop.audit.entry import Entry
from policyloop.audit.keys import kept_head, known_secrets, known_signer
from policyloop.audit.note import BadNote, Verifier, read_verifier
from policyloop.audit.proof import MOST_FILE, NotProved, checked, prove
from policyloop.audit.store import Reader, open_reader
from policyloop.audit.verify import Verified, verify
from policyloop.errors import PersonNeeded, UsageError
from policyloop.shape import to_json


def checked_logs(
    store: str, key: str | None, anchors: Sequence[Path], *, index: bool = False
) -> list[tuple[Verified, Trusted]]:
    """Each log of a store, and where the key is from by which it was verified.

    That is the one that was given; else the one that this machine signs the store with, and then its last checkpoint
    is an anchor, too; else the one that the store names. Where this machine's log is one of several in a database, the
    others are verified by the keys that the store names; where it is not there at all, none of them is that log.
    """
    notes = [note for path in anchors for note in read_anchors(path)]
    place = known_secrets(store)
    signer = known_signer(place) if place else None
    checked_all: list[tuple[Verified, Trusted]] = []
    with open_reader(store) as reader:
        logs = reader.logs()
        ours_is_there = signer is not None and any(log == signer.name for log, _ in logs)
        for log, named in logs:
            if key is not None:
                checked_all.append((verify(reader, log, public_key(key), notes, named, index=index), "given"))
            elif signer is not None and place is not None and (log == signer.name or not ours_is_there):
                head = kept_head(place)
                all_notes = [*notes, head] if head else notes
                checked_all.append((verify(reader, log, signer.verifier(), all_notes, named, index=index), "kept"))
            else:
                checked_all.append((verify(reader, log, None, notes, named, index=index), "store"))
    return checked_all


def public_key(given: str) -> Verifier:
    """A public key, or the file it stands in. Raises `UsageError`."""
    path = Path(given)
    try:
        line = path.read_text(encoding="utf-8") if path.is_file() else given
        return read_verifier(line)
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"--key {given} cannot be read.", "Give the key itself, or another path.") from None
    except BadNote as error:
        raise UsageError(f"--key: {error}.", "policyloop audit verify prints the key of a log.") from None


def checked_proof(path: Path, key: str | None) -> Entry:
    """The entry that a proof shows. Raises `UsageError`, and `PersonNeeded` when it does not hold."""
    if key is None:
        raise UsageError("--proof needs --key.", "Give the log's public key, which you have from somebody you trust.")
    verifier = public_key(key)
    try:
        if path.stat().st_size > MOST_FILE:
            raise UsageError(f"{path} is larger than a proof can be.")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"{path} cannot be read.", "Give a file that policyloop audit prove wrote.") from None
    try:
        return checked(text, verifier)
    except NotProved as error:
        raise PersonNeeded(f"{path} proves nothing: {error}.", "Do not rely on what it says.") from None


def write_proof(reader: Reader, entry: Entry, path: Path) -> str:
    """Write the proof of an entry. Returns the public key with which it is checked."""
    text = json.dumps(to_json(prove(reader, entry)), indent=2, ensure_ascii=True) + "\n"
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.", "Give --out another path.") from None
    return dict(reader.logs()).get(entry.log, "")
