"""HTTP with bounds that uvicorn has none for, and with what the application must know of a connection."""

import asyncio
import socket
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from policyloop.serve.who import CERTIFICATE, UNIX, certificate_fields

MOST_HEAD = 64 * 1024
"""Bytes of a request's line and headers."""
HEAD_SECONDS = 15.0
"""Seconds for them to come whole."""
MOST_CONNECTIONS = 4_000


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    _head = 0
    _in_head = True
    _moved = False
    """Whether what came last brought a head, or a request, to its end."""
    _late: asyncio.TimerHandle | None = None
    _certificate: Any = None
    _unix = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Refuse one too many; note who is at the other side."""
        super().connection_made(transport)
        sock = transport.get_extra_info("socket")
        self._unix = sock is not None and sock.family == socket.AF_UNIX
        tls = transport.get_extra_info("ssl_object")
        self._certificate = certificate_fields(tls.getpeercert()) if tls is not None else None
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()
            return
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is waited for any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Close the connection of a head that does not end."""
        if self._in_head and self._late is None:
            self._wait_for_head()
        self._moved = False
        super().data_received(data)
        if self._in_head and not self._moved:
            self._head += len(data)
            if self._head > MOST_HEAD:
                self.transport.abort()

    def on_message_begin(self) -> None:
        """A request begins: its scope says what TLS and the socket know."""
        self._in_head, self._head = True, 0
        super().on_message_begin()
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]
        scope[CERTIFICATE] = self._certificate
        scope[UNIX] = self._unix

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head, self._moved = False, True
        self._stop_waiting()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """What comes next is another head."""
        super().on_message_complete()
        self._in_head, self._head, self._moved = True, 0, True

    def _wait_for_head(self) -> None:
        self._late = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _too_late(self) -> None:
        self._late = None
        if not self.transport.is_closing():
            self.transport.abort()
