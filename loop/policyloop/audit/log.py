"""A log that this process writes: entries become durable in groups, and are signed for as they grow.

    with Log.opened(".policyloop/audit.db", anchors=[...]) as log:
        seq = log.append(record)            # returns when the entry is on the disk; otherwise `StoreError`

One thread writes. What waits for it goes in together, so that many entries cost one wait for the disk.
"""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from policyloop.audit.anchors import Anchor, Anchors
from policyloop.audit.entry import Draft, Form
from policyloop.audit.grown import Grown
from policyloop.audit.keys import Secrets, keep_head, kept_head, secrets_at, secrets_of, signer_for
from policyloop.audit.note import Checkpoint, Signer
from policyloop.audit.record import Record, encoded
from policyloop.audit.store import Row, StoreError, open_writable
from policyloop.audit.tree import leaf_hash

EVERY_RECORDS = 1_000
"""Entries after which a checkpoint is signed."""
EVERY_SECONDS = 10.0
"""Seconds after which one is signed, when there is anything to sign."""
GROUP = 256
"""Entries of one commit."""
MOST_WAITING = 4_096
"""Entries that may wait; one more is refused at once, so that memory and waiting have a bound."""
PATIENCE = 5.0
"""Seconds that `append` waits."""


@dataclass(slots=True)
class _Waiting:
    """What will be an entry, and who waits for its number."""

    draft: Draft
    done: "Future[int]"


@dataclass(slots=True)
class _Work:
    """What else is done to the store, between two groups."""

    run: Callable[[], int]
    done: "Future[int]"


