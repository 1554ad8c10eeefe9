"""Reading the policy directory: once, completely, and nothing but what the compiler would read."""

import errno
import os
import shlex
import stat
from pathlib import Path

from policyloop.bundle import MAX_DEPTH, MAX_FILES, MAX_TOTAL_BYTES, Bundle
from policyloop.errors import PersonNeeded, UsageError
from policyloop.layout import NEVER, is_ours, kind
from policyloop.workspace.inside import FILE, FOLDER, open_directory, shown
from policyloop.workspace.journal import JournalFile, is_marked

MAX_FILE_BYTES = 8 * 1_048_576
MAX_ENTRIES = 400_000
"""The most files and folders that are looked at, policies or not: `/` is nobody's policy directory."""


def read_bundle(directory: Path) -> Bundle:
    """The policy directory as it is. An empty one gives an empty bundle; links are never followed.

    Raises `UsageError` for what cannot be read or would not be read by the compiler as it stands: no directory, a link
    or device in place of a policy file, a linked folder, text or a name that is not UTF-8, a file over 8 MiB, over
    20,000 files or 128 MiB in all, a file that changes meanwhile, a file with a name of policyloop's own. Raises
    `PersonNeeded` where a write-back goes on or was interrupted: nothing is finished here, since looking never writes.
    """
    root, real = open_directory(directory)
    try:
        _check_settled(root, real)
        bundle = read_tree(root, str(directory))
        _check_settled(root, real)
        return bundle
    finally:
        os.close(root)


def _check_settled(root: int, real: Path) -> None:
    if is_marked(root) or JournalFile.pending(root, real) is not None:
        raise PersonNeeded(
            f"A write-back to {shown(str(real))} goes on, or was interrupted; nothing was looked at.",
            f"Wait for it, or finish it: policyloop recover {shlex.quote(str(real))}",
        )


def read_tree(root: int, name: str) -> Bundle:
    """As `read_bundle`, from the open folder `root`, which messages call `name`."""
    reader = _Reader(shown(name))
    reader.folder(root, "", 0)
    return Bundle(reader.files)


class _Reader:
    def __init__(self, name: str) -> None:
        self.files: dict[str, str] = {}
        self._name = name
        self._bytes = 0
        self._entries = 0

    def folder(self, here: int, prefix: str, depth: int) -> None:
        try:
            with os.scandir(here) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            raise self._unreadable(prefix.rstrip("/"), error) from None
        self._entries += len(found)
        if self._entries > MAX_ENTRIES:
            raise UsageError(
                f"{self._name} holds more than {MAX_ENTRIES:,} files and folders.", "Give the policy directory alone."
            )
        for entry in found:
            if is_ours(entry.name):
                raise UsageError(
                    f"{self._at(prefix + entry.name)} bears a name of policyloop's own, and is not read where a model "
                    "writes.",
                    "Move it out of the policy directory.",
                )
            if entry.name not in NEVER:
                self._entry(here, entry, prefix + entry.name, depth)

    def _entry(self, here: int, entry: os.DirEntry[str], path: str, depth: int) -> None:
        if entry.is_symlink():
            self._link(here, entry, path)
        elif entry.is_dir(follow_symlinks=False):
            self._subfolder(here, entry.name, path, depth + 1)
        elif kind(path) is not None:
            if not entry.is_file(follow_symlinks=False):
                raise UsageError(f"{self._at(path)} is a device, a fifo or a socket, not a file.", "Remove it.")
            self._file(here, entry.name, path)

    def _link(self, here: int, entry: os.DirEntry[str], path: str) -> None:
        try:
            to_folder = stat.S_ISDIR(os.stat(entry.name, dir_fd=here).st_mode)
        except OSError:
            to_folder = False
        if to_folder or kind(path) is not None:
            what = "folder" if to_folder else "file"
            raise UsageError(
                f"{self._at(path)} is a symbolic link, which policyloop does not follow.",
                f"Put the {what} itself in its place.",
            )

    def _subfolder(self, here: int, name: str, path: str, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise UsageError(
                f"{self._at(path)} lies deeper than {MAX_DEPTH} folders.", "Give the policy directory alone."
            )
        try:
            below = os.open(name, FOLDER, dir_fd=here)
        except OSError as error:
            raise self._unreadable(path, error) from None
        try:
            self.folder(below, f"{path}/", depth)
        finally:
            os.close(below)

    def _file(self, here: int, name: str, path: str) -> None:
        if len(self.files) >= MAX_FILES:
            raise UsageError(f"{self._name} holds more than {MAX_FILES:,} policy files.", "Give a smaller directory.")
        try:
            data = self._bytes_of(here, name, path)
        except OSError as error:
            raise self._unreadable(path, error) from None
        self._bytes += len(data)
        if self._bytes > MAX_TOTAL_BYTES:
            raise UsageError(
                f"{self._name} holds more than {MAX_TOTAL_BYTES >> 20} MiB of policies.", "Give a smaller directory."
            )
        try:
            path.encode()
        except UnicodeEncodeError:
            raise UsageError(f"The name of {self._at(path)} is not UTF-8.", "Rename it.") from None
        try:
            self.files[path] = data.decode()
        except UnicodeDecodeError as error:
            raise UsageError(
                f"{self._at(path)} is not UTF-8: byte {data[error.start]:#04x} at offset {error.start}.",
                "Save it as UTF-8.",
            ) from None

    def _bytes_of(self, here: int, name: str, path: str) -> bytes:
        file = os.open(name, FILE, dir_fd=here)
        try:
            before = os.fstat(file)
            if not stat.S_ISREG(before.st_mode):
                raise self._changed(path)
            if before.st_size > MAX_FILE_BYTES:
                raise UsageError(
                    f"{self._at(path)} has {before.st_size:,} bytes; at most {MAX_FILE_BYTES >> 20} MiB are read.",
                    "Split it, or move it out of the policy directory.",
                )
            data = os.read(file, before.st_size + 1)
            after = os.fstat(file)
        finally:
            os.close(file)
        if len(data) != after.st_size or (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise self._changed(path)
        return data

    def _unreadable(self, path: str, error: OSError) -> UsageError:
        if error.errno in {errno.ENOENT, errno.ELOOP, errno.ENOTDIR}:
            return self._changed(path)
        return UsageError(f"{self._at(path)} cannot be read: {error.strerror}.", "Check its permissions.")

    def _changed(self, path: str) -> UsageError:
        return UsageError(f"{self._at(path)} changed while it was read.", "Try again when nothing writes to it.")

    def _at(self, path: str) -> str:
        return f"{self._name}/{shown(path)}" if path else self._name
