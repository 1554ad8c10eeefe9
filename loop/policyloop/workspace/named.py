"""Writing a file that a person named: a page, a JUnit file, a suite, a spec. One place for all of them.

No link is followed at its end, the name is judged where it really lies, and what stood there stays until the new text
is whole on the disk: a full disk or a kill at any moment leaves the old file, or the new one.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

from policyloop.errors import Unavailable, UsageError
from policyloop.workspace.inside import write_all

NO_PAGES = frozenset((".yaml", ".yml", ".json", ".jsonl", ".head"))
"""What a page is never called: that is how policies, suites, fixtures, schemas and ledgers are called."""


def check_page(path: Path, option: str) -> None:
    """Find out whether a page may be written there, before anything is measured. Raises `UsageError`."""
    real = _judged(path, option)
    if real.suffix.lower() in NO_PAGES:
        raise UsageError(f"{path} is no name for a page.", f"Give {option} a path that does not end in {real.suffix}.")


def write_page(path: Path, text: str, option: str) -> None:
    """Write a page. Raises `UsageError` for a place where none may be, `Unavailable` when it cannot be written."""
    check_page(path, option)
    write_named(path, text, option)


def write_named(path: Path, text: str, option: str, *, new: bool = False) -> None:
    """Write `text` to `path`, all or nothing; with `new`, only where nothing is.

    Raises `UsageError` for a link, or anything else but a file, and `Unavailable` when it cannot be written.
    """
    real = _judged(path, option)
    try:
        folder = os.open(real.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            _put(folder, real.name, text.encode(errors="backslashreplace"), new=new)
            os.fsync(folder)
        finally:
            os.close(folder)
    except FileExistsError:
        raise UsageError(
            f"{path} exists already, and nothing is overwritten.", f"Give {option} another path."
        ) from None
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be written: {error.strerror}.", f"What was there is as it was; give {option} another path."
        ) from None


def _judged(path: Path, option: str) -> Path:
    """Where `path` really lies, links on the way to its folder followed. Raises `UsageError`."""
    another = f"Give {option} another path."
    try:
        folder = path.absolute().parent.resolve(strict=True)
        real = folder / path.name
        mode = real.lstat().st_mode
    except FileNotFoundError:
        if not path.absolute().parent.is_dir():
            raise UsageError(f"There is no folder {path.parent}.", f"Make it, or give {option} another path.") from None
        return folder / path.name
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name leads nowhere"
        raise UsageError(f"{path} cannot be written: {reason}.", another) from None
    if stat.S_ISLNK(mode):
        raise UsageError(f"{path} is a link, and links are not written through.", another)
    if not stat.S_ISREG(mode):
        what = "is a directory" if stat.S_ISDIR(mode) else "is no file"
        raise UsageError(f"{path} {what}.", another)
    return real


def _put(folder: int, name: str, data: bytes, *, new: bool) -> None:
    part = f".{name[:200]}.policyloop-part"
    # What a killed command left. Two writers at once may take each other's away, but each writes only whole files.
    with suppress(FileNotFoundError):
        os.unlink(part, dir_fd=folder)
    file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666, dir_fd=folder)
    mine = os.fstat(file)
    try:
        with suppress(FileNotFoundError):
            os.fchmod(file, stat.S_IMODE(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode))
        write_all(file, data)
        os.fsync(file)
        there = os.stat(part, dir_fd=folder, follow_symlinks=False)
        if (there.st_dev, there.st_ino) != (mine.st_dev, mine.st_ino):
            raise FileExistsError  # noqa: TRY301
        if new:
            os.link(part, name, src_dir_fd=folder, dst_dir_fd=folder)
            os.unlink(part, dir_fd=folder)
        else:
            os.rename(part, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(OSError):
            os.unlink(part, dir_fd=folder)
        raise
    finally:
        os.close(file)
