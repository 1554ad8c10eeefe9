"""Reading the policy directory: once, completely, and nothing but what the compiler would read."""

import errno
import os
import stat
from pathlib import Path

from policyloop.bundle import MAX_DEPTH, Bundle
from policyloop.errors import PersonNeeded, UsageError
from policyloop.layout import NEVER, kind
from policyloop.next_command import Next, policyloop
from policyloop.workspace.gather import MAX_FILE_BYTES, Gathered
from policyloop.workspace.inside import FILE, FOLDER, is_archive, open_directory, shown
from policyloop.workspace.journal import JournalFile, is_marked

__all__ = ["MAX_FILE_BYTES", "read_bundle", "read_tree"]

MOUNTED = "..data"
"""The link by which Kubernetes puts all files of a ConfigMap in place at once."""


def read_bundle(directory: Path) -> Bundle:
    """The policy directory as it is. An empty one gives an empty bundle; links are never followed.

    Raises `UsageError` for what cannot be read or would not be read by the compiler as it stands: no directory, a link
    or device in place of a policy file, a linked folder, text or a name that is not UTF-8, a file over 8 MiB, over
    20,000 files or 128 MiB in all, a file that changes meanwhile, a file with a name of policyloop's own. Raises
    `PersonNeeded` where a write-back goes on or was interrupted: nothing is finished here, since looking never writes.
    An archive that Cerbos reads is read too, and so is a mounted ConfigMap or Secret of Kubernetes.
    """
    if is_archive(directory):
        # Here, since hardly anybody packs policies, and the readers of archives take long to load.
        from policyloop.workspace.archive import read_archive

        return read_archive(directory)
    root, real = open_directory(directory)
    try:
        # Before and after: a write-back may begin, or be killed, while we read.
        _check_settled(root, real)
        bundle = read_tree(root, str(directory), mounted=True)
        _check_settled(root, real)
        return bundle
    finally:
        os.close(root)


def _check_settled(root: int, real: Path) -> None:
    if is_marked(root) or JournalFile.pending(root, real) is not None:
        raise PersonNeeded(
            f"A write-back to {shown(str(real))} goes on, or was interrupted; nothing was looked at.",
            "Wait for it, or finish it.",
            [Next(policyloop("recover", named=real), "to finish it")],
        )


def read_tree(root: int, name: str, *, mounted: bool = False) -> Bundle:
    """As `read_bundle`, from the open folder `root`, which messages call `name`.

    What is `mounted` by Kubernetes cannot be written, and is read only where it is asked for.
    """
    reader = _Reader(Gathered(shown(name)))
    if mounted:
        reader.mounted(root)
    reader.folder(root, "", 0)
    return Bundle(reader.seen.files)


class _Reader:
    def __init__(self, seen: Gathered) -> None:
        self.seen = seen
        self._snapshot = ""

    def mounted(self, root: int) -> None:
        """Read a ConfigMap as it is mounted, if this is one; Cerbos does so, and no other link is followed.

            ..data -> ..2026_11_28_06_00_00.123    one name for the folder that holds the files now
            doc.yaml -> ..data/doc.yaml

        All files come from that one folder, also when Kubernetes puts another in its place meanwhile. Its suites, which
        Cerbos sees there a second time, are no others.
        """
        try:
            snapshot = os.readlink(MOUNTED, dir_fd=root)
            # Kubernetes names its folders so. Anything else is a link that somebody made to lead us elsewhere.
            if "/" in snapshot or not snapshot.startswith("..") or snapshot in ("..", MOUNTED):
                return
            files = os.open(snapshot, FOLDER, dir_fd=root)
        except OSError:
            return
        try:
            for name in sorted(os.listdir(root)):
                if kind(name) is not None and _leads_to(root, name) == f"{MOUNTED}/{name}":
                    self.seen.check_name(name)
                    self._file(files, name, name)
            self._snapshot = snapshot
        finally:
            os.close(files)

    def folder(self, here: int, prefix: str, depth: int) -> None:
        try:
            with os.scandir(here) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            raise self._unreadable(prefix.rstrip("/"), error) from None
        self.seen.count(len(listed))
        for entry in listed:
            path = prefix + entry.name
            self.seen.check_name(path)
            if entry.name not in NEVER and not self._is_mount(here, path):
                self._entry(here, entry, path, depth)

    def _is_mount(self, here: int, path: str) -> bool:
        """Whether it is a part of a mounted ConfigMap, which is read already."""
        if not self._snapshot or "/" in path:
            return False
        if path in (MOUNTED, self._snapshot):
            return True
        return path in self.seen.files and _leads_to(here, path) == f"{MOUNTED}/{path}"

    def _entry(self, here: int, entry: os.DirEntry[str], path: str, depth: int) -> None:
        if entry.is_symlink():
            self._link(here, entry, path)
        elif entry.is_dir(follow_symlinks=False):
            self._subfolder(here, entry.name, path, depth + 1)
        elif kind(path) is not None:
            if not entry.is_file(follow_symlinks=False):
                raise UsageError(f"{self.seen.at(path)} is a device, a fifo or a socket, not a file.", "Remove it.")
            self._file(here, entry.name, path)

    def _link(self, here: int, entry: os.DirEntry[str], path: str) -> None:
        try:
            to_folder = stat.S_ISDIR(os.stat(entry.name, dir_fd=here).st_mode)
        except OSError:
            to_folder = False
        if path == MOUNTED:
            raise UsageError(
                f"{self.seen.name} is mounted by Kubernetes (a ConfigMap or a Secret), so nothing is written to it.",
                "Copy the files to a folder of their own: cp -L.",
            )
        if to_folder or kind(path) is not None:
            what = "folder" if to_folder else "file"
            raise UsageError(
                f"{self.seen.at(path)} is a symbolic link, which policyloop does not follow.",
                f"Put the {what} itself in its place.",
            )

    def _subfolder(self, here: int, name: str, path: str, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise UsageError(
                f"{self.seen.at(path)} lies deeper than {MAX_DEPTH} folders.", "Give the policy directory alone."
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
        try:
            data = self._bytes_of(here, name, path)
        except OSError as error:
            raise self._unreadable(path, error) from None
        self.seen.take(path, data)

    def _bytes_of(self, here: int, name: str, path: str) -> bytes:
        file = os.open(name, FILE, dir_fd=here)
        try:
            before = os.fstat(file)
            # It was a file when the folder was listed. A fifo put in its place would keep us waiting for ever.
            if not stat.S_ISREG(before.st_mode):
                raise self._changed(path)
            self.seen.check_room(path, before.st_size)
            # One byte more than there was: a file that grew meanwhile is not read by half.
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
        return UsageError(f"{self.seen.at(path)} cannot be read: {error.strerror}.", "Check its permissions.")

    def _changed(self, path: str) -> UsageError:
        return UsageError(f"{self.seen.at(path)} changed while it was read.", "Try again when nothing writes to it.")


def _leads_to(here: int, name: str) -> str | None:
    """What a link says, None for what is no link."""
    try:
        return os.readlink(name, dir_fd=here)
    except OSError:
        return None
