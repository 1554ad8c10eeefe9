"""Where a PDP listens, and one connection to it that is kept open."""

import http.client
import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PLAIN: Mapping[str, str] = {"Content-Type": "application/json"}
_MOST_ANSWER_BYTES = 64 * 1_048_576
_LONGEST_SOCKET_PATH = 100
_IDLE_SECONDS = 20.0
"""After that long without a call a connection is opened anew: the server hangs up on one that it thinks forgotten."""


@dataclass(frozen=True, slots=True)
class Door:
    """A Unix socket's path, or else a host and a port."""

    socket: Path | None = None
    host: str = "127.0.0.1"
    port: int = 0


class Connection:
    """One kept-open connection. `send` and `receive` are called in turns. Both raise `OSError` or `HTTPException`."""

    def __init__(self, door: Door, timeout_seconds: float) -> None:
        self._http = _Http(door, timeout_seconds)
        self._last = 0.0

    def send(self, path: str, body: bytes, headers: Mapping[str, str] = _PLAIN) -> None:
        """Ask, without waiting for the answer."""
        if time.monotonic() - self._last > _IDLE_SECONDS:
            self.close()
        self._http.request("POST" if body else "GET", path, body or None, {**_PLAIN, **headers})

    def receive(self) -> tuple[int, bytes]:
        """The status and the body of the answer. Raises `OSError` for one that is beyond all measure."""
        answer = self._http.getresponse()
        body = answer.read(_MOST_ANSWER_BYTES)
        self._last = time.monotonic()
        if not answer.isclosed():
            raise OSError("the answer is longer than 64 MiB")
        return answer.status, body

    def close(self) -> None:
        """Hang up."""
        with suppress(OSError):
            self._http.close()


class _Http(http.client.HTTPConnection):
    def __init__(self, door: Door, timeout_seconds: float) -> None:
        super().__init__(door.host, door.port or None, timeout=timeout_seconds)
        self._door = door

    def connect(self) -> None:
        if self._door.socket is None:
            super().connect()
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        _reach(self.sock, self._door.socket)


def _reach(sock: socket.socket, path: Path) -> None:
    """Connect, also where the path is longer than a socket's address may be: by way of its folder's descriptor."""
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        sock.connect(os.fspath(path))
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        sock.connect(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)
