"""One run at a time over one policy directory.

Two locks, both the kernel's, so that they vanish with the process however it ends: one on a file in the state
directory, keyed by the directory's real path, which also tells who holds it; and one on the policy directory itself,
so that two runs with different state directories keep out of each other's way too.
"""

import fcntl
import hashlib
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from policyloop.errors import Unavailable
from policyloop.workspace.inside import shown


def key_of(real: Path) -> str:
    """What the files that belong to one policy directory are called in the state directory."""
    return hashlib.sha256(os.fsencode(real)).hexdigest()[:16]


def lock_state(state: Path, real: Path) -> int:
    """Take the lock file in the state directory; it is held until the returned descriptor is closed.

    Raises `Unavailable` naming who holds it, or when it cannot be made.
    """
    path = state / "locks" / f"{key_of(real)}.lock"
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(f"{path} cannot be made: {error.strerror}.", "Give another folder with --state.") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        words = f"process {os.getpid()}, since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
        # Only the holder writes who holds it; the words of the last one would name a process that is gone.
        os.ftruncate(file, 0)
        os.pwrite(file, words.encode(), 0)
    except BlockingIOError:
        who = os.pread(file, 200, 0).decode(errors="replace")
        os.close(file)
        raise _busy(real, who) from None
    except OSError as error:
        os.close(file)
        raise Unavailable(f"{path} cannot be locked: {error.strerror}.", "Give another folder with --state.") from None
    return file


def lock_directory(root: int, real: Path) -> None:
    """Take the lock of the open policy directory `root`, until it is closed. Raises `Unavailable` when it is taken."""
    try:
        fcntl.flock(root, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise _busy(real, _holder(root)) from None
    except OSError:
        # A file system without locks on folders: the lock in the state directory still holds.
        return


def _busy(real: Path, who: str) -> Unavailable:
    by = f" ({who})" if who else ""
    return Unavailable(
        f"{shown(str(real))} is in use by another policyloop{by}.", "Wait until it has ended, or end that process."
    )


def _holder(root: int) -> str:
    """Who holds the lock of an open folder, as Linux tells it; "" where it does not."""
    status = os.fstat(root)
    wanted = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    with suppress(OSError):
        for line in Path("/proc/locks").read_text("ascii").splitlines():
            words = line.split()
            if words[1:2] == ["FLOCK"] and words[5:6] == [wanted]:
                since = datetime.fromtimestamp(Path(f"/proc/{words[4]}").stat().st_mtime, UTC)
                return f"process {words[4]}, since {since:%Y-%m-%d %H:%M:%S} UTC"
    return ""
