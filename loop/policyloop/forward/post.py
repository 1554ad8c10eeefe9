"""One event to the decision point and its answer back, over loopback, a Unix socket or TLS. Follows no redirection."""

import http.client
import os
import socket
import ssl
from urllib.parse import urlsplit

from policyloop.forward.forms import Unclear

PATH = "/v1/hooks/claude-code"
MOST_ANSWER = 1_048_576
"""Bytes of an answer."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Point:
    """A decision point. Raises `Unclear` for an address that will not do, and `OSError` where it is not heard."""

    def __init__(self, url: str, client: str, token: str, ca: str | None, seconds: float) -> None:
        self._headers = {"content-type": "application/json", "user-agent": f"policyloop-hook-forward ({client})"}
        user = os.environ.get("USER") or os.environ.get("USERNAME") or ""
        if user.isascii() and user.isprintable() and user:
            # What a machine says of its user: a server records it, and believes it only if its configuration says so.
            self._headers["x-claude-user"] = user
        if token:
            self._headers["authorization"] = f"Bearer {token}"
        self._path = PATH
        self._connection = self._connect(url, ca, seconds)

    def post(self, body: bytes) -> bytes:
        """The body of the answer. Raises `Unclear` for any other status than 200, and for one that is too large."""
        self._connection.request("POST", self._path, body, self._headers)
        answer = self._connection.getresponse()
        said = answer.read(MOST_ANSWER + 1)
        if answer.status != 200 or len(said) > MOST_ANSWER:
            raise Unclear(f"The decision point answered with {answer.status} and no decision, so this is not allowed.")
        return said

    def _connect(self, url: str, ca: str | None, seconds: float) -> http.client.HTTPConnection:
        if url.startswith("unix:"):
            return _UnixConnection(url.removeprefix("unix:"), seconds)
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
        if not host or parts.scheme not in ("http", "https") or parts.username is not None:
            raise Unclear("--to names no decision point, so nothing can be decided.")
        if parts.path not in ("", "/"):
            self._path = parts.path
        if parts.scheme == "https":
            return http.client.HTTPSConnection(
                host, port or 443, timeout=seconds, context=ssl.create_default_context(cafile=ca)
            )
        if host not in ("127.0.0.1", "::1", "localhost"):
            # Whoever is on the way could answer in its place, and would read each call.
            raise Unclear("--to is not encrypted; http:// is for 127.0.0.1 alone. Nothing can be decided.")
        return http.client.HTTPConnection(host, port or 80, timeout=seconds)
