"""Where sessions are kept, and the small entry by which a hook finds the one that it guards.

All of it lies outside the project, in `$XDG_STATE_HOME/policyloop` (`~/.local/state/policyloop`), which nobody but its
owner may enter: while a session is open, the hooks let no edit and no command of the agent get there. What runs as
the same user in another way can still change it; nothing here is signed.

    sessions/<directory>.<Claude Code session>.json  the entry: one a policy directory, replaced as a whole
    runs/<run id>/   the ledger and the snapshots of one session, one byte for each time that a stop was blocked, and
                     `rest`: its last turn ended green, with nothing that could speak in a person's place

Imported at every edit, so it imports next to nothing.
"""

import json
import os
from typing import NamedTuple

from policyloop import outside

home = outside.home

OPEN = "open"
STOPPED = "stopped"
GREEN = "green"
ACCEPTED = "accepted"
ENDED = "ended"
GUARDED = (OPEN, STOPPED, GREEN)
"""The phases in which the hooks hold an agent. A stopped session must be ended, or started anew, by a person; a green
one holds until a person has taken over (`accepted`), so that nothing is weakened between the two."""

MAX_ENTRY_BYTES = 1_048_576
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
_NOBODY = "-"


class HomeError(Exception):
    """The place of the sessions cannot be used, or an entry cannot be read; the text says which and why."""


class Entry(NamedTuple):
    """A session as a hook needs to know it. `claude` is a Claude Code session id, None for another agent's session."""

    run: str
    phase: str
    policies: str
    """The real path of the policy directory."""
    spec: str | None
    """The real path of the spec."""
    claude: str | None
    head: str
    """The hash of the last record of the ledger when the entry was written."""
    lock: str
    """The digest of what the lock is made of, which is kept with the session."""
    next: str
    """`FIX`, `REFUSED`, `GREEN` or `STOP`."""
    answer: str
    """What the last step said, as the agent reads it."""
    most_blocks: int
    """How often a stop may be blocked in all."""
    blocks_in_a_row: int
    """How often it may be blocked without a step in between."""
    blocks_before: int
    """How often it had been blocked when the last step was made."""


def made_home() -> str:
    """As `home`, and made for its owner alone. Raises `HomeError` when it cannot be, or is not, the owner's own."""
    try:
        return os.path.dirname(outside.made("sessions"))
    except outside.NotOurs as error:
        raise HomeError(str(error)) from None


def guarding(claude: str) -> Entry | None:
    """The session that holds this Claude Code session now, or None. Raises `HomeError` when its entry is no entry."""
    return max(held(claude), key=lambda entry: entry.run, default=None)


def held(claude: str) -> list[Entry]:
    """Every session that holds this Claude Code session now. Raises `HomeError`."""
    return [entry for entry in _entries(suffix=f".{_name(claude)}.json") if entry.phase in GUARDED]


def accept(entry: Entry) -> None:
    """A person has taken over: the hooks let go. Raises `HomeError`."""
    import hashlib

    # As `key_of` names it, which is too slow to import here.
    put(hashlib.sha256(os.fsencode(entry.policies)).hexdigest()[:16], entry._replace(phase=ACCEPTED))


def of_directory(key: str) -> Entry | None:
    """The latest session over the policy directory of that key. Raises `HomeError`."""
    return max(_entries(prefix=f"{key}."), key=lambda entry: entry.run, default=None)


def all_entries() -> list[Entry]:
    """Every entry. Raises `HomeError`."""
    return _entries()


def put(key: str, entry: Entry) -> None:
    """Write the entry of a directory, whole or not at all, in the place of any before it. Raises `HomeError`."""
    folder = os.path.join(made_home(), "sessions")
    sweep(folder)
    name = f"{key}.{_name(entry.claude)}.json"
    temp = os.path.join(folder, f".{name}.{os.getpid()}.tmp")
    try:
        file = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(file, "w", encoding="utf-8") as out:
            json.dump(entry._asdict(), out)
            out.flush()
            os.fsync(file)
        os.rename(temp, os.path.join(folder, name))
        for other in os.listdir(folder):
            if other.startswith(f"{key}.") and other.endswith(".json") and other != name:
                os.unlink(os.path.join(folder, other))
        directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise HomeError(f"{folder} cannot be written: {error.strerror}") from None


