"""Whether a log is whole: every entry is hashed anew, every checkpoint and anchor is held against the tree.

Nothing is kept but the tree's edge and the few sizes that are asked for, so a log of any length takes the same memory.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from policyloop.audit.entry import Entry, Form
from policyloop.audit.note import BadNote, Checkpoint, Verifier, read_verifier, unchecked
from policyloop.audit.prune import EVENT, named_by
from policyloop.audit.store import Reader, StoreError
from policyloop.audit.store.kinds import SEGMENT, Pruned
from policyloop.audit.tree import SIZE, Frontier

_PRUNES = f'"event":"{EVENT}"'.encode()


@dataclass(frozen=True, slots=True)
class Bad:
    """The first thing that is wrong. `first` and `last` are the numbers between which the bad entry lies, if known."""

    what: str
    first: int | None = None
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """What was looked at, and the first thing that is wrong, or None."""

    log: str
    key: str
    entries: int
    """How many were hashed anew."""
    pruned: int
    """How many are gone by a record's word; of them the hashes are held against the tree, what they said is not."""
    checkpoints: int
    anchors: int
    """How many anchored checkpoints of this log hold."""
    unsigned: int
    """Entries after the last checkpoint, for which nobody has signed yet."""
    root: str
    index: bool
    """Whether what entries are found by was held against them."""
    bad: Bad | None

    @property
    def size(self) -> int:
        """How many entries the log has, pruned ones among them."""
        return self.entries + self.pruned


class _Found(Exception):
    """Ends the looking: the first thing that is wrong."""

    def __init__(self, what: str, first: int | None = None, last: int | None = None) -> None:
        self.bad = Bad(what, first, last)
        super().__init__(what)


@dataclass(slots=True)
class _Looked:
    """How far the looking has come."""

    tree: Frontier = field(default_factory=Frontier)
    entries: int = 0
    pruned: int = 0
    checkpoints: int = 0
    anchors: int = 0
    sound: int = 0
    """The size up to which a checkpoint held."""
    prunes: dict[int, int] = field(default_factory=dict)
    """Segments that a record says are taken out, and the number of the first record that does."""


def verify(
    store: Reader,
    log: str,
    trusted: Verifier | None,
    anchors: Sequence[str] = (),
    key: str = "",
    *,
    index: bool = False,
) -> Verified:
    """Look at all of one log. `trusted`: the key that must have signed; None for the one that the store itself names.

    `anchors`: notes that were kept elsewhere; all of them must be of this log. With `index` the indices of a SQLite
    store are looked at, too. Raises `StoreError`.
    """
    looked = _Looked()
    bad: Bad | None = None
    verifier: Verifier | None = None
    try:
        verifier = trusted or _read(key)
        if verifier.name != log:
            raise _Found(f"the store has the log {log}, and the key is that of {verifier.name}")  # noqa: TRY301
        _look(store, log, verifier, _anchored(anchors, verifier), looked)
        faults = store.faults(index=index)
        if faults:
            raise _Found(faults[0])  # noqa: TRY301
    except _Found as found:
        bad = found.bad
    except StoreError as error:
        if error.kind != "corrupt":
            raise
        bad = Bad(error.message, looked.tree.size, looked.tree.size)
    return Verified(
        log=log,
        key=verifier.line() if verifier else key,
        entries=looked.entries,
        pruned=looked.pruned,
        checkpoints=looked.checkpoints,
        anchors=looked.anchors,
        unsigned=looked.tree.size - looked.sound,
        root=looked.tree.root().hex(),
        index=index,
        bad=bad,
    )


def _read(key: str) -> Verifier:
    try:
        return read_verifier(key)
    except BadNote as error:
        raise _Found(f"the store's own key cannot be read: {error}") from None


def _anchored(notes: Sequence[str], verifier: Verifier) -> list[tuple[int, str]]:
    """Size and note of each anchor, by size."""
    sized: list[tuple[int, str]] = []
    for note in notes:
        try:
            checkpoint = verifier.opened(note)
        except BadNote:
            raise _Found(f"an anchor holds a checkpoint that is not of this log: {_said(note)}") from None
        sized.append((checkpoint.size, note))
    return sorted(sized)


def _said(note: str) -> str:
    try:
        other = unchecked(note)
    except BadNote as error:
        return str(error)
    return f"it is of {other.origin} with {other.size} entries, signed by another key or not at all"


