"""Reading and writing below one folder without ever following a link, also when somebody swaps a folder for one.

Every path is walked from an open folder, one name at a time, with `O_NOFOLLOW`. Paths are relative, separated by `/`.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from policyloop.errors import UsageError

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")
"""The endings of files that Cerbos's disk store takes for a packed policy directory."""

_IN_THE_WAY = {errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENOTEMPTY, errno.EEXIST}


class InTheWay(Exception):
    """Something stands at a path that is not what was there before; it is left alone."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(path)


@dataclass(frozen=True, slots=True)
class Held:
    """What a path holds: the SHA-256 of a file, or "" for a link, device, fifo or socket; its mode bits and owner."""

    digest: str
    mode: int
    uid: int
    gid: int


def shown(path: str) -> str:
    """A path as one printable line."""
    return path if path.isprintable() and path else repr(path)


def digest_of(text: str | None) -> str | None:
    """The digest that a file with this text has."""
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()


def open_directory(directory: Path) -> tuple[int, Path]:
    """The policy directory opened, and its real path; it may itself be reached through links. Raises `UsageError`."""
    name = shown(str(directory))
    try:
        real = directory.resolve(strict=True)
        return os.open(real, FOLDER), real
    except FileNotFoundError:
        raise UsageError(
            f"The policy directory {name} does not exist.", "Give a directory that holds policies."
        ) from None
    except NotADirectoryError:
        if directory.name.endswith(ARCHIVES):
            raise UsageError(
                f"{name} is an archive: it can be looked at, and nothing is written to it.",
                "Unpack it, and give that folder.",
            ) from None
        raise UsageError(f"{name} is not a directory.", "Give the directory that holds the policies.") from None
    except (OSError, RuntimeError) as error:
        why = error.strerror if isinstance(error, OSError) else "its links lead in a circle"
        raise UsageError(f"The policy directory {name} cannot be opened: {why}.", "Check its permissions.") from None


def split(path: str) -> list[str]:
    """The names on the way to `path`. Raises `ValueError` for a path that could lead out of the folder."""
    parts = path.split("/")
    if any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise ValueError(f"{path!r} is no path inside a folder")
    return parts


@contextmanager
def folder(root: int, parts: Sequence[str]) -> Iterator[int]:
    """The folder that `parts` lead to. Raises `OSError`, also for a link on the way."""
    # A copy, so that the loop can close what it came from without closing the caller's folder.
    here = os.dup(root)
    try:
        for part in parts:
            # One name at a time: `O_NOFOLLOW` looks at the last name of a path only, and any folder may be swapped for
            # a link.
            below = os.open(part, FOLDER, dir_fd=here)
            os.close(here)
            here = below
        yield here
    finally:
        os.close(here)


def held(root: int, path: str) -> Held | None:
    """What stands at `path`; None for nothing, a folder, or a way there that is none.

    Whatever is put where a folder stands fails later, with `InTheWay`.
    """
    *above, name = split(path)
    try:
        with folder(root, above) as parent:
            status = os.stat(name, dir_fd=parent, follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                return None
            digest = _digest(parent, name) if stat.S_ISREG(status.st_mode) else ""
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}:
            return None
        raise
    return Held(digest, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)


def _digest(parent: int, name: str) -> str:
    file = os.open(name, FILE, dir_fd=parent)
    whole = hashlib.sha256()
    try:
        while block := os.read(file, 1 << 20):
            whole.update(block)
    finally:
        os.close(file)
    return whole.hexdigest()


def nearest_folder(root: int, path: str) -> list[str]:
    """The names of the folders above `path`, as far as they are there. Raises `OSError`."""
    above = split(path)[:-1]
    for depth in range(len(above), 0, -1):
        try:
            with folder(root, above[:depth]):
                return above[:depth]
        except OSError as error:
            if error.errno not in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}:
                raise
    return []


def prepare(root: int, parts: Sequence[str], temp: str, data: bytes, like: Held | None) -> None:
    """Put `data` on the disk as the file `temp` in the folder `parts`, in place of an older one.

    It gets the mode and the owner of `like`, else 0644 less the umask. Raises `InTheWay` and `OSError`.
    """
    with in_the_way(temp), folder(root, parts) as here:
        with suppress(FileNotFoundError):
            os.unlink(temp, dir_fd=here)
        _write_new(here, temp, data, like)


def place(root: int, path: str, parts: Sequence[str], temp: str, over: str | None) -> None:
    """Rename the file `temp` in the folder `parts` to `path`.

    Raises `InTheWay` unless what stands at `path` has the digest `over` (None: nothing does), and `OSError`.
    """
    *above, name = split(path)
    with in_the_way(path), folder(root, parts) as source, folder(root, above) as target:
        # As late as can be. Between this look and the rename a change of somebody else can still be lost, and no call
        # of the system closes that gap.
        _check(root, path, target, over)
        os.rename(temp, name, src_dir_fd=source, dst_dir_fd=target)


def remove(root: int, path: str, digest: str | None) -> None:
    """Remove the file at `path`. Raises `InTheWay` unless it has this digest, and `OSError`."""
    *above, name = split(path)
    with in_the_way(path), folder(root, above) as parent:
        _check(root, path, parent, digest)
        os.unlink(name, dir_fd=parent)


def _check(root: int, path: str, parent: int, digest: str | None) -> None:
    """The open folder `parent` still is where the path leads, and the file in it is the one that is meant."""
    with folder(root, split(path)[:-1]) as again:
        # The folder was opened a moment ago; in its place another may stand by now, or a link.
        moved = not os.path.samestat(os.fstat(parent), os.fstat(again))
    now = held(root, path)
    if moved or (now.digest if now else None) != digest:
        raise InTheWay(path)


def make_folders(root: int, path: str, modes: Mapping[str, int]) -> None:
    """Make the folders that are missing on the way to the file `path`; `modes` has those that are not 0777 & ~umask."""
    *above, _ = split(path)
    for depth in range(1, len(above) + 1):
        here = "/".join(above[:depth])
        with in_the_way(path), folder(root, above[: depth - 1]) as parent:
            try:
                os.mkdir(above[depth - 1], dir_fd=parent)
            except FileExistsError:
                continue
            if here in modes:
                with folder(parent, above[depth - 1 : depth]) as made:
                    os.fchmod(made, modes[here])


def remove_folder(root: int, path: str) -> None:
    """Remove a folder if it is there and empty."""
    *above, name = split(path)
    try:
        with folder(root, above) as parent:
            os.rmdir(name, dir_fd=parent)
    except OSError as error:
        if error.errno not in {*_IN_THE_WAY, errno.ENOENT}:
            raise


def sync_folder(root: int, parts: Sequence[str]) -> None:
    """Wait until the entries of a folder are on the disk; a folder that is not there needs no waiting."""
    try:
        with folder(root, parts) as here:
            os.fsync(here)
    except OSError as error:
        if error.errno not in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}:
            raise


@contextmanager
def in_the_way(path: str) -> Iterator[None]:
    """Turns the errors that mean "something else stands there now" into `InTheWay`."""
    try:
        yield
    except OSError as error:
        if error.errno in _IN_THE_WAY or error.errno == errno.ENOENT:
            raise InTheWay(path) from None
        raise


def _write_new(parent: int, name: str, data: bytes, like: Held | None) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(name, flags, 0o644, dir_fd=parent)
    try:
        write_all(file, data)
        if like:
            status = os.fstat(file)
            if (status.st_uid, status.st_gid) != (like.uid, like.gid):
                # Only root may give files away. Then it is ours, with the same mode, and its owner can still read it.
                with suppress(PermissionError):
                    os.fchown(file, like.uid, like.gid)
            # After the owner: a change of owner takes set-user and set-group bits away.
            os.fchmod(file, like.mode)
        # Before the rename. Else a crash may leave the new name on the disk and no bytes behind it.
        os.fsync(file)
    except BaseException:
        # A disk that is full keeps no half of it.
        with suppress(OSError):
            os.unlink(name, dir_fd=parent)
        raise
    finally:
        os.close(file)


def write_all(file: int, data: bytes) -> None:
    """Write every byte; a disk that fills up raises `OSError`."""
    while data:
        data = data[os.write(file, data) :]


def is_archive(path: Path) -> bool:
    """Whether it is a file that Cerbos takes for an archive of policies."""
    return path.name.endswith(ARCHIVES) and path.is_file()
