"""Where the server listens: an address with its port, or a Unix socket."""

import os
import socket
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from policyloop.errors import Unavailable, UsageError

UNIX = "unix:"
BACKLOG = 1_024


@dataclass(frozen=True, slots=True)
class Listening:
    """A socket that is bound, and how it is written for a person."""

    socket: socket.socket
    address: str
    on_loopback: bool
    path: Path | None = None

    def close(self) -> None:
        """A Unix socket leaves no file behind."""
        self.socket.close()
        if self.path is not None:
            with suppress(OSError):
                self.path.unlink()


def listening(listen: str, *, tls: bool, folder: Path) -> Listening:
    """Raises `UsageError` for what is no address, `Unavailable` where it cannot be had."""
    if listen.startswith(UNIX):
        return _at_path(folder / listen.removeprefix(UNIX))
    host, _, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise UsageError(f"{listen} is no address to listen on.", "Write 127.0.0.1:3594, [::1]:3594 or unix:PATH.")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
        bound = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        raise Unavailable(
            f"{listen} cannot be listened on: {error.strerror}.", "End what listens there, or give another --listen."
        ) from None
    real = bound.getsockname()
    name = f"[{real[0]}]" if family == socket.AF_INET6 else real[0]
    loopback = real[0] == "::1" or real[0].startswith("127.")
    return Listening(bound, f"{'https' if tls else 'http'}://{name}:{real[1]}", loopback)


def _at_path(path: Path) -> Listening:
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with suppress(FileNotFoundError):
            # What a server that was killed has left behind is in nobody's way; anything else is not ours to remove.
            if stat.S_ISSOCK(path.lstat().st_mode) and not _answers(path):
                path.unlink()
        before = os.umask(0o177)
        try:
            bound.bind(str(path))
        finally:
            os.umask(before)
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        raise Unavailable(
            f"unix:{path} cannot be listened on: {error.strerror or error}.", "Give another --listen."
        ) from None
    return Listening(bound, f"unix:{path}", on_loopback=True, path=path)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as tried:
        try:
            tried.connect(str(path))
        except OSError:
            return False
    return True
