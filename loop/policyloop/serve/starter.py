"""`policyloop serve --init`: the starter bundle with its spec and a configuration, in a new folder, all or nothing."""

import os
import shutil
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import mkdtemp

from policyloop.errors import Unavailable, UsageError

WRITTEN = ("policyloop.yaml", "cerbos.yaml", "README.md", "policyloop.spec.yaml", "policies")
"""What lies in the new folder; `policies` is a directory."""
NEXT = (
    "policyloop agree",
    "policyloop serve",
)
"""The commands that follow in that folder: it observes until its configuration says `mode: enforce`."""


def init(folder: Path) -> tuple[str, ...]:
    """Write all of `WRITTEN` into `folder`, which is made, or is empty.

    Raises `UsageError` where something is there, and `Unavailable` where it cannot be written; then nothing is.
    """
    target = folder.absolute()
    _must_be_free(folder)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(mkdtemp(prefix=".policyloop-init-", dir=target.parent))
    except OSError as error:
        raise _unwritable(folder, error) from None
    try:
        with as_file(files("policyloop.starter")) as source:
            for name in WRITTEN:
                _copy(source / name, staged / name)
        staged.chmod(0o755)
        # A rename takes an empty folder's place and no other's: what was put there meanwhile stays.
        staged.rename(target)
    except OSError as error:
        _must_be_free(folder)
        raise _unwritable(folder, error) from None
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return WRITTEN


def _must_be_free(folder: Path) -> None:
    if folder.is_symlink() or (os.path.lexists(folder) and not folder.is_dir()):
        raise UsageError(f"{folder} is there already, so nothing was written.", "Give a new folder: --init DIR")
    try:
        held = sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        raise _unwritable(folder, error) from None
    if held:
        raise UsageError(
            f"{folder} is not empty ({held[0].name} is there), so nothing was written.", "Give a new folder: --init DIR"
        )


def _copy(source: Path, target: Path) -> None:
    """A file or a directory, down to the disk."""
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "__init__.py"))
        return
    with target.open("xb") as out:
        out.write(source.read_bytes())
        out.flush()
        os.fsync(out.fileno())


def _unwritable(folder: Path, error: OSError) -> Unavailable:
    return Unavailable(f"{folder} cannot be written: {error.strerror}.", "Make room, or the folder above it yours.")
