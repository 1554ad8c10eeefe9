"""A PDP that runs without us: asked, looked after, and not touched."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from policyloop.printing import one_line
from policyloop.serve.pdp.address import Address
from policyloop.serve.pdp.asker import Asker
from policyloop.serve.pdp.interface import PdpError, PdpEvent, PdpHealth, PolicyVersion, Reply
from policyloop.serve.pdp.kept import Told
from policyloop.serve.pdp.settings import Asking


class Elsewhere:
    """See `policyloop.serve.pdp.interface.Pdp`."""

    def __init__(self, address: Address, asking: Asking, told: Told) -> None:
        self._asker = Asker(address, asking)
        self._asking = asking
        self._told = told
        self._version = PolicyVersion(source=f"the PDP at {address}")
        self._health = PdpHealth(serving=False, since=datetime.now(UTC), trouble="it was not asked yet")
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Look whether it is there; if not, it is looked for from now on."""
        await self._look()
        self._task = asyncio.create_task(self._keep_looking())

    async def check(self, request: Mapping[str, Any]) -> Reply:
        """See `Pdp`."""
        # Before it is asked: the version that is told is never newer than what decided.
        version = self._version
        return Reply(await self._asker.check(request), version)

    def version(self) -> PolicyVersion:
        """See `Pdp`."""
        return self._version

    def health(self) -> PdpHealth:
        """See `Pdp`."""
        return self._health

    async def close(self) -> None:
        """Hang up."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._asker.close()

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(self._asking.probe_seconds)
            await self._look()

    async def _look(self) -> None:
        answers = self._asker.answers
        try:
            await self._asker.healthy(self._asking.seconds)
            if not self._health.serving:
                self._version = replace(self._version, pdp=await self._asker.version(self._asking.seconds))
        except PdpError as error:
            if self._asker.answers == answers:
                self._turn(serving=False, trouble=one_line(str(error)))
            return
        self._turn(serving=True, trouble="")

    def _turn(self, *, serving: bool, trouble: str) -> None:
        before = self._health
        since = before.since if before.serving == serving else datetime.now(UTC)
        self._health = replace(before, serving=serving, since=since, trouble=trouble)
        if serving and not before.serving:
            self._told(PdpEvent(kind="serving", text=f"{self._version.source} answers"))
        elif before.serving and not serving:
            self._told(PdpEvent(kind="lost", text=f"{self._version.source} does not answer: {trouble}"))