def _look(store: Reader, log: str, verifier: Verifier, anchors: list[tuple[int, str]], looked: _Looked) -> None:
    stops = _stops(store, log, anchors)
    stop = next(stops, None)
    while stop is not None and stop[0] == 0:
        stop = next(stops, None)
    tree = looked.tree
    for leaf in _leaves(store, log, looked):
        tree.push(leaf)
        while stop is not None and stop[0] == tree.size:
            _hold(stop, verifier, looked)
            stop = next(stops, None)
    if stop is not None:
        size, _, anchored = stop
        where = "an anchor" if anchored else "a checkpoint"
        raise _Found(
            f"the tail is cut off: {where} covers {size} entries, and there are {tree.size}", tree.size, size - 1
        )
    if tree.size and not looked.sound:
        raise _Found("nobody has signed for any entry", 0, tree.size - 1)
    # Who prunes signs for the record first: anybody can write one that nobody has signed for.
    said = {first for first, seq in looked.prunes.items() if seq < looked.sound}
    missing = sorted(set(_pruned_firsts(store, log)) - said)
    if missing:
        raise _Found("entries are gone, and no record says that they were pruned", missing[0], missing[0] + SEGMENT - 1)


def _pruned_firsts(store: Reader, log: str) -> Iterator[int]:
    for part in store.pruned(log):
        yield part.first


def _stops(store: Reader, log: str, anchors: list[tuple[int, str]]) -> Iterator[tuple[int, str, bool]]:
    """Size, note, and whether it is an anchor's, of all checkpoints, by size."""
    kept = iter(store.checkpoints(log))
    elsewhere = iter(anchors)
    mine, theirs = next(kept, None), next(elsewhere, None)
    while mine is not None or theirs is not None:
        if theirs is None or (mine is not None and mine[0] <= theirs[0]):
            assert mine is not None
            yield (*mine, False)
            mine = next(kept, None)
        else:
            yield (*theirs, True)
            theirs = next(elsewhere, None)


def _hold(stop: tuple[int, str, bool], verifier: Verifier, looked: _Looked) -> None:
    """Hold a checkpoint against the tree as it is at its size."""
    size, note, anchored = stop
    where = "the anchored checkpoint" if anchored else "the checkpoint"
    try:
        checkpoint = verifier.opened(note)
    except BadNote as error:
        raise _Found(f"{where} over {size} entries does not hold: {error}", looked.sound, size - 1) from None
    if checkpoint != Checkpoint(verifier.name, size, looked.tree.root()):
        raise _Found(f"{where} over {size} entries was signed for other ones", looked.sound, size - 1)
    looked.sound = size
    if anchored:
        looked.anchors += 1
    else:
        looked.checkpoints += 1


def _leaves(store: Reader, log: str, looked: _Looked) -> Iterator[bytes]:
    """The leaf hash of each entry, made anew from what stands there; of pruned entries the one that was kept."""
    form = Form(log)
    head, tail = form.head(), form.tail
    pruned = iter(store.pruned(log))
    gone = next(pruned, None)
    expected = 0
    for seq, body, leaf in store.entries(log):
        while gone is not None and gone.first == expected < seq:
            yield from _of_pruned(gone, looked)
            expected += SEGMENT
            gone = next(pruned, None)
        if seq != expected:
            raise _Found(_out_of_order(seq, expected), expected, expected)
        hashed = sha256(b"\x00" + body).digest()
        if hashed != leaf:
            raise _Found("an entry was changed: it does not have the hash that it was recorded with", seq, seq)
        if not (body.startswith(head) and body.endswith(tail(seq))):
            raise _Found(f"an entry stands where it was not recorded: {_stands(body)}", seq, seq)
        if _PRUNES in body:
            for first in named_by(Entry(log, seq, body).record()):
                looked.prunes.setdefault(first, seq)
        looked.entries += 1
        expected += 1
        yield hashed
    while gone is not None and gone.first == expected:
        yield from _of_pruned(gone, looked)
        expected += SEGMENT
        gone = next(pruned, None)


def _of_pruned(gone: Pruned, looked: _Looked) -> Iterator[bytes]:
    if len(gone.leaves) != SEGMENT * SIZE:
        raise _Found("the hashes of a pruned segment are not whole", gone.first, gone.first + SEGMENT - 1)
    looked.pruned += SEGMENT
    for at in range(0, len(gone.leaves), SIZE):
        yield gone.leaves[at : at + SIZE]


def _out_of_order(seq: int, expected: int) -> str:
    return "an entry is missing" if seq > expected else "an entry stands there twice"


def _stands(body: bytes) -> str:
    """Where an entry says that it was recorded."""
    _, mark, number = body.rpartition(b',"seq":')
    said = number.removesuffix(b"}").decode("ascii", "replace")
    return f"it says that it is entry {said}" if mark and said.isdigit() else "it does not say where it was"
