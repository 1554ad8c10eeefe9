"""Which binary this is: its SHA-256 and the version it says it has, remembered so that a check need not ask again."""

import contextlib
import hashlib
import json
import os
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from policyloop.errors import Unavailable
from policyloop.validators.pinned import cache_directory
from policyloop.validators.process import Limits, Processes

_VERSION = re.compile(rb"\s*v?(\d+\.\d+\.\d+[\w.+-]*)")
_INSTALL = "policyloop doctor --install gets the pinned one."
_LIMITS = Limits(seconds=20, output_bytes=65_536)


@dataclass(frozen=True, slots=True)
class Identity:
    """A binary's SHA-256 in hex, and the version that `--version` printed."""

    sha256: str
    version: str


def identify(binary: Path) -> Identity:
    """The binary's hash and version. Raises `Unavailable` for what is no Cerbos binary.

    Hashing 95 MB and asking take 0.14 s, so what was found is kept in the cache directory, under the file's path,
    size, times and inode.
    """
    try:
        status = binary.stat()
    except OSError as error:
        raise Unavailable(f"{binary} cannot be read: {error.strerror}.", _INSTALL) from None
    if not binary.is_file() or not os.access(binary, os.X_OK):
        raise Unavailable(f"{binary} is not a program.", _INSTALL)
    key = f"{binary.absolute()}|{status.st_size}|{status.st_mtime_ns}|{status.st_ctime_ns}|{status.st_ino}"
    note = _note_of(binary)
    known = _remembered(note, key)
    if known is None:
        with ThreadPoolExecutor(1) as pool:
            version = pool.submit(ask_version, binary)
            known = Identity(sha256_of(binary), version.result())
        _remember(note, key, known)
    return known


def sha256_of(binary: Path) -> str:
    """SHA-256 in hex. Raises `Unavailable` when the file cannot be read."""
    try:
        with binary.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Unavailable(f"{binary} cannot be read: {error.strerror}.", _INSTALL) from None


def ask_version(binary: Path) -> str:
    """What `--version` says, such as `0.55.0`. Raises `Unavailable` when it says nothing of the kind."""
    ended = Processes().run(
        [str(binary.absolute()), "--version"],
        environment={"CERBOS_NO_TELEMETRY": "1"},
        directory=Path("/"),
        limits=_LIMITS,
    )
    found = _VERSION.match(ended.stdout)
    if ended.exit_code != 0 or found is None:
        raise Unavailable(f"{binary} does not say which Cerbos it is (exit code {ended.exit_code}).", _INSTALL)
    return found[1].decode()


def _note_of(binary: Path) -> Path | None:
    try:
        return cache_directory() / f"identity-{hashlib.sha256(os.fsencode(binary.absolute())).hexdigest()[:16]}.json"
    except Unavailable:
        return None


def _remembered(note: Path | None, key: str) -> Identity | None:
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        if note is not None:
            data = json.loads(note.read_text(encoding="utf-8"))
            if data["key"] == key:
                return Identity(str(data["sha256"]), str(data["version"]))
    return None


def _remember(note: Path | None, key: str, identity: Identity) -> None:
    """A cache that cannot be written costs time, nothing else."""
    if note is None:
        return
    with contextlib.suppress(OSError):
        note.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, draft = tempfile.mkstemp(dir=note.parent, prefix=".identity-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({"key": key, **asdict(identity)}, file)
            Path(draft).replace(note)
        except OSError:
            Path(draft).unlink(missing_ok=True)
