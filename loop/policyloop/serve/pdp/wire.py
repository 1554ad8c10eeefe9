"""One kept-open HTTP/1.1 connection, as much of HTTP as a PDP speaks, and nothing that two could read two ways."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

_MOST_HEAD_BYTES = 32_768
_STATUS = re.compile(rb"HTTP/1\.1 ([2-5]\d\d)(?: [^\r\n]*)?\Z")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*?)[ \t]*\Z")
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,7})[ \t]*(?:;[^\r\n]*)?\Z")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP reply: its status, and the whole body."""

    status: int
    body: bytes


class Closed(Exception):
    """The connection went. `heard`: some of the answer had come, so it is not known to be safe to ask again."""

    def __init__(self, message: str, *, heard: bool) -> None:
        super().__init__(message)
        self.heard = heard


class Misspoken(Exception):
    """What came is no HTTP that we read; the text says what is wrong with it."""


class Reading:
    """The bytes of one answer, put together as they come."""

    def __init__(self, most_bytes: int) -> None:
        self.begun = False
        self.last = False
        """Whether the server said that it closes after this."""
        self._most = most_bytes
        self._pending = bytearray()
        self._body = bytearray()
        self._status = 0
        self._left: int | None = None
        """Bytes of the body still to come, None while that is not known: in the head, and between chunks."""
        self._chunked = False
        self._trailing = False

    def take(self, data: bytes) -> Answer | None:
        """The answer once it is whole. Raises `Misspoken`, also for bytes beyond its end."""
        self.begun = True
        self._pending += data
        if not self._status and not self._read_head():
            return None
        whole = self._read_chunks() if self._chunked else self._read_counted()
        if not whole:
            return None
        if self._pending:
            # They would be taken for the answer to the next request.
            raise Misspoken("there are bytes after the end of the answer")
        return Answer(self._status, bytes(self._body))

    def _read_head(self) -> bool:
        end = self._pending.find(b"\r\n\r\n")
        if end > _MOST_HEAD_BYTES or (end < 0 and len(self._pending) > _MOST_HEAD_BYTES):
            raise Misspoken(f"the head of the answer is longer than {_MOST_HEAD_BYTES} bytes")
        if end < 0:
            return False
        status, *lines = bytes(self._pending[:end]).split(b"\r\n")
        del self._pending[: end + 4]
        said = _STATUS.match(status)
        if said is None:
            raise Misspoken("the answer does not begin as one of HTTP/1.1")
        self._status = int(said[1])
        self._read_headers(_headers(lines))
        return True

    def _read_headers(self, headers: Mapping[bytes, bytes]) -> None:
        length, coding = headers.get(b"content-length"), headers.get(b"transfer-encoding")
        if b"content-encoding" in headers:
            raise Misspoken("the answer is compressed, which was not asked for")
        if (length is None) == (coding is None):
            raise Misspoken("the answer does not say in one way where it ends")
        self.last = headers.get(b"connection", b"").lower() == b"close"
        if coding is not None:
            if coding.lower() != b"chunked":
                raise Misspoken("the answer has a transfer encoding that was not asked for")
            self._chunked = True
        elif length is not None:
            if not length.isdigit() or len(length) > 15:
                raise Misspoken("the length of the answer is no number")
            self._expect(int(length))

    def _expect(self, count: int) -> None:
        if len(self._body) + count > self._most:
            raise Misspoken(f"the answer is longer than {self._most} bytes")
        self._left = count

    def _read_counted(self) -> bool:
        assert self._left is not None
        part = self._pending[: self._left]
        del self._pending[: len(part)]
        self._body += part
        self._left -= len(part)
        return self._left == 0

    def _read_chunks(self) -> bool:
        while not self._trailing:
            if self._left is None:
                line = self._line()
                if line is None:
                    return False
                size = _CHUNK.match(line)
                if size is None:
                    raise Misspoken("a chunk of the answer has no size")
                self._expect(int(size[1], 16))
                self._trailing = self._left == 0
                continue
            # Two bytes more than the chunk: the end of its line.
            if not self._read_counted() or len(self._pending) < 2:
                return False
            if self._pending[:2] != b"\r\n":
                raise Misspoken("a chunk of the answer does not end where it says")
            del self._pending[:2]
            self._left = None
        line = self._line()
        if line:
            raise Misspoken("the answer has trailers, which were not asked for")
        return line is not None

    def _line(self) -> bytes | None:
        end = self._pending.find(b"\r\n")
        if end > 1_024 or (end < 0 and len(self._pending) > 1_024):
            raise Misspoken("a chunk of the answer has no size")
        if end < 0:
            return None
        line = bytes(self._pending[:end])
        del self._pending[: end + 2]
        return line


def _headers(lines: list[bytes]) -> dict[bytes, bytes]:
    headers: dict[bytes, bytes] = {}
    for line in lines:
        said = _HEADER.match(line)
        if said is None:
            raise Misspoken("the answer has a header that is none")
        name = said[1].lower()
        if name in headers and name in (b"content-length", b"transfer-encoding", b"connection"):
            raise Misspoken(f"the answer says {name.decode()} twice")
        headers[name] = said[2]
    return headers


class Connection(asyncio.Protocol):
    """A connection over which one request at a time is made."""

    def __init__(self, most_bytes: int) -> None:
        self.open = False
        self.used_at = 0.0
        """When the last answer was whole, by the loop's clock."""
        self._most = most_bytes
        self._transport: asyncio.Transport | None = None
        self._reading: Reading | None = None
        self._answer: asyncio.Future[Answer] | None = None

    async def ask(self, request: bytes) -> Answer:
        """The answer to one whole request. Raises `Closed` and `Misspoken`.

        The connection is closed when it raises anything, also when this is cancelled.
        """
        if not self.open or self._transport is None:
            raise Closed("the connection is closed", heard=False)
        loop = asyncio.get_running_loop()
        self._reading = Reading(self._most)
        self._answer = loop.create_future()
        self._transport.write(request)
        try:
            return await self._answer
        except BaseException:
            # An answer that comes later must never be taken for that to another request.
            self.close()
            raise
        finally:
            self.used_at = loop.time()
            self._reading = self._answer = None

    def close(self) -> None:
        """Hang up at once."""
        self.open = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It can be asked from now on."""
        self._transport = cast(asyncio.Transport, transport)
        self.open = True

    def data_received(self, data: bytes) -> None:
        """A part of the answer; anything that comes without a question ends the connection."""
        if self._reading is None or self._answer is None or self._answer.done():
            self.close()
            return
        try:
            answer = self._reading.take(data)
        except Misspoken as error:
            self._fail(error)
            self.close()
            return
        if answer is not None:
            if self._reading.last:
                self.close()
            self._answer.set_result(answer)

    def eof_received(self) -> None:
        """The other side is done; what is not whole by now never will be."""
        self._gone("the PDP closed the connection")

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone."""
        self._gone(f"the connection to the PDP was lost ({error})" if error else "the PDP closed the connection")

    def _gone(self, message: str) -> None:
        self.open = False
        self._fail(Closed(message, heard=self._reading is not None and self._reading.begun))

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
