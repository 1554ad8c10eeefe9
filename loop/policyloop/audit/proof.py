"""The proof that one record is in a log, which a third person checks with the log's public key alone."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from policyloop.audit.entry import Entry
from policyloop.audit.note import BadNote, Verifier
from policyloop.audit.store import Reader, StoreError
from policyloop.audit.store.kinds import SEGMENT
from policyloop.audit.tree import SIZE, Frontier, included, inclusion_path, leaf_hash

FORM = "policyloop audit proof 1"
MOST_FILE = 20_000_000
"""Bytes of a proof's file."""


@dataclass(frozen=True, slots=True)
class Proof:
    """An entry, where it stands, the hashes beside its way to the root, and the checkpoint that was signed over it."""

    entry: str
    """The entry's text, as it was hashed."""
    index: int
    path: tuple[str, ...]
    """Base64, from below."""
    checkpoint: str
    """The signed note."""
    form: str = FORM


class NotProved(Exception):
    """What a proof does not show; the text says why."""


def prove(store: Reader, entry: Entry) -> Proof:
    """The proof by the first checkpoint that covers the entry. Raises `StoreError`, also when none does yet."""
    covering = next(((size, note) for size, note in store.checkpoints(entry.log) if size > entry.seq), None)
    if covering is None:
        raise StoreError(
            "refused",
            f"No checkpoint covers entry {entry.seq} yet.",
            "One is signed every 10 seconds and when the log is closed; ask again then.",
        )
    size, note = covering
    path = inclusion_path(entry.seq, size, _subtrees(store, entry.log))
    return Proof(
        entry.body.decode("utf-8", "replace"),
        entry.seq,
        tuple(base64.b64encode(node).decode() for node in path),
        note,
    )


def checked(text: str, verifier: Verifier) -> Entry:
    """The entry that a proof shows to be in the log of this key. Raises `NotProved`."""
    try:
        return _checked(_read(text), verifier)
    except BadNote as error:
        raise NotProved(str(error)) from None


def _checked(proof: Proof, verifier: Verifier) -> Entry:
    checkpoint = verifier.opened(proof.checkpoint)
    body = proof.entry.encode()
    path = [_node(node) for node in proof.path]
    if not included(leaf_hash(body), proof.index, checkpoint.size, path, checkpoint.root):
        raise NotProved("the entry is not the one that the checkpoint was signed over")
    return Entry(checkpoint.origin, proof.index, body)


def _read(text: str) -> Proof:
    try:
        given: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise NotProved("the file is not JSON") from None
    if not isinstance(given, dict) or given.get("form") != FORM:
        raise NotProved("the file is no proof of an audit log")
    entry, index, path, note = (given.get(name) for name in ("entry", "index", "path", "checkpoint"))
    if not (isinstance(entry, str) and isinstance(note, str) and isinstance(path, list)):
        raise NotProved("the file is no whole proof")
    if not isinstance(index, int) or isinstance(index, bool) or not all(isinstance(node, str) for node in path):
        raise NotProved("the file is no whole proof")
    if len(path) > 64:
        raise NotProved("the file's path is longer than that of any tree")
    try:
        entry.encode()
    except UnicodeEncodeError:
        raise NotProved("the entry is no text") from None
    return Proof(entry, index, tuple(path), note)


def _node(text: str) -> bytes:
    try:
        node = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        node = b""
    if len(node) != SIZE:
        raise NotProved("a hash of the path is no SHA-256")
    return node


def _subtrees(store: Reader, log: str) -> Callable[[int, int], bytes]:
    """The subtrees of the log, from the hashes of whole segments and the leaves between."""
    segments: Sequence[bytes] = [part.node for part in store.segments(log)]

    def subtree(first: int, last: int) -> bytes:
        frontier = Frontier()
        at = first
        while at < last:
            whole = at % SEGMENT == 0 and at + SEGMENT <= last and at // SEGMENT < len(segments)
            if whole:
                frontier.push_subtree(segments[at // SEGMENT], SEGMENT)
                at += SEGMENT
                continue
            until = min(last, (at // SEGMENT + 1) * SEGMENT)
            for leaf in store.leaves(log, at, until):
                frontier.push(leaf)
            at = until
        return frontier.root()

    return subtree
