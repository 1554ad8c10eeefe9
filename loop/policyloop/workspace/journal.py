"""What a write-back is about to do, on the disk before it does any of it, so that a kill at any instant can be undone.

A journal is one file outside of the project, where none of its files can stand in for it: in `writebacks` of
`policyloop.outside`. It is named by the key of the policy directory and by where the write-back is:

    KEY.staged    written, nothing decided: the policy directory is untouched, and the file means nothing
    KEY.forward   committed: every path goes from its old to its new content
    KEY.back      somebody else's change was met: every path of ours goes back to its old content

It holds the old and the new content of each path. A step from one name to the next is one rename.
"""

import errno
import json
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from policyloop import outside
from policyloop.bundle import Bundle
from policyloop.layout import PENDING
from policyloop.workspace.inside import Held, folder, held, split, write_all
from policyloop.workspace.lock import key_of

_FOLDER = "writebacks"
STAGED, FORWARD, BACK = ".staged", ".forward", ".back"


class BadJournal(Exception):
    """A journal that is gone, not ours or not whole; nothing can be done with it."""


@dataclass(frozen=True, slots=True)
class Change:
    """One path's old and new text (None: no file), and mode and owner of the old file."""

    path: str
    old: str | None
    new: str | None
    mode: int = 0
    uid: int = 0
    gid: int = 0

    def like(self) -> Held | None:
        """How the old file was."""
        return None if self.old is None else Held("", self.mode, self.uid, self.gid)


