"""A PDP that is played: on loopback, it says to each request what a test tells it to, byte for byte."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

HANG = b""
"""Instead of an answer: nothing, for ever."""


@dataclass
class Played:
    """`said(number, body)`: what is sent to the request of that number, counted over all connections from 0.

    Pieces are sent one after the other; None closes the connection; `HANG` says nothing more.
    """

    said: Callable[[int, bytes], list[bytes | None]]
    pause: float = 0.0
    connections: int = 0
    bodies: list[bytes] = field(default_factory=list)
    port: int = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while body := await _request(reader, writer):
                number = len(self.bodies)
                self.bodies.append(body)
                for piece in self.said(number, body):
                    if piece is None:
                        writer.close()
                        return
                    if piece == HANG:
                        await asyncio.sleep(3600)
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(self.pause)


async def _request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """The body of the next question; health and version are answered as a PDP does."""
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"GET /_cerbos/health "):
            writer.write(counted(b'{"status":"SERVING"}'))
        elif head.startswith(b"GET "):
            writer.write(counted(b'{"version":"0.55.0"}'))
        else:
            (length,) = (line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            return await reader.readexactly(int(length.partition(b":")[2]))


@asynccontextmanager
async def played(
    said: Callable[[int, bytes], list[bytes | None]], pause: float = 0.0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Played]:
    """A played PDP at `port` of 127.0.0.1."""
    pdp = Played(said, pause)
    tasks: set[asyncio.Task[None]] = set()

    def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(pdp.talk(reader, writer))
        tasks.add(task)

    server = await asyncio.start_server(accepted, "127.0.0.1", 0, ssl=tls)
    pdp.port = server.sockets[0].getsockname()[1]
    try:
        yield pdp
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def counted(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    """An answer with its length."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def chunked(body: bytes, *cuts: int) -> bytes:
    """An answer in chunks that end at `cuts`."""
    places = sorted({0, len(body), *(cut for cut in cuts if 0 < cut < len(body))})
    parts = [body[start:end] for start, end in pairwise(places)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


def right(body: bytes, effect: str = "EFFECT_ALLOW") -> dict[str, Any]:
    """What a PDP that allows everything replies to the request in `body`."""
    asked = json.loads(body)
    results = [
        {
            "resource": {"kind": entry["resource"]["kind"], "id": entry["resource"]["id"]},
            "actions": dict.fromkeys(entry["actions"], effect),
        }
        for entry in asked["resources"]
    ]
    return {"requestId": asked["requestId"], "results": results, "cerbosCallId": "01"}


def sent(reply: Mapping[str, Any]) -> bytes:
    """A reply as an answer."""
    return counted(json.dumps(reply).encode())


def request(id_: str, *, subject: str = "alex", kind: str = "PreToolUse", **attributes: Any) -> dict[str, Any]:
    """A request such as `policyloop.decide.request` makes."""
    return {
        "requestId": id_,
        "includeMeta": True,
        "principal": {"id": subject, "roles": ["engineer"], "attr": {}},
        "resources": [{"resource": {"kind": kind, "id": id_, "attr": attributes}, "actions": ["Bash"]}],
    }