def sweep(folder: str) -> None:
    """Remove what writers left there that were killed: hidden files that end in their process's number, or `.tmp`.

    What a living process of that number may be writing stays, and so does what cannot be removed.
    """
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        number = name.removesuffix(".tmp").rpartition(".")[2]
        if name.startswith(".") and number.isascii() and number.isdigit() and not _lives(int(number)):
            try:
                os.unlink(os.path.join(folder, name))
            except OSError:
                continue


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def blocks(entry: Entry) -> int:
    """How often a stop was blocked in this session so far."""
    try:
        return os.stat(_blocks_file(entry)).st_size
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise HomeError(f"{_blocks_file(entry)} cannot be read: {error.strerror}") from None


def count_block(entry: Entry) -> None:
    """A stop is blocked once more. Raises `HomeError` when that cannot be kept."""
    try:
        file = os.open(
            _blocks_file(entry), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
        try:
            os.write(file, b".")
        finally:
            os.close(file)
    except OSError as error:
        raise HomeError(f"{_blocks_file(entry)} cannot be written: {error.strerror}") from None


def rest(entry: Entry) -> None:
    """The turn ended green, and only a person can begin the next one. Raises `HomeError` when that cannot be kept."""
    path = _rest_file(entry)
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise HomeError(f"{path} cannot be written: {error.strerror}") from None


def unrest(entry: Entry) -> None:
    """Take `rest` back. Raises `HomeError`."""
    path = _rest_file(entry)
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise HomeError(f"{path} cannot be removed: {error.strerror}") from None


def rested(entry: Entry) -> bool:
    """Whether `rest` was the last thing said about the session's turns."""
    return os.path.isfile(_rest_file(entry))


def kept(entry: Entry) -> str:
    """The folder of what a session keeps."""
    return os.path.join(home(), "runs", entry.run, "kept")


def _blocks_file(entry: Entry) -> str:
    return os.path.join(home(), "runs", entry.run, "blocks")


def _rest_file(entry: Entry) -> str:
    return os.path.join(home(), "runs", entry.run, "rest")


def _name(claude: str | None) -> str:
    """A session id as a part of a file's name, different ids by different names."""
    if claude is None:
        return _NOBODY
    if 8 <= len(claude) <= 64 and _PLAIN.issuperset(claude) and not claude.startswith("x"):
        return claude
    import hashlib

    return "x" + hashlib.sha256(claude.encode(errors="surrogatepass")).hexdigest()


def _entries(*, prefix: str = "", suffix: str = ".json") -> list[Entry]:
    folder = os.path.join(home(), "sessions")
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise HomeError(f"{folder} cannot be read: {error.strerror}") from None
    wanted = [name for name in names if name.startswith(prefix) and name.endswith(suffix) and name[0] != "."]
    found = (_read(os.path.join(folder, name)) for name in wanted)
    return [entry for entry in found if entry is not None]


def _read(path: str) -> Entry | None:
    try:
        with open(path, encoding="utf-8") as file:
            data = json.loads(file.read(MAX_ENTRY_BYTES))
        entry = Entry(**data)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise HomeError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, TypeError):
        raise HomeError(f"{path} is not what policyloop wrote there") from None
    if not _sound(entry):
        raise HomeError(f"{path} is not what policyloop wrote there")
    return entry


def _sound(entry: Entry) -> bool:
    texts = (entry.run, entry.phase, entry.policies, entry.head, entry.lock, entry.next, entry.answer)
    optional = (entry.spec, entry.claude)
    counts = (entry.most_blocks, entry.blocks_in_a_row, entry.blocks_before)
    return (
        all(isinstance(one, str) for one in texts)
        and all(one is None or isinstance(one, str) for one in optional)
        and all(type(one) is int for one in counts)
        and entry.phase in {OPEN, STOPPED, GREEN, ACCEPTED, ENDED}
        and _PLAIN.issuperset(entry.run)
        and bool(entry.run)
    )
