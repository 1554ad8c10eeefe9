"""Keeping a result that was not written back, as a patch that a person can look at and apply."""

import errno
import os
import tempfile
from pathlib import Path

from policyloop.next_command import Next, shell
from policyloop.workspace.inside import write_all


def keep(path: Path, diff: str) -> Path:
    """Write `diff` to `path`. Raises `OSError`.

    The paths in it are relative to the policy directory: `patch -p1 -d POLICIES -i PATCH` applies it, and so does
    `git apply --directory=POLICIES PATCH` at the top of a repository. GNU patch can do all but make or remove a file
    that is empty.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.parent.resolve() != path.parent:
        # The place was chosen without links; one that stands there now was put there by somebody else.
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    part = path.with_name(f"{path.name}.part")
    file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        write_all(file, diff.encode())
        os.fsync(file)
        part.rename(path)
    except BaseException:
        part.unlink()
        raise
    finally:
        os.close(file)
    return path


def keep_somewhere(path: Path, diff: str) -> Path | None:
    """As `keep`, in the folder for temporary files when the place cannot be written; None when that cannot either."""
    try:
        return keep(path, diff)
    except OSError:
        try:
            return keep(Path(tempfile.mkdtemp(prefix="policyloop-")) / path.name, diff)
        except OSError:
            return None


def kept_as(patch: Path | None) -> str:
    """The sentence that names the patch."""
    return f"The result is kept as {patch}." if patch else "The result could not be kept as a patch either."


def how_to_apply(policies: Path, patch: Path | None) -> tuple[Next, ...]:
    """What to do with the patch."""
    if patch is None:
        return ()
    return (Next(shell(["patch", "-p1", "-d", str(policies), "-i", str(patch)]), "to take the result as it is"),)
