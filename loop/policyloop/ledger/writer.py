"""Writing a ledger: each record is redacted, chained to the one before, and on the disk before the run goes on."""

import fcntl
import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Self

from policyloop.errors import PersonNeeded, Unavailable, UsageError
from policyloop.ledger.chain import CLOSED, FIRST_PREV, Chain, Record, head_of, read
from policyloop.redact import redact_value
from policyloop.runs import LEDGER


class Ledger:
    """A ledger that is being written. One writer at a time; `append` may be called from several threads."""

    def __init__(self, path: Path, file: int, last: Record | None, size: int) -> None:
        self.path = path
        self._file = file
        self._last = last
        self._size = size
        self._lock = Lock()

    @classmethod
    def create(cls, directory: Path) -> Self:
        """Begin the ledger of a new run in `directory`, which is made. Raises `Unavailable`, also when there is one."""
        path = directory / LEDGER
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
            _write_head(path, 0, FIRST_PREV, synced=True)
            _sync_folder(directory)
        except FileExistsError:
            raise Unavailable(f"{path} is there already.", "Start the run again; it gets another id.") from None
        except OSError as error:
            raise _cannot_write(path, error) from None
        return cls(path, _claimed(file, path), None, 0)

    @classmethod
    def reopen(cls, path: Path) -> Self:
        """Go on with the ledger of an interrupted run.

        A last line that was never finished is moved to a file beside the ledger, and a record of the kind `torn` says
        so. Raises `UsageError` for a run that came to its end, `PersonNeeded` for a broken chain, else `Unavailable`.
        """
        try:
            file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        except OSError as error:
            raise _cannot_write(path, error) from None
        _claimed(file, path)
        try:
            chain = read(path)
            _check_resumable(path, chain)
            size = os.fstat(file).st_size - chain.torn
            ledger = cls(path, file, chain.records[-1] if chain.records else None, size)
            if chain.torn:
                ledger._set_torn_line_aside(chain.torn)
        except BaseException:
            os.close(file)
            raise
        return ledger

    def append(self, kind: str, data: Mapping[str, Any]) -> Record:
        """Write one record, redacted, and wait until it is on the disk.

        Raises `ValueError` for data that JSON cannot hold and `Unavailable` when it cannot be written; the ledger then
        is as it was before.
        """
        clean = redact_value(data)
        if not isinstance(clean, dict):
            raise ValueError("a record's data is an object")  # noqa: TRY004
        with self._lock:
            seq, prev = (self._last.seq + 1, self._last.hash) if self._last else (1, FIRST_PREV)
            record = Record(seq, _now(), kind, clean, prev, "").sealed()
            self._write(record)
        return record

    def finish(self, data: Mapping[str, Any] | None = None) -> Record:
        """Write the last record, `closed`, with the count of all records; nothing can be appended after `reopen`."""
        return self.append(CLOSED, {**(data or {}), "records": (self._last.seq if self._last else 0) + 1})

    def close(self) -> None:
        """Let go of the file; the run may be resumed unless it was finished."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.close()

    def _write(self, record: Record) -> None:
        line = record.line() + b"\n"
        try:
            # What an interrupt or a full disk left of an earlier, unacknowledged record is taken back first.
            if os.fstat(self._file).st_size != self._size:
                os.ftruncate(self._file, self._size)
            _write_all(self._file, line)
            os.fsync(self._file)
            _write_head(self.path, record.seq, record.hash)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._file, self._size)
            raise _cannot_write(self.path, error) from None
        self._last, self._size = record, self._size + len(line)

    def _set_torn_line_aside(self, size: int) -> None:
        torn = os.pread(self._file, size, self._size)
        aside = self.path.with_name(self.path.name + ".torn")
        try:
            copy = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                _write_all(copy, torn + b"\n")
                os.fsync(copy)
            finally:
                os.close(copy)
        except OSError as error:
            raise _cannot_write(aside, error) from None
        self.append("torn", {"bytes": size, "sha256": hashlib.sha256(torn).hexdigest(), "kept_in": aside.name})


def _check_resumable(path: Path, chain: Chain) -> None:
    if chain.closed:
        raise UsageError(f"The run of {path} came to its end.", "Start a new run.")
    if chain.broken and not chain.torn:
        raise PersonNeeded(f"The ledger {path} is not whole: {chain.broken}.", "Start a new run.")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _claimed(file: int, path: Path) -> int:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise Unavailable(f"{path} is being written by another process.", "Wait until that run has ended.") from None
    return file


def _write_all(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


def _sync_folder(directory: Path) -> None:
    folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _write_head(path: Path, count: int, digest: str, *, synced: bool = False) -> None:
    """Always the same number of bytes in place, so that it is there whole. It may lag by one record."""
    file = os.open(head_of(path), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.pwrite(file, f"{count:012d} {digest}\n".encode(), 0)
        if synced:
            os.fsync(file)
    finally:
        os.close(file)


def _cannot_write(path: Path, error: OSError) -> Unavailable:
    return Unavailable(f"{path} cannot be written: {error.strerror}.", "Free some space, or give another --state.")
