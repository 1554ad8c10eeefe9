"""Laying a bundle out in a private directory that is gone afterwards."""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from policyloop.bundle import Bundle
from policyloop.errors import Unavailable, UsageError
from policyloop.layout import NEVER

_PREFIX = "policyloop-stage-"
_SETTLED_SECONDS = 60.0


def staged_paths(bundle: Bundle) -> tuple[str, ...]:
    """The paths to lay out: all but those in folders that are nobody's policies (Cerbos would look into them).

    Raises `UsageError` for a path that would leave the directory. The workspace never makes one.
    """
    for path in bundle:
        if any(part in ("", ".", "..") for part in path.split("/")) or "\0" in path:
            raise UsageError(f"{path!r} is not a path inside the policy directory.")
    # Also on the native side, where they could be left lying: both runners must judge the same files.
    return tuple(path for path in bundle if not any(f"/{name}/" in f"/{path}" for name in NEVER))


@contextlib.contextmanager
def private_directory(within: Path | None = None, prefix: str = _PREFIX) -> Iterator[Path]:
    """An empty directory that only we can enter (0700), held locked, removed in the end.

    It lies in the folder for temporary files, or `within` another one. What commands that were killed in the act left
    there is removed first. Raises `Unavailable` when the disk says no.
    """
    above = within or Path(tempfile.gettempdir())
    _sweep(above, prefix)
    try:
        directory = Path(tempfile.mkdtemp(prefix=prefix, dir=above))
    except OSError as error:
        raise _no_room(above, error) from None
    lock = None
    try:
        lock = os.open(directory, os.O_RDONLY)
        # The lock is the sign of life. The kernel takes it away with the process, so a killed one leaves none.
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def lay_out(bundle: Bundle, directory: Path) -> None:
    """Write `bundle` below `directory`, which must not exist yet. Raises `Unavailable` when the disk says no."""
    root = os.fspath(directory)
    made = {""}
    try:
        directory.mkdir(mode=0o700)
        for path in staged_paths(bundle):
            folder = path.rpartition("/")[0]
            if folder not in made:
                Path(root, folder).mkdir(mode=0o700, parents=True, exist_ok=True)
                made.add(folder)
            # `O_EXCL`: two paths of a bundle that the disk takes for one must not overwrite each other in silence.
            handle = os.open(f"{root}/{path}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                _write_all(handle, bundle[path].encode())
            finally:
                os.close(handle)
    except OSError as error:
        raise _no_room(directory.parent, error) from None


def _write_all(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]


def _no_room(directory: Path, error: OSError) -> Unavailable:
    reason = error.strerror or str(error)
    return Unavailable(f"The policies cannot be laid out in {directory}: {reason}.", "Make room there, or set TMPDIR.")


def _sweep(above: Path, prefix: str) -> None:
    """Remove the directories of commands that were killed: nobody holds their lock any more."""
    with contextlib.suppress(OSError), os.scandir(above) as entries:
        for entry in entries:
            if entry.name.startswith(prefix) and entry.is_dir(follow_symlinks=False):
                _remove_if_dead(Path(entry.path))


def _remove_if_dead(directory: Path) -> None:
    with contextlib.suppress(OSError):
        info = directory.lstat()
        if info.st_uid != os.getuid() or time.time() - info.st_mtime < _SETTLED_SECONDS:
            return  # a stranger's, or one so new that its owner may not have locked it yet
        handle = os.open(directory, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(directory, ignore_errors=True)
        finally:
            os.close(handle)