class Log:
    """The one writer of one log."""

    def __init__(
        self,
        store: str,
        place: Secrets,
        *,
        anchors: Sequence[Anchor] = (),
        every_records: int = EVERY_RECORDS,
        every_seconds: float = EVERY_SECONDS,
    ) -> None:
        """Opens it, or begins it. Raises `StoreError`; also when the store lacks what this machine has signed for."""
        self.place = place
        self.signer: Signer = signer_for(place)
        self.every_records, self.every_seconds = every_records, every_seconds
        self.failures = 0
        """How often entries could not be made durable."""
        self._store = open_writable(store, lambda: (self.signer.name, self.signer.verifier().line()))
        try:
            self._grown = self._begun()
        except BaseException:
            self._store.close()
            raise
        self._form = Form(self.signer.name)
        self._waiting: queue.Queue[_Waiting | _Work | None] = queue.Queue(MOST_WAITING)
        self._anchors = Anchors(anchors)
        self._stale = False
        self._closed = False
        self._closing = threading.Lock()
        self._thread = threading.Thread(target=self._write, name="audit-writer", daemon=True)
        self._thread.start()

    @classmethod
    def opened(cls, store: str, key: Path | None = None, **settings: Any) -> Self:
        """The log in a store, with the key that belongs to it on this machine, or the one that is named."""
        return cls(store, secrets_at(key) if key else secrets_of(store), **settings)

    def __enter__(self) -> Self:
        """Open until the block ends."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Everything that waits is written, and signed for."""
        self.close()

    @property
    def size(self) -> int:
        """How many entries are durable."""
        return self._grown.size

    @property
    def signed(self) -> int:
        """How many of them a checkpoint covers."""
        return self._grown.signed

    @property
    def anchor_failures(self) -> int:
        """How often an anchor could not be told of a checkpoint."""
        return self._anchors.failures

    def append(self, record: Record, *, keep_content: bool = False, patience: float = PATIENCE) -> int:
        """Record it, and return its number once it is durable. Raises `StoreError`; then it must not be acted on.

        After `busy` for want of patience the entry may still have become durable: a log may hold a call that was
        refused for this reason, but lacks none that was let go.
        """
        done = self.submit(record, keep_content=keep_content)
        try:
            return done.result(patience)
        except TimeoutError:
            done.cancel()
            raise StoreError(
                "busy", f"The audit store did not make an entry durable within {patience:g} seconds."
            ) from None

    def submit(self, record: Record, *, keep_content: bool = False) -> "Future[int]":
        """The same for who does not block: the future has the number, or the `StoreError`."""
        return self._put(_Waiting(Draft.of(encoded(record, keep_content=keep_content)), Future()))

    def prune(self, before: str, reason: str, by: str) -> int:
        """Take out whole segments that are older than this time; a record of it comes first. Returns how many entries.

        Their leaf hashes stay, so the rest still verifies.
        """
        from policyloop.audit.prune import pruned

        done: Future[int] = self._put(_Work(lambda: pruned(self._store, self._put_in, before, reason, by), Future()))
        return done.result()

    def close(self) -> None:
        """Write what waits, sign for it, and leave the store to others."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        self._waiting.put(None)
        self._thread.join()
        self._anchors.close()
        self._store.close()

    def _put(self, waiting: "_Waiting | _Work") -> "Future[int]":
        if self._closed:
            raise StoreError("closed", "The audit log is closed.")
        try:
            self._waiting.put_nowait(waiting)
        except queue.Full:
            self.failures += 1
            raise StoreError("busy", f"{MOST_WAITING} entries wait for the audit store already.") from None
        return waiting.done

    def _write(self) -> None:
        """The writer's thread: until the end is put in."""
        due = time.monotonic() + self.every_seconds
        while True:
            group, ended = self._group(max(0.0, due - time.monotonic()))
            timely = time.monotonic() >= due
            if group or timely or ended:
                self._commit(group, sign=timely or ended)
            if timely:
                due = time.monotonic() + self.every_seconds
            if ended:
                self._refuse_the_rest()
                return

    def _group(self, patience: float) -> tuple[list[_Waiting], bool]:
        """What waits, at most a group; work on the store is done between groups. Whether the end was put in."""
        group: list[_Waiting] = []
        try:
            item = self._waiting.get(timeout=patience)
            while True:
                if item is None:
                    return group, True
                if isinstance(item, _Work):
                    self._commit(group, sign=False)
                    self._do(item)
                    return [], False
                if item.done.set_running_or_notify_cancel():
                    group.append(item)
                if len(group) >= GROUP:
                    return group, False
                item = self._waiting.get_nowait()
        except queue.Empty:
            return group, False

    def _do(self, work: _Work) -> None:
        if not work.done.set_running_or_notify_cancel():
            return
        try:
            work.done.set_result(work.run())
        except Exception as error:  # noqa: BLE001  (who waits for it is told)
            self._stale = True
            work.done.set_exception(error)

    def _commit(self, group: Sequence[_Waiting], *, sign: bool) -> None:
        """Make the group durable, and tell each that waits; also what goes wrong. The thread goes on."""
        try:
            first = self._put_in([waiting.draft for waiting in group], sign=sign)
        except Exception as error:  # noqa: BLE001  (a fault of ours must end in a denial, not in waiting for ever)
            self.failures += len(group)
            self._stale = True
            for waiting in group:
                waiting.done.set_exception(_as_store_error(error))
            return
        for number, waiting in enumerate(group):
            waiting.done.set_result(first + number)

    def _put_in(self, drafts: Sequence[Draft], *, sign: bool) -> int:
        """The number of the first; all are durable on return."""
        if self._stale:
            # After an error nobody knows what is in: what is there is read anew.
            self._grown = self._begun()
            self._stale = False
        first = self._grown.size
        rows: list[Row] = []
        for seq, draft in enumerate(drafts, first):
            body = self._form.entry(draft.record, seq)
            rows.append(Row(seq, draft.time, body, leaf_hash(body), draft.words, draft.places))
        grown, segments = self._grown.with_leaves([row.leaf for row in rows])
        note: tuple[int, str] | None = None
        if grown.unsigned and (sign or grown.unsigned >= self.every_records):
            note = (grown.size, self.signer.sign(Checkpoint(self.signer.name, grown.size, grown.root())))
            grown = grown.signed_for()
        if rows or note:
            self._store.add(rows, segments, note)
        self._grown = grown
        if note:
            self._tell(note[1])
        return first

    def _tell(self, note: str) -> None:
        """Keep the checkpoint elsewhere. The store has it, so nobody waits for this."""
        try:
            keep_head(self.place, note)
        except OSError:
            self._anchors.failures += 1
        self._anchors.tell(note)

    def _begun(self) -> Grown:
        """What is there, which must go on from the last checkpoint that was signed here."""
        if self._store.log != self.signer.name:
            raise StoreError(
                "refused",
                f"The audit store belongs to the log {self._store.log}, and the key here to {self.signer.name}.",
                "Name the key that it was begun with, or begin another store.",
            )
        grown = Grown.of(self._store.tail())
        head = kept_head(self.place)
        if head is not None:
            grown.require(self.signer.verifier(), head)
        return grown

    def _refuse_the_rest(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                item = self._waiting.get_nowait()
                if item is not None and item.done.set_running_or_notify_cancel():
                    item.done.set_exception(StoreError("closed", "The audit log is closed."))


def _as_store_error(error: Exception) -> StoreError:
    if isinstance(error, StoreError):
        return error
    return StoreError("refused", f"The audit log failed: {type(error).__name__}: {error}.")
