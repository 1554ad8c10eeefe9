"""The key that signs a log's checkpoints. It lies outside of every project, for its owner alone.

    ~/.local/state/policyloop/audit/<digest of the store's name>/key     PRIVATE+KEY+…, mode 0600
                                                                 head    the last checkpoint that was signed

Both are of this machine: who has the store's file alone can neither sign nor hide that something was cut off.
"""

import os
import secrets
import socket
import stat
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from policyloop.audit.note import BadNote, Signer, read_signer
from policyloop.audit.store import StoreError
from policyloop.outside import home, made


@dataclass(frozen=True, slots=True)
class Secrets:
    """Where a log's key and its head lie."""

    folder: Path

    @property
    def key(self) -> Path:
        """The private key's file."""
        return self.folder / "key"

    @property
    def head(self) -> Path:
        """The file of the last checkpoint."""
        return self.folder / "head"


def secrets_of(store: str) -> Secrets:
    """Where key and head of this store lie; the folder is made. Raises `NotOurs`."""
    folder = Path(made("audit"), _folder_name(store))
    folder.mkdir(mode=0o700, exist_ok=True)
    return Secrets(folder)


def known_secrets(store: str) -> Secrets | None:
    """The same where this machine has any; nothing is made."""
    folder = Path(home(), "audit", _folder_name(store))
    return Secrets(folder) if folder.is_dir() else None


def _folder_name(store: str) -> str:
    name = store if "://" in store else os.path.realpath(store)
    return sha256(name.encode()).hexdigest()[:16]


def secrets_at(key: Path) -> Secrets:
    """Key and head beside it, where a configuration names the key's file."""
    return Secrets(key.parent) if key.name == "key" else _Named(key.parent, key)


@dataclass(frozen=True, slots=True)
class _Named(Secrets):
    named: Path = Path()

    @property
    def key(self) -> Path:
        return self.named

    @property
    def head(self) -> Path:
        return self.named.with_name(self.named.name + ".head")


def new_origin() -> str:
    """The name of a new log: this host's, and what no other log has."""
    host = "".join(sign for sign in socket.gethostname() if sign.isalnum() or sign in "-.") or "host"
    return f"policyloop/{host}/{secrets.token_hex(8)}"


def signer_for(place: Secrets) -> Signer:
    """The key; a new one with a new origin where there is none. Raises `StoreError`."""
    try:
        return _read(place.key)
    except FileNotFoundError:
        pass
    signer = Signer(new_origin(), secrets.token_bytes(32))
    try:
        descriptor = os.open(place.key, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise StoreError("gone", f"The key {place.key} cannot be made: {error.strerror}.") from None
    with os.fdopen(descriptor, "w") as file:
        file.write(signer.line() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return signer


def known_signer(place: Secrets) -> Signer | None:
    """The key where there is one."""
    try:
        return _read(place.key)
    except FileNotFoundError:
        return None


def kept_head(place: Secrets) -> str | None:
    """The last checkpoint that was signed here, as a note."""
    try:
        return place.head.read_text()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError):
        raise StoreError("gone", f"The last checkpoint {place.head} cannot be read.") from None


def keep_head(place: Secrets, note: str) -> None:
    """Keep it, all or nothing."""
    beside = place.head.with_name(place.head.name + ".new")
    with beside.open("w") as file:
        file.write(note)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(place.head)


def _read(path: Path) -> Signer:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StoreError("gone", f"The key {path} cannot be read: {error.strerror}.") from None
    with os.fdopen(descriptor) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
            raise StoreError(
                "refused",
                f"The key {path} is not for its owner, this user, alone.",
                f"Was it read by others, begin a new log; else chmod 600 {path}.",
            )
        try:
            return read_signer(file.read(4096))
        except (BadNote, UnicodeDecodeError) as error:
            raise StoreError("corrupt", f"The key {path} cannot be used: {error}.") from None
