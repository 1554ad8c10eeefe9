"""Which binary this is: its SHA-256 and the version it says it has."""

import hashlib
import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from policyloop.errors import Unavailable
from policyloop.validators.memo import recall, remember
from policyloop.validators.process import Limits, Processes

_INSTALL = "policyloop doctor --install gets the pinned one."
_VERSION = re.compile(rb"\s*v?(\d+\.\d+\.\d+[\w.+-]*)")
_LIMITS = Limits(seconds=20, output_bytes=65_536)


@dataclass(frozen=True, slots=True)
class Identity:
    """A binary's SHA-256 in hex, and the version that `--version` printed."""

    sha256: str
    version: str


def identify(binary: Path, *, expected: str | None = None) -> Identity:
    """The binary's hash and version. Raises `Unavailable` for what is no Cerbos binary.

    With `expected`, a SHA-256 in hex, nothing with another hash is run, not even to ask for its version.

    Hashing 95 MB and asking take 0.14 s, so what was found is remembered under the file's path, size, times and inode.
    """
    try:
        status = binary.stat()
    except OSError as error:
        raise Unavailable(f"{binary} cannot be read: {error.strerror}.", _INSTALL) from None
    if not binary.is_file() or not os.access(binary, os.X_OK):
        raise Unavailable(f"{binary} is not a program.", _INSTALL)
    subject, state = _place(binary, status)
    known = recall(subject, state)
    if known.keys() >= {"sha256", "version"}:
        _check_hash(binary, known["sha256"], expected)
        return Identity(known["sha256"], known["version"])
    if expected is not None:
        _check_hash(binary, sha256_of(binary), expected)
    processes = Processes()
    with ThreadPoolExecutor(1) as pool:
        version = pool.submit(ask_version, binary, processes)
        try:
            found = Identity(sha256_of(binary), version.result())
        finally:
            # Whoever is interrupted here must not wait for a binary that does not answer.
            processes.close()
    remember(subject, state, {"sha256": found.sha256, "version": found.version})
    return found


def known_sha256(binary: Path) -> str:
    """The binary's hash in hex, from memory where it is the same file. Runs nothing. Raises `Unavailable`."""
    try:
        status = binary.stat()
    except OSError as error:
        raise Unavailable(f"{binary} cannot be read: {error.strerror}.", _INSTALL) from None
    return recall(*_place(binary, status)).get("sha256") or sha256_of(binary)


def _place(binary: Path, status: os.stat_result) -> tuple[str, str]:
    """Under what a binary is remembered, and in which state."""
    state = f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"
    return str(binary.absolute()), state


def _check_hash(binary: Path, sha256: str, expected: str | None) -> None:
    if expected not in (None, sha256):
        raise Unavailable(
            f"{binary} is not the Cerbos that is pinned: its SHA-256 is {sha256}.",
            "policyloop doctor --install puts the right one in its place; POLICYLOOP_CERBOS names another.",
        )


def sha256_of(binary: Path) -> str:
    """SHA-256 in hex. Raises `Unavailable` when the file cannot be read."""
    try:
        with binary.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Unavailable(f"{binary} cannot be read: {error.strerror}.", _INSTALL) from None


def ask_version(binary: Path, processes: Processes) -> str:
    """What `--version` says, such as `0.55.0`. Raises `Unavailable` when it says nothing of the kind."""
    ended = processes.run(
        [str(binary.absolute()), "--version"],
        environment={"CERBOS_NO_TELEMETRY": "1"},
        directory=Path("/"),
        limits=_LIMITS,
    )
    version = version_in(ended.stdout) if ended.exit_code == 0 else None
    if version is None:
        raise Unavailable(f"{binary} does not say which Cerbos it is (exit code {ended.exit_code}).", _INSTALL)
    return version


def version_in(said: bytes) -> str | None:
    """The version at the start of what `cerbos --version` printed, None when it starts otherwise."""
    found = _VERSION.match(said)
    return found[1].decode() if found else None