@dataclass(frozen=True, slots=True)
class Journal:
    """A write-back: its changes, the folders it makes, and those that it empties with their modes.

    `device` and `inode` are those of the policy directory, `patch` is where its result is kept when it cannot be done.
    """

    directory: str
    device: int
    inode: int
    time: str
    patch: str
    changes: tuple[Change, ...]
    made: tuple[str, ...]
    emptied: tuple[tuple[str, int], ...]

    @property
    def diff(self) -> str:
        """What the write-back changes."""
        old = Bundle({c.path: c.old for c in self.changes if c.old is not None})
        return old.diff(Bundle({c.path: c.new for c in self.changes if c.new is not None}))

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths it changes, sorted."""
        return tuple(c.path for c in self.changes)


def is_marked(root: int) -> bool:
    """Whether the mark of a write-back stands in the open folder `root`, whatever it is: a file, a link, a folder."""
    try:
        os.stat(PENDING, dir_fd=root, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def plan(root: int, real: Path, start: Bundle, green: Bundle, *, time: str, patch: Path) -> Journal:
    """What leads from `start`, which the open folder `root` holds, to `green`. Raises `OSError`."""
    status = os.fstat(root)
    kept_folders = {above for path in green for above in _above(path)}
    lost = {above for path in start if path not in green for above in _above(path)} - kept_folders
    new = {above for path in green if path not in start for above in _above(path)}
    return Journal(
        directory=str(real),
        device=status.st_dev,
        inode=status.st_ino,
        time=time,
        patch=str(patch),
        changes=tuple(_change(root, path, start, green) for path in start.changed(green)),
        made=tuple(sorted(path for path in new if _folder_mode(root, path) is None)),
        emptied=tuple((path, mode) for path in sorted(lost) if (mode := _folder_mode(root, path)) is not None),
    )


def _change(root: int, path: str, start: Bundle, green: Bundle) -> Change:
    was = held(root, path)
    old, new = start.files.get(path), green.files.get(path)
    return Change(path, old, new, was.mode, was.uid, was.gid) if was else Change(path, old, new)


def _above(path: str) -> Iterator[str]:
    *above, _ = split(path)
    return ("/".join(above[:depth]) for depth in range(1, len(above) + 1))


def _folder_mode(root: int, path: str) -> int | None:
    try:
        with folder(root, split(path)) as here:
            return stat.S_IMODE(os.fstat(here).st_mode)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}:
            return None
        raise


class JournalFile:
    """Where a journal lies: `stem` is its path without the ending that says how far the write-back is."""

    def __init__(self, stem: Path) -> None:
        self.stem = stem

    @classmethod
    def of(cls, real: Path) -> Self:
        """The one place for the journal of the policy directory `real`. It need not exist."""
        return cls(Path(outside.home()) / _FOLDER / key_of(real))

    @classmethod
    def pending(cls, root: int, real: Path) -> Self | None:
        """The journal of a write-back to `real`, open as `root`, that is to be finished.

        A directory that was moved is known by its mark and its inode. Without the mark nothing was written to it, and
        the inode of a folder that is gone may be that of any other one by now.
        """
        own = cls.of(real)
        if own.step():
            return own
        if not is_marked(root):
            return None
        status = os.fstat(root)
        with suppress(OSError):
            for path in sorted(own.stem.parent.iterdir()):
                other = cls(path.with_suffix(""))
                if path.suffix in (FORWARD, BACK) and other.is_about(status):
                    return other
        return None

    def is_about(self, folder: os.stat_result) -> bool:
        """Whether it can be read, and is about the very folder with this status."""
        step = self.step()
        if step is None:
            return False
        try:
            journal = _parse(self._content(self.at(step)))
        except (BadJournal, OSError, ValueError, TypeError, KeyError, RecursionError):
            return False
        return (journal.device, journal.inode) == (folder.st_dev, folder.st_ino)

    def at(self, ending: str) -> Path:
        """The file's name at one of the steps."""
        return self.stem.with_name(self.stem.name + ending)

    def step(self) -> str | None:
        """`FORWARD` or `BACK` when there is something to be done, else None."""
        return next((ending for ending in (FORWARD, BACK) if os.access(self.at(ending), os.F_OK)), None)

    def stage(self, journal: Journal) -> None:
        """Write it to the disk, without any consequence. Raises `OSError` and `outside.NotOurs`."""
        outside.made(_FOLDER)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(self.at(STAGED), flags, 0o600)
        try:
            write_all(file, json.dumps({"version": 1, **asdict(journal)}).encode())
            os.fsync(file)
        finally:
            os.close(file)

    def move(self, before: str, after: str) -> None:
        """Go from one step to the next, for good. Raises `OSError`."""
        self.at(before).rename(self.at(after))
        self._sync()

    def discard(self, *endings: str) -> None:
        """Remove the journal at the given steps, at all of them without any. Raises `OSError`."""
        for ending in endings or (STAGED, FORWARD, BACK):
            with suppress(FileNotFoundError):
                self.at(ending).unlink()
        # Should the removal be lost with the power, there is nothing left to do for a journal that comes back.
        with suppress(OSError):
            self._sync()

    def load(self, root: int, real: Path) -> Journal:
        """The journal of the policy directory `real`, open as `root`. Raises `BadJournal`."""
        step = self.step()
        if step is None:
            raise BadJournal("is gone")
        try:
            journal = _parse(self._content(self.at(step)))
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            raise BadJournal("cannot be read") from None
        status = os.fstat(root)
        if journal.directory != str(real) and (journal.device, journal.inode) != (status.st_dev, status.st_ino):
            raise BadJournal("is that of another directory")
        return journal

    @staticmethod
    def _content(path: Path) -> bytes:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(file, "rb") as reader:  # noqa: PTH123
            status = os.fstat(file)
            above = path.parent.lstat()
            alone = status.st_uid == above.st_uid == os.geteuid() and not (status.st_mode | above.st_mode) & 0o022
            # A second name for the file may lie in a project.
            if not stat.S_ISREG(status.st_mode) or not alone or status.st_nlink != 1:
                raise BadJournal("was not written by policyloop")
            return reader.read()

    def _sync(self) -> None:
        directory = os.open(self.stem.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _parse(content: bytes) -> Journal:
    data: dict[str, Any] = json.loads(content)
    if data.pop("version") != 1:
        raise ValueError("another version")
    data["changes"] = tuple(Change(**change) for change in data["changes"])
    data["made"] = tuple(data["made"])
    data["emptied"] = tuple((str(path), int(mode)) for path, mode in data["emptied"])
    journal = Journal(**data)
    for path in (*journal.paths, *journal.made, *(path for path, _ in journal.emptied)):
        split(path)
    return journal
