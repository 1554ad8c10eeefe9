"""One PDP kept running: started again when it dies or hangs, and followed by another one when the policies change.

A call is answered by one process over one copy of the policies, so the version that is told with it is the one that
decided. What follows is started beside what serves, and takes over once it is ready: no call falls in between.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from policyloop.errors import PolicyloopError, Unavailable
from policyloop.printing import one_line
from policyloop.serve.pdp.address import Address
from policyloop.serve.pdp.asker import Asker
from policyloop.serve.pdp.interface import PdpError, PdpEvent, PdpHealth, PolicyVersion, Reply
from policyloop.serve.pdp.launch import Plan
from policyloop.serve.pdp.pool import Unheard
from policyloop.serve.pdp.server import Server
from policyloop.serve.pdp.settings import Asking

Told = Callable[[PdpEvent], None]
_READY_PAUSE_SECONDS = 0.02
_STOP_SECONDS = 5.0
_FIRST_REST_SECONDS, _LONGEST_REST_SECONDS = 0.2, 10.0
_PROVEN_SECONDS = 30.0
"""One that served for so long has not died of its start: the next is started at once."""
_LOOK_SECONDS = 1.5
_MISSED = 2
"""So many looks at its health in a row without an answer, and without one to a call meanwhile, and a PDP hangs."""


@dataclass(frozen=True, slots=True)
class Serving:
    """One PDP that serves."""

    server: Server
    asker: Asker
    version: PolicyVersion
    since: float


class Kept:
    """The PDP of the decision point, started by us. See `policyloop.serve.pdp.interface.Pdp`."""

    def __init__(self, plan: Plan, asking: Asking, *, start_seconds: float, expected: str, told: Told) -> None:
        """`expected` is the version that the PDP must have."""
        self._plan = plan
        self._asking = asking
        self._start_seconds = start_seconds
        self._expected = expected
        self._told = told
        self._serving: Serving | None = None
        self._starting = False
        """Whether a start is under way, so that it is worth waiting for."""
        self._one_start = asyncio.Lock()
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._guard: asyncio.Task[None] | None = None
        self._restarts = self._failures = 0
        self._health = PdpHealth(serving=False, since=datetime.now(UTC), trouble="it is not started yet")

    @property
    def plan(self) -> Plan:
        """What serves, or shall serve again."""
        return self._plan

    @property
    def address(self) -> Address:
        """Where the one listens that serves now. Raises `PdpError` when none does."""
        if self._serving is None:
            raise PdpError("gone", f"no PDP serves: {self._health.trouble}")
        return self._serving.server.address

    async def check(self, request: Mapping[str, Any]) -> Reply:
        """See `Pdp`. While another PDP is being started a call waits for it, within its time limit."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._asking.seconds
        serving = self._serving or await self._awaited(None, until)
        try:
            return Reply(await serving.asker.check(request, until - loop.time()), serving.version)
        except Unheard:
            serving = await self._awaited(serving, until)
        return Reply(await serving.asker.check(request, until - loop.time()), serving.version)

    def version(self) -> PolicyVersion:
        """See `Pdp`."""
        return self._serving.version if self._serving else replace(self._plan.version, pdp=self._expected)

    def health(self) -> PdpHealth:
        """See `Pdp`."""
        if self._serving is None:
            return self._health
        return replace(self._health, log=self._serving.server.log())

    async def begin(self) -> None:
        """Start the first one. Raises `Unavailable` and others when it cannot be started."""
        async with self._one_start:
            self._take(await self._start(self._plan))

    async def follow(self, plan: Plan) -> None:
        """Let `plan` take over once it is ready. Raises `Unavailable` and others; then all goes on as it was."""
        async with self._one_start:
            serving = await self._start(plan)
            self._plan = plan
            before = self._serving
            self._health = replace(self._health, swaps=self._health.swaps + 1)
            self._take(serving)
        if before is not None:
            self._spawn(self._retire(before))

    async def close(self) -> None:
        """Stop it; what is under way fails."""
        serving, self._serving = self._serving, None
        tasks = [*self._tasks, *([self._guard] if self._guard else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._turn(serving=False, trouble="it was stopped")
        if serving is not None:
            await serving.asker.close()
            await serving.server.stop(_STOP_SECONDS)

    async def _awaited(self, before: Serving | None, until: float) -> Serving:
        """The PDP that serves after `before`. Raises `PdpError` when none is to be expected, or not in time."""
        while self._serving is None or self._serving is before:
            if self._serving is None and not self._starting:
                # Whoever asks again at once must not keep the loop from starting the next one.
                await asyncio.sleep(0)
                raise PdpError("gone", f"no PDP serves: {self._health.trouble}")
            self._news.clear()
            try:
                async with asyncio.timeout_at(until):
                    await self._news.wait()
            except TimeoutError:
                trouble = self._health.trouble or "it went while it was asked"
                raise PdpError("gone", f"no PDP serves: {trouble}") from None
        return self._serving

    async def _start(self, plan: Plan) -> Serving:
        """A PDP that is ready. Raises `Unavailable` and others."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._start_seconds
        server = await plan.start()
        asker = Asker(server.address, self._asking)
        try:
            await self._until_ready(server, asker, until)
            version = replace(plan.version, pdp=await self._said_version(asker))
        except BaseException:
            await asker.close()
            await server.stop(0)
            raise
        return Serving(server, asker, version, loop.time())

    async def _until_ready(self, server: Server, asker: Asker, until: float) -> None:
        loop = asyncio.get_running_loop()
        ended = asyncio.create_task(server.ended())
        try:
            while True:
                with contextlib.suppress(PdpError):
                    await asker.healthy(self._asking.seconds)
                    return
                if ended.done():
                    raise Unavailable(
                        f"The PDP ended before it served ({ended.result()}): {last_line(server.log())}", "See its log."
                    )
                if loop.time() > until:
                    raise Unavailable(f"The PDP did not get ready in {self._start_seconds:g} seconds.")
                await asyncio.wait((ended,), timeout=_READY_PAUSE_SECONDS)
        finally:
            ended.cancel()

    async def _said_version(self, asker: Asker) -> str:
        try:
            said = await asker.version(self._asking.seconds)
        except PdpError as error:
            raise Unavailable(f"The PDP does not say which version it is: {error}.") from None
        if said != self._expected:
            raise Unavailable(f"The PDP is Cerbos {said}, but {self._expected} is the pinned one.")
        return said

    def _take(self, serving: Serving) -> None:
        if self._guard is not None and self._guard is not asyncio.current_task():
            self._guard.cancel()
        self._serving = serving
        self._guard = asyncio.create_task(self._keep(serving))
        self._turn(serving=True, trouble="")
        self._tell("serving", f"the PDP serves {shown(serving.version)}")

    async def _keep(self, serving: Serving) -> None:
        """Watch over `serving` and let another one take its place when it is lost."""
        kind, why = await self._lost(serving)
        self._serving = None
        self._starting = True
        self._restarts += 1
        self._health = replace(self._health, restarts=self._restarts, log=serving.server.log())
        self._turn(serving=False, trouble=why)
        self._tell(kind, why)
        self._spawn(self._away(serving))
        if asyncio.get_running_loop().time() - serving.since > _PROVEN_SECONDS:
            self._failures = 0
        await self._revive()

    async def _lost(self, serving: Serving) -> tuple[str, str]:
        """Wait until it has ended or hangs; which of them, and a sentence about it."""
        ended = asyncio.create_task(serving.server.ended())
        missed = 0
        try:
            while True:
                # One that missed a look is looked at again at once.
                await asyncio.wait((ended,), timeout=0 if missed else self._asking.probe_seconds)
                if ended.done():
                    return "died", f"the PDP ended ({ended.result()}): {last_line(serving.server.log())}"
                answers = serving.asker.answers
                try:
                    await serving.asker.healthy(min(self._asking.seconds, _LOOK_SECONDS))
                    missed = 0
                except PdpError as error:
                    # With more load than it can take a PDP may be late with this answer; one that hangs gives none.
                    missed = missed + 1 if serving.asker.answers == answers else 0
                    if missed >= _MISSED and not ended.done():
                        return "hung", f"the PDP was ended because it did not answer: {error}"
        finally:
            ended.cancel()

    async def _revive(self) -> None:
        while self._serving is None:
            rest = self._rest()
            if rest:
                self._starting = False
                self._news.set()
                await asyncio.sleep(rest)
            self._starting = True
            self._failures += 1
            async with self._one_start:
                if self._serving is not None:
                    return
                try:
                    self._take(await self._start(self._plan))
                except Exception as error:  # noqa: BLE001 - whatever it is, it may be over at the next start
                    trouble = trouble_of(error)
                    self._turn(serving=False, trouble=trouble)
                    self._tell("died", f"the PDP cannot be started again: {trouble}")

    def _rest(self) -> float:
        """Seconds until the next start: none before the first, then ever more."""
        if not self._failures:
            return 0.0
        return min(_FIRST_REST_SECONDS * 2.0 ** (self._failures - 1), _LONGEST_REST_SECONDS)

    async def _away(self, serving: Serving) -> None:
        await serving.asker.close()
        await serving.server.stop(0)

    async def _retire(self, serving: Serving) -> None:
        """End one that was followed, after the calls that it still works on: each has a time limit of its own."""
        loop = asyncio.get_running_loop()
        until = loop.time() + 2 * self._asking.seconds
        try:
            while serving.asker.busy and loop.time() < until:
                await asyncio.sleep(_READY_PAUSE_SECONDS)
        finally:
            await serving.asker.close()
            await serving.server.stop(_STOP_SECONDS)

    def _turn(self, *, serving: bool, trouble: str) -> None:
        since = self._health.since if self._health.serving == serving else datetime.now(UTC)
        self._health = replace(self._health, serving=serving, since=since, trouble=trouble)
        self._news.set()

    def _tell(self, kind: Any, text: str) -> None:
        self._told(PdpEvent(kind=kind, text=one_line(text)))

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def trouble_of(error: Exception) -> str:
    """What went wrong, as one printable line."""
    return one_line(error.message if isinstance(error, PolicyloopError) else f"{type(error).__name__}: {error}")


def last_line(log: str) -> str:
    """The last thing that a PDP wrote, as one printable line."""
    last = next((line for line in reversed(log.splitlines()) if line.strip()), "it said nothing")
    # Cerbos logs as JSON; what it panics with is plain text.
    with contextlib.suppress(ValueError, RecursionError):
        match json.loads(last):
            case {"message": str(message), **rest}:
                error = rest.get("error", "")
                return one_line(f"{message}: {error}" if isinstance(error, str) and error else message)
    return one_line(last)


def shown(version: PolicyVersion) -> str:
    """A version in a few words."""
    if not version.digest:
        return version.source
    commit = f" (commit {version.commit[:12]})" if version.commit else ""
    return f"{version.source}, {version.digest[:12]}{commit}"
