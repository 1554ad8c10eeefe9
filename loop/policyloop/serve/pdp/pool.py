"""A bounded number of kept-open connections to one PDP, and one question put over one of them."""

import asyncio
from typing import cast

from policyloop.printing import one_line
from policyloop.serve.pdp.address import Address
from policyloop.serve.pdp.interface import Fault, PdpError
from policyloop.serve.pdp.settings import Asking
from policyloop.serve.pdp.wire import Answer, Closed, Connection, Misspoken

CHECK = "/api/check/resources"
_IDLE_SECONDS = 45.0
"""A connection that was not used for that long is opened anew: Cerbos hangs up after 120 seconds."""
_SHOWN = 300
"""Characters of what a PDP says about a request that it does not take."""


class Unheard(PdpError):
    """The PDP went before a byte of its answer came: another one may be asked the same."""


class Pool:
    """Connections to one PDP. Not for two event loops."""

    def __init__(self, address: Address, asking: Asking) -> None:
        self.address = address
        self._asking = asking
        self._room = asyncio.Semaphore(asking.connections)
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self.closed = False

    async def get(self, path: str, *, seconds: float) -> bytes:
        """What the PDP says at `path`. Raises `PdpError`."""
        return await self._asked(self._request("GET", path, b""), seconds)

    async def post(self, path: str, body: bytes, *, seconds: float) -> bytes:
        """What the PDP answers to `body`, JSON, within so many seconds. Raises `PdpError`."""
        return await self._asked(self._request("POST", path, body), seconds)

    def close(self) -> None:
        """Hang up all connections; nothing is asked after that."""
        self.closed = True
        for connection in (*self._idle, *self._busy):
            connection.close()
        self._idle.clear()

    async def _asked(self, request: bytes, seconds: float) -> bytes:
        try:
            async with asyncio.timeout(seconds), self._room:
                answer = await self._once_more(request)
        except TimeoutError:
            raise PdpError("slow", f"the PDP did not answer in {seconds:g} seconds") from None
        except OSError as error:
            reason = error.strerror or str(error) or type(error).__name__
            raise Unheard("gone", one_line(f"nothing answers at {self.address}: {reason}", _SHOWN)) from None
        except Closed as error:
            kind = PdpError if error.heard else Unheard
            raise kind("gone", one_line(str(error), _SHOWN)) from None
        except Misspoken as error:
            raise PdpError("odd", f"the PDP answered in no form of a PDP: {error}") from None
        if answer.status != 200:
            raise _not_taken(answer)
        return answer.body

    async def _once_more(self, request: bytes) -> Answer:
        """Asked, and asked a second time only where the connection went before a byte of an answer came.

        A kept-open connection may have been closed by the other side just before, and a check changes nothing.
        """
        try:
            return await self._once(request)
        except Closed as error:
            if error.heard or self.closed:
                raise
        # Those that lie idle are as old as the one that went.
        while self._idle:
            self._idle.pop().close()
        return await self._once(request)

    async def _once(self, request: bytes) -> Answer:
        connection = await self._connection()
        self._busy.add(connection)
        try:
            answer = await connection.ask(request)
        finally:
            self._busy.discard(connection)
        if connection.open and not self.closed:
            self._idle.append(connection)
        return answer

    async def _connection(self) -> Connection:
        if self.closed:
            raise Closed("the PDP was left", heard=False)
        now = asyncio.get_running_loop().time()
        while self._idle:
            connection = self._idle.pop()
            if connection.open and now - connection.used_at < _IDLE_SECONDS:
                return connection
            connection.close()
        return cast(Connection, await self.address.connect(lambda: Connection(self._asking.reply_bytes)))

    def _request(self, method: str, path: str, body: bytes) -> bytes:
        head = f"{method} {path} HTTP/1.1\r\nHost: {self.address.authority}\r\n"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        return f"{head}\r\n".encode("ascii") + body


def _not_taken(answer: Answer) -> PdpError:
    said = one_line(answer.body[:2_000].decode("utf-8", "replace"), _SHOWN)
    fault: Fault = "odd"
    if answer.status in (408, 504):
        fault = "slow"
    elif answer.status in (502, 503):
        fault = "gone"
    elif 400 <= answer.status < 500:
        fault = "refused"
    return PdpError(fault, f"the PDP answered {answer.status}: {said}")
