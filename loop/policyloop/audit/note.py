"""Checkpoints of a log: C2SP tlog-checkpoint in a signed note, with Ed25519.

    policyloop/build-host/5f2a90c1          the log's origin
    1000                                    how many records
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=      the tree's root, base64

    — policyloop/build-host/5f2a90c1 x08go/ZJku…      a signature: base64 of the key's hash (4 bytes) and 64 bytes

Whoever has the key's public half, one line of text, can check one: `Verifier` needs nothing else.
"""

import base64
import binascii
from dataclasses import dataclass
from hashlib import sha256

from policyloop.audit.needed import ed25519

ED25519 = b"\x01"
"""The kind of signature, as signed notes number them."""
_DASH = "— "


class BadNote(Exception):
    """A text that is no checkpoint, or one whose signature does not hold; the text says which."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint says: the log with this origin had so many records, and this root over them."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The lines that are signed."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"


@dataclass(frozen=True, slots=True)
class Signer:
    """The private half of a key. Its name is the origin of the log that it signs for."""

    name: str
    seed: bytes

    def sign(self, checkpoint: Checkpoint) -> str:
        """The signed note."""
        text = checkpoint.text()
        private = ed25519().Ed25519PrivateKey.from_private_bytes(self.seed)
        signature = _key_hash(self.name, self.public()) + private.sign(text.encode())
        return f"{text}\n{_DASH}{self.name} {_base64(signature)}\n"

    def public(self) -> bytes:
        """The 32 bytes of the public half."""
        private = ed25519().Ed25519PrivateKey.from_private_bytes(self.seed)
        public: bytes = private.public_key().public_bytes_raw()
        return public

    def verifier(self) -> "Verifier":
        """The half that checks."""
        return Verifier(self.name, self.public())

    def line(self) -> str:
        """The key as signed notes write a private one."""
        digest = _key_hash(self.name, self.public()).hex()
        return f"PRIVATE+KEY+{self.name}+{digest}+{_base64(ED25519 + self.seed)}"


@dataclass(frozen=True, slots=True)
class Verifier:
    """The public half of a key."""

    name: str
    public: bytes

    def line(self) -> str:
        """The key as signed notes write a public one: name, hash, key."""
        return f"{self.name}+{_key_hash(self.name, self.public).hex()}+{_base64(ED25519 + self.public)}"

    def opened(self, note: str) -> Checkpoint:
        """The checkpoint in a note that this key signed. Raises `BadNote`."""
        text, signatures = _parted(note)
        wanted = _key_hash(self.name, self.public)
        for name, signature in signatures:
            if name != self.name or signature[:4] != wanted:
                continue  # signed by somebody else too, as a witness does
            self._check(text, signature[4:])
            return _checkpoint(text)
        raise BadNote(f"the checkpoint is not signed by the key {self.name}+{wanted.hex()}")

    def _check(self, text: str, signature: bytes) -> None:
        from cryptography.exceptions import InvalidSignature

        try:
            ed25519().Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            raise BadNote(f"the signature of {self.name} on the checkpoint does not hold") from None


def unchecked(note: str) -> Checkpoint:
    """What a note says, whoever signed it. Raises `BadNote`."""
    return _checkpoint(_parted(note)[0])


def read_signer(line: str) -> Signer:
    """The key in a line `PRIVATE+KEY+name+hash+key`. Raises `BadNote`; its text holds nothing of the key."""
    head, name, digest, key = _key_parts(line, "PRIVATE+KEY+", "private key")
    signer = Signer(name, key)
    if head != "PRIVATE+KEY+" or _key_hash(name, signer.public()).hex() != digest:
        raise BadNote("this is no private key of a log: its hash is another key's")
    return signer


def read_verifier(line: str) -> Verifier:
    """The key in a line `name+hash+key`. Raises `BadNote`."""
    _, name, digest, key = _key_parts(line, "", "public key")
    if _key_hash(name, key).hex() != digest:
        raise BadNote("this is no public key of a log: its hash is another key's")
    return Verifier(name, key)


def _key_parts(line: str, head: str, kind: str) -> tuple[str, str, str, bytes]:
    parts = line.strip().removeprefix(head).split("+", 2)
    if len(parts) != 3:
        raise BadNote(f"this is no {kind} of a log, which is one line: {head}name+hash+key")
    name, digest, encoded = parts
    key = _bytes(encoded, kind)
    if key[:1] != ED25519 or len(key) != 33:
        raise BadNote(f"this is no {kind} of the kind Ed25519")
    return head, name, digest, key[1:]


def _parted(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The signed lines, and each signature with its name."""
    text, blank, below = note.rpartition("\n\n")
    if not blank or not below.endswith("\n"):
        raise BadNote("this is no signed note: a blank line and signatures are missing")
    signatures: list[tuple[str, bytes]] = []
    for line in below.removesuffix("\n").split("\n"):
        name, _, encoded = line.removeprefix(_DASH).rpartition(" ")
        if not line.startswith(_DASH) or not name:
            raise BadNote("this is no signed note: below the blank line stands something that is no signature")
        signatures.append((name, _bytes(encoded, "signature")))
    return text + "\n", signatures


def _checkpoint(text: str) -> Checkpoint:
    lines = text.split("\n")
    if len(lines) < 4 or not lines[0] or not lines[1].isascii() or not lines[1].isdigit():
        raise BadNote("this is no checkpoint: it has no origin, size and root")
    if lines[1] != str(int(lines[1])):
        raise BadNote("this is no checkpoint: its size has leading zeros")
    root = _bytes(lines[2], "root")
    if len(root) != 32:
        raise BadNote("this is no checkpoint: its root is no SHA-256")
    return Checkpoint(lines[0], int(lines[1]), root)


def _key_hash(name: str, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str, kind: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadNote(f"this is no {kind} in base64") from None
