"""What a store is to those who use it, and the one error that it raises."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Protocol, Self

from policyloop.audit.entry import Entry
from policyloop.errors import Exit, PolicyloopError

SCHEMA = "1"
"""Of the tables. A store with another one is refused."""
SEGMENT = 1024
"""Entries of a segment, the smallest part that is pruned. A power of two, so that it is a whole subtree."""

Kind = Literal["locked", "full", "read-only", "corrupt", "version", "gone", "busy", "closed", "refused"]


class StoreError(PolicyloopError):
    """The store does not do what was asked: an entry is not durable, and whoever waits for it must deny.

    `kind`: `locked` another process writes this log; `full` no room; `read-only`; `corrupt` the file is no sound store;
    `version` of another version; `gone` it cannot be reached or opened; `busy` too many wait, or it took too long;
    `closed`; `refused` it said no otherwise.
    """

    exit_code = Exit.ENVIRONMENT

    def __init__(self, kind: Kind, message: str, hint: str = "") -> None:
        self.kind = kind
        super().__init__(message, hint)


@dataclass(frozen=True, slots=True)
class Row:
    """An entry on its way into a store."""

    seq: int
    time: str
    body: bytes
    leaf: bytes
    words: Sequence[str]
    places: Sequence[str]


@dataclass(frozen=True, slots=True)
class Segment:
    """`SEGMENT` entries from `first` on, by the hash of their subtree."""

    first: int
    node: bytes


@dataclass(frozen=True, slots=True)
class Pruned:
    """A segment whose entries were taken out. The hashes of its leaves stay, one after the other."""

    first: int
    leaves: bytes


@dataclass(frozen=True, slots=True)
class Tail:
    """What a writer needs to go on: the nodes of whole segments, the leaves after them, the last checkpoint's size."""

    segments: Sequence[bytes]
    leaves: Sequence[bytes]
    signed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is searched for; all that is given must hold. `since` and `until` are times as records have them."""

    who: str | None = None
    tool: str | None = None
    decision: str | None = None
    session: str | None = None
    event: str | None = None
    since: str | None = None
    until: str | None = None
    place: str | None = None
    """A path or host that the call touches: itself or what lies below it."""
    text: str | None = None
    """Words that all stand in the record; what is written together must stand together."""
    limit: int | None = 100
    """The newest so many."""
    oldest_first: bool = False


class Reader(Protocol):
    """A store that is looked at. Methods raise `StoreError`. One log of it at a time."""

    def __enter__(self) -> Self:
        """Open until the block ends."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closed."""
        ...

    def logs(self) -> Sequence[tuple[str, str]]:
        """Origin and public key of each log, as the store says."""
        ...

    def entries(self, log: str, first: int = 0) -> Iterator[tuple[int, bytes, bytes]]:
        """Number, body and leaf hash of each entry, in the order of their numbers, from `first` on."""
        ...

    def leaves(self, log: str, first: int, last: int) -> Sequence[bytes]:
        """The leaf hashes from `first` up to, and without, `last`, those of pruned entries among them."""
        ...

    def segments(self, log: str) -> Sequence[Segment]:
        """The whole segments."""
        ...

    def pruned(self, log: str) -> Iterator[Pruned]:
        """The segments that were taken out, by number."""
        ...

    def checkpoints(self, log: str) -> Iterator[tuple[int, str]]:
        """Size and note of each checkpoint, by size."""
        ...

    def search(self, query: Query) -> Iterator[Entry]:
        """The entries that fit, newest first unless asked otherwise."""
        ...

    def by_id(self, name: str) -> Sequence[Entry]:
        """The entries of the record with this id."""
        ...

    def faults(self, *, index: bool) -> Sequence[str]:
        """What is wrong with the tables themselves: not those that were made; with `index`, one that left its table."""
        ...


class Writable(Protocol):
    """One log of a store, opened by the one process that writes it. Methods raise `StoreError`."""

    @property
    def log(self) -> str:
        """Its origin."""
        ...

    def tail(self) -> Tail:
        """What is there."""
        ...

    def add(self, rows: Sequence[Row], segments: Sequence[Segment], note: tuple[int, str] | None) -> None:
        """Put all of it in, or nothing; durable on return."""
        ...

    def prunable(self, before: str) -> Sequence[int]:
        """The first numbers of whole segments of which every entry is older than this time, from the oldest on."""
        ...

    def prune(self, segments: Sequence[int]) -> None:
        """Take their entries out and keep their leaf hashes."""
        ...

    def close(self) -> None:
        """Leave it to others."""
        ...
