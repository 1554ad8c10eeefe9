"""Where a PDP is reached: a Unix socket, a port, or a port behind TLS."""

import asyncio
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from policyloop.errors import UsageError

LONGEST_SOCKET_PATH = 100
"""Bytes of a socket's path that every system takes."""
_FORMS = "Give unix:/path/of/socket, http://127.0.0.1:3592 or https://host:port."


@dataclass(frozen=True, slots=True)
class Address:
    """A Unix socket's path, or else a host and a port, with TLS where there is a context for it."""

    socket: str = ""
    host: str = ""
    port: int = 0
    tls: ssl.SSLContext | None = None

    def __str__(self) -> str:
        if self.socket:
            return f"unix:{self.socket}"
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"

    @property
    def authority(self) -> str:
        """What the Host header says."""
        if self.socket:
            return "localhost"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    async def connect(self, protocol: Callable[[], asyncio.Protocol]) -> asyncio.BaseProtocol:
        """A new connection. Raises `OSError`, of which a failed check of a certificate is one."""
        loop = asyncio.get_running_loop()
        if self.socket:
            _, made = await loop.create_unix_connection(protocol, self.socket)
            return made
        # In TLS the name that was asked for must stand in the certificate: the context checks it.
        _, made = await loop.create_connection(protocol, self.host, self.port, ssl=self.tls)
        return made


def address_of(text: str, ca: Path | None = None) -> Address:
    """The address that `text` names. Raises `UsageError` for one that is none, or a `ca` that cannot be read."""
    if text.startswith("unix:"):
        return _socket(text)
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise UsageError(f"{text!r} is no address of a PDP.", _FORMS) from None
    beyond = parts.path not in ("", "/") or parts.query or parts.fragment or parts.username or parts.password
    if parts.scheme not in ("http", "https") or not host or beyond:
        raise UsageError(f"{text!r} is no address of a PDP.", _FORMS)
    if parts.scheme == "http":
        return Address(host=host, port=port or 80)
    return Address(host=host, port=port or 443, tls=_context(ca))


def _socket(text: str) -> Address:
    path = text.removeprefix("unix:")
    if path.startswith("//"):
        path = path.removeprefix("//")
    if not path.startswith("/") or "\0" in path:
        raise UsageError(f"{text!r} is no address of a PDP: the path of a socket begins with /.", _FORMS)
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        raise UsageError(f"The path of the socket {path} is longer than {LONGEST_SOCKET_PATH} bytes.", _FORMS)
    return Address(socket=path)


def _context(ca: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=os.fspath(ca) if ca else None)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"The CA file {ca} cannot be used: {error}.", "Give a file of certificates in PEM.") from None
