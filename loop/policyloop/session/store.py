"""Files named after their own SHA-256: what a session keeps that is large, or must not be redacted.

A hook reads it at an edit of a test, so it imports little.
"""

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policyloop.bundle import Bundle
from policyloop.errors import PersonNeeded, Unavailable


@dataclass(frozen=True, slots=True)
class Store:
    """Files named after their own SHA-256, in the folder of one session."""

    folder: Path

    def keep(self, value: object) -> str:
        """Keep a JSON value and answer its digest. Raises `Unavailable`."""
        data = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
        digest = hashlib.sha256(data).hexdigest()
        path, temp = self.folder / digest, self.folder / f".{digest}.{os.getpid()}"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if path.exists():
                return digest
            file = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with open(file, "wb") as out:  # noqa: PTH123
                out.write(data)
                out.flush()
                os.fsync(file)
            temp.rename(path)
        except OSError as error:
            with suppress(OSError):
                temp.unlink()  # half of a file must not be what fills the disk
            raise Unavailable(f"{path} cannot be written: {error.strerror}.", "Free some space.") from None
        return digest

    def value(self, digest: str) -> Any:
        """What was kept under that digest. Raises `PersonNeeded` when it is gone or not what it was."""
        if len(digest) != 64 or not digest.isalnum():
            raise broken(f"{digest[:80]!r} is no digest")
        try:
            data = (self.folder / digest).read_bytes()
        except OSError:
            raise broken(f"the snapshot {digest[:12]} cannot be read") from None
        if hashlib.sha256(data).hexdigest() != digest:
            raise broken(f"the snapshot {digest[:12]} was edited")
        return json.loads(data)

    def keep_bundle(self, bundle: Bundle) -> str:
        """Keep a bundle."""
        return self.keep(dict(bundle.files))

    def bundle(self, digest: str) -> Bundle:
        """A bundle that was kept."""
        return Bundle(self.value(digest))


def broken(why: str) -> PersonNeeded:
    """The record of a session cannot be relied on."""
    return PersonNeeded(
        f"The record of this session is not whole: {why}. It can never become green.",
        "A person ends it, and starts anew.",
    )
