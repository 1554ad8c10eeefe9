"""The body of a request, bounded: in size, in time, and in what all requests together hold in memory."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import ClientDisconnect, Request

from policyloop.serve.refused import BUSY, Refused

MOST_BODY = 4 * 1_048_576
"""Bytes of one body. What a tool printed comes in one, too; the client's own limit for that is far below."""
MOST_PASSED_OVER = 32 * 1_048_576
"""Bytes of a body that is too large, after which it is no longer listened to."""
MOST_BODIES = 64 * 1_048_576
"""Bytes of all bodies that are being read."""
BODY_SECONDS = 5.0
"""Seconds for a body to come whole."""


class Bodies:
    """All bodies that are being read or decided about."""

    def __init__(self) -> None:
        self._held = 0

    @contextmanager
    def held(self) -> Iterator["Body"]:
        """A body, whose room is given back at the end."""
        body = Body(self)
        try:
            yield body
        finally:
            self._held -= body.taken

    def take(self, size: int) -> None:
        """Room for so many bytes more. Raises `Refused`."""
        if self._held + size > MOST_BODIES:
            raise Refused(BUSY, "The decision point is busy with other requests.")
        self._held += size


class Body:
    """One of them."""

    def __init__(self, bodies: Bodies) -> None:
        self.size = 0
        self.taken = 0
        """Bytes for which there is room."""
        self._bodies = bodies

    async def read(self, request: Request) -> bytes:
        """All of it. Raises `Refused`, and `ClientDisconnect` when the other side has gone."""
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await self._read(request)
        except TimeoutError:
            raise Refused(408, f"The body did not come within {BODY_SECONDS:g} seconds.") from None

    async def _read(self, request: Request) -> bytes:
        parts: list[bytes] = []
        async for part in request.stream():
            self.size += len(part)
            if self.size <= MOST_BODY:
                self._bodies.take(len(part))
                self.taken += len(part)
                parts.append(part)
            elif self.size > MOST_PASSED_OVER:
                break
            else:
                # Who is still sending would not hear an answer: the rest is passed over first.
                parts.clear()
        if self.size > MOST_BODY:
            raise Refused(413, f"The body has more than {MOST_BODY} bytes.")
        return b"".join(parts)


__all__ = ["BODY_SECONDS", "MOST_BODY", "Bodies", "Body", "ClientDisconnect"]
