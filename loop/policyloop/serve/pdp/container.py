"""A PDP in a container. On a kill -9 of ours it stays until the next policyloop on this machine removes it."""

import asyncio
from collections.abc import Callable

from policyloop.access.pdp.docker import serve
from policyloop.access.pdp.door import Door
from policyloop.bundle import Bundle
from policyloop.errors import PolicyloopError, UsageError
from policyloop.serve.pdp.address import Address
from policyloop.serve.pdp.server import LOG_LINES, Server, entered
from policyloop.serve.pdp.settings import PolicyDirectory, server_settings

_GLANCE_SECONDS = 1.0


class Contained:
    """A PDP in a container of its own. See `policyloop.serve.pdp.server.Server`."""

    def __init__(self, door: Door, over: Callable[[], str | None], left: Callable[[], None]) -> None:
        self.address = Address(socket=str(door.socket)) if door.socket else Address(host=door.host, port=door.port)
        self._over = over
        self._left = left
        self._log = ""

    async def ended(self) -> str:
        """See `Server`. The engine is asked once a second."""
        while True:
            await asyncio.sleep(_GLANCE_SECONDS)
            try:
                log = await asyncio.to_thread(self._over)
            except PolicyloopError as error:
                # Without its engine nobody could end it; the probe says whether it still answers.
                self._log = error.message
                continue
            if log is not None:
                self._log = "\n".join(log.splitlines()[-LOG_LINES:])
                return "its container ended"

    def log(self) -> str:
        """See `Server`; known once it has ended."""
        return self._log

    async def stop(self, seconds: float) -> None:  # noqa: ARG002 - nobody asks it anything any more
        """See `Server`. It is killed at once."""
        await asyncio.to_thread(self._left)


async def started_container(settings: PolicyDirectory, bundle: Bundle) -> Server:
    """A PDP over `bundle` in a container. Raises `Unavailable` and `PersonNeeded` as `policyloop.access.pdp.docker`."""
    if settings.decision_log is not None:
        raise UsageError("A PDP in Docker writes no decision log here.", "Take decision_log out, or runner: native.")
    (_, (door, over)), left = await entered(serve(bundle, server_settings(settings)))
    return Contained(door, over, left)
