"""What a person agreed to, kept outside of every project: a spec, what a configuration names to be run.

    <outside.home()>/agreed/<kind>/<name>.json     one file for each agreement; the name is a hash of what it binds

An agreement holds for one kind, one folder (its real path) and one digest, and for nothing else: a copy of the project,
a change of a letter, another kind of thing each need their own. What runs as the same user can write here, too; what
keeps an agent from it are the hooks, `harden`, or a sandbox.

Imported where every call counts, so it imports next to nothing.
"""

import json
import os
import stat
from typing import Any, NamedTuple

from policyloop import outside
from policyloop.outside import NotOurs

SPEC = "spec"
CONFIGURATION = "configuration"
PROGRAM = "program"
KINDS = (SPEC, CONFIGURATION, PROGRAM)

VARIABLE = "POLICYLOOP_AGREED"
"""Digests, with commas, that whoever starts a pipeline agrees to. Under an agent it counts nothing."""

MAX_BYTES = 65_536
_FOLDER = "agreed"
_DRAFT = ".draft"
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MADE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC

_CLAUDE = ("CLAUDECODE", "CLAUDE_CODE_CHILD_", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_SESSION_", "CLAUDE_PID")
AGENT_MARKS = ("AI_AGENT", *_CLAUDE, "CODEX", "CURSOR_", "GEMINI_CLI", "OPENCODE", "AIDER_", "CLINE_")
"""How names of variables begin that agents set for the commands they run. Their absence proves nothing.

Of Claude Code's only those that its 2.1.329 adds itself (`env` in its Bash tool): others that begin with CLAUDE_CODE_
are settings, which a person has in their own shell as well.
"""


class Agreed(NamedTuple):
    """One agreement: by whom and when is what was said then, and is only shown."""

    kind: str
    folder: str
    digest: str
    by: str
    at: str


def agent_mark(environ: "os._Environ[str] | dict[str, str] | None" = None) -> str | None:
    """The name of a variable by which this process seems to run under an agent; None when there is none."""
    names = sorted(os.environ if environ is None else environ)
    return next((name for name in names if name.startswith(AGENT_MARKS)), None)


def agreed(kind: str, folder: str, digest: str) -> Agreed | None:
    """What was agreed about exactly this, or None. Raises `NotOurs` when others could have written it."""
    return _agreed(kind, os.path.realpath(folder), digest)


def known(subject: str, digest: str) -> Agreed | None:
    """Whether a program, such as `image NAME`, is known by this digest. Raises `NotOurs`."""
    return _agreed(PROGRAM, subject, digest)


def given() -> tuple[str, ...]:
    """The digests that whoever started a pipeline agrees to; none under an agent."""
    return () if agent_mark() else tuple(part.strip() for part in os.environ.get(VARIABLE, "").split(","))


def _agreed(kind: str, folder: str, digest: str) -> Agreed | None:
    path = os.path.join(outside.home(), _FOLDER, kind, _name(kind, folder, digest))
    try:
        file = os.open(path, _READ)
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            return None
        raise NotOurs(f"{path} cannot be read: {error.strerror}") from None
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
            raise NotOurs(f"{path} is not a file that only this user can write")
        _check_folders(kind)
        data = os.read(file, MAX_BYTES)
    finally:
        os.close(file)
    return _read(data, Agreed(kind, folder, digest, "", ""))


def agree(kind: str, folder: str, digest: str, *, by: str, at: str) -> Agreed:
    """Keep that a person agreed. Whole or not at all. Raises `NotOurs` when it cannot be kept.

    A draft that a kill left behind is overwritten by the next one: there is never more than one.
    """
    return _keep(Agreed(kind, os.path.realpath(folder), digest, by, at))


def know(subject: str, digest: str, *, by: str, at: str) -> Agreed:
    """Keep that a program is known by this digest: at its first use, or since a person agreed. As `agree`."""
    return _keep(Agreed(PROGRAM, subject, digest, by, at))


def _keep(entry: Agreed) -> Agreed:
    import fcntl

    kind = entry.kind
    outside.made(_FOLDER)
    place = outside.made(os.path.join(_FOLDER, kind))
    directory = -1
    try:
        directory = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        fcntl.flock(directory, fcntl.LOCK_EX)
        file = os.open(_DRAFT, _MADE, 0o600, dir_fd=directory)
        try:
            os.write(file, json.dumps(entry._asdict()).encode())
            os.fsync(file)
        finally:
            os.close(file)
        os.rename(_DRAFT, _name(*entry[:3]), src_dir_fd=directory, dst_dir_fd=directory)
        os.fsync(directory)
    except OSError as error:
        raise NotOurs(f"{place} cannot be written: {error.strerror}") from None
    finally:
        if directory >= 0:
            os.close(directory)
    return entry


def _read(data: bytes, asked: Agreed) -> Agreed | None:
    try:
        found: Any = json.loads(data)
        entry = Agreed(**found)
    except (ValueError, TypeError):
        return None
    return entry if entry[:3] == asked[:3] and all(isinstance(part, str) for part in entry) else None


def _check_folders(kind: str) -> None:
    place = outside.home()
    for folder in (place, os.path.join(place, _FOLDER), os.path.join(place, _FOLDER, kind)):
        try:
            status = os.lstat(folder)
        except OSError as error:
            raise NotOurs(f"{folder} cannot be read: {error.strerror}") from None
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
            raise NotOurs(f"{folder} is not a folder that only its owner, this user, can write")


def _name(kind: str, folder: str, digest: str) -> str:
    import hashlib

    text = json.dumps([kind, folder, digest])
    return f"{hashlib.sha256(text.encode()).hexdigest()}.json"


def user() -> str:
    """Who runs this, as the system knows them; `unknown` where it does not."""
    import getpass  # every hook loads this file, and none asks

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
