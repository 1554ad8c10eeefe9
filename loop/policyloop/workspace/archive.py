"""A policy directory packed into one file, which Cerbos's disk store reads: .zip, .tar, .tar.gz and .tgz, in memory.

Seen with Cerbos 0.55.0: other endings and capitals are not taken; a link in an archive is passed over in silence, and
of two entries of one name a tar's last one counts. What a person would not expect is refused here instead.
"""

import gzip
import io
import os
import stat
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import IO

from policyloop.bundle import MAX_DEPTH, MAX_TOTAL_BYTES, Bundle
from policyloop.errors import UsageError
from policyloop.layout import NEVER, kind
from policyloop.workspace.gather import MAX_ENTRIES, MAX_FILE_BYTES, Gathered
from policyloop.workspace.inside import shown

MAX_ARCHIVE_BYTES = MAX_TOTAL_BYTES
MAX_UNPACKED_BYTES = 4 * MAX_TOTAL_BYTES
"""The most that is unpacked of a compressed tar, policies or not: nothing in it can be skipped unread."""
_RECORD = b"PK\x01\x02"
_ENCRYPTED, _UTF_8 = 0x1, 0x800
_UNPACK = "Unpack it and look at what it holds."


def read_archive(path: Path) -> Bundle:
    """The bundle in an archive. Raises `UsageError` for what cannot be read, and for links, `..` and double names."""
    archive = _Archive(Gathered(shown(str(path))))
    data = _content(path, archive.seen)
    try:
        if path.name.endswith(".zip"):
            archive.zip(data)
        else:
            archive.tar(data, packed=not path.name.endswith(".tar"))
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, ValueError, OSError):
        raise UsageError(f"{archive.seen.name} is no whole archive.", "Make it again.") from None
    return archive.bundle()


def _content(path: Path, seen: Gathered) -> bytes:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            # One byte more than is allowed: a file that grows while it is read is noticed by it.
            data = file.read(MAX_ARCHIVE_BYTES + 1) if stat.S_ISREG(status.st_mode) else b""
    except OSError as error:
        raise UsageError(f"{seen.name} cannot be read: {error.strerror}.", "Check its permissions.") from None
    if len(data) > MAX_ARCHIVE_BYTES:
        raise UsageError(f"{seen.name} has more than {MAX_ARCHIVE_BYTES >> 20} MiB.", "Give a smaller archive.")
    return data


class _Archive:
    def __init__(self, seen: Gathered) -> None:
        self.seen = seen
        self._files: set[str] = set()

    def zip(self, data: bytes) -> None:
        # The directory of a zip is read at once: each of its records bears this mark, so there are not more of them.
        self.seen.count(min(data.count(_RECORD), MAX_ENTRIES + 1))
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                path = self._path(entry.orig_filename)
                if not entry.is_dir():
                    self._zipped(archive, entry, path)

    def _zipped(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: str) -> None:
        self._once(path)
        # The upper half holds the mode of Unix. It is 0 in archives that were made elsewhere, and these hold no links.
        mode = entry.external_attr >> 16
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            raise self._not_a_file(path)
        if not _is_read(path):
            return
        # Without the flag the bytes of a name are those of some old code page, and two readers may read two names.
        if not path.isascii() and not entry.flag_bits & _UTF_8:
            raise UsageError(f"The name of {self.seen.at(path)} is not said to be UTF-8.", _UNPACK)
        if entry.flag_bits & _ENCRYPTED or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise UsageError(f"{self.seen.at(path)} is encrypted, or packed in a way Cerbos does not read.", _UNPACK)
        # By what the entry says of itself; what is really unpacked is bounded again when it is read.
        self.seen.check_room(path, entry.file_size)
        with archive.open(entry) as file:
            self._take(path, file)

    def tar(self, data: bytes, *, packed: bool) -> None:
        raw = io.BytesIO(data)
        stream = _Bounded(gzip.GzipFile(fileobj=raw) if packed else raw, self.seen.name)
        with tarfile.open(fileobj=stream, mode="r|", encoding="utf-8", errors="surrogateescape") as archive:
            for entry in archive:
                self.seen.count(1)
                vars(archive)[
                    "members"
                ] = []  # nothing is looked up again, and what is kept would grow with the archive
                path = self._path(entry.name + "/" * entry.isdir())
                if entry.isdir():
                    continue
                self._once(path)
                # A sparse entry of a few bytes unpacks to as many as it likes.
                if not entry.isreg() or entry.issparse():
                    raise self._not_a_file(path)
                if _is_read(path):
                    self.seen.check_room(path, entry.size)
                    file = archive.extractfile(entry)
                    if file is not None:
                        self._take(path, file)

    def bundle(self) -> Bundle:
        for path in self._files:
            above = path.split("/")[:-1]
            for depth in range(1, len(above) + 1):
                if "/".join(above[:depth]) in self._files:
                    raise UsageError(f"{self.seen.at(path)} lies in a folder whose name a file has too.", _UNPACK)
        return Bundle(self.seen.files)

    def _take(self, path: str, file: IO[bytes]) -> None:
        self.seen.take(path, file.read(MAX_FILE_BYTES + 1))

    def _path(self, name: str) -> str:
        """The path of an entry below the top of the archive."""
        parts = name.removesuffix("/").split("/")
        while parts and parts[0] == ".":
            parts = parts[1:]
        # A backslash parts folders on Windows: what is one name here would be a way out there.
        if any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts):
            raise UsageError(f"{self.seen.name} holds {shown(name)}, which leads out of it or nowhere.", _UNPACK)
        path = "/".join(parts)
        if len(parts) > MAX_DEPTH + 1:
            raise UsageError(f"{self.seen.at(path)} lies deeper than {MAX_DEPTH} folders.", _UNPACK)
        self.seen.check_name(path)
        return path

    def _once(self, path: str) -> None:
        if path in self._files:
            raise UsageError(f"{self.seen.at(path)} stands there twice.", "Make the archive anew.")
        self._files.add(path)

    def _not_a_file(self, path: str) -> UsageError:
        return UsageError(f"{self.seen.at(path)} is a link or a device, not a file.", _UNPACK)


def _is_read(path: str) -> bool:
    return kind(path) is not None and not any(part in NEVER for part in path.split("/"))


class _Bounded(io.RawIOBase):
    """A stream of which no more than `MAX_UNPACKED_BYTES` are read."""

    def __init__(self, raw: io.BufferedIOBase, name: str) -> None:
        super().__init__()
        self._raw, self._name, self._left = raw, name, MAX_UNPACKED_BYTES

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data = self._raw.read(min(size, self._left + 1) if size >= 0 else self._left + 1)
        self._left -= len(data)
        if self._left < 0:
            raise UsageError(
                f"{self._name} holds more than {MAX_UNPACKED_BYTES >> 20} MiB unpacked.", "Give the policies alone."
            )
        return data
