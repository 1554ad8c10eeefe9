"""Requests put to one PDP. Those of one principal that come while others are under way are asked together."""

import asyncio
import json
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from policyloop.serve.pdp.address import Address
from policyloop.serve.pdp.batch import MOST_RESOURCES, Question, body_of, question_of, replies_of, together
from policyloop.serve.pdp.interface import PdpError
from policyloop.serve.pdp.pool import CHECK, Pool, Unheard
from policyloop.serve.pdp.settings import Asking

_AT_ONCE = 2
"""Calls of one principal under way at once; what comes meanwhile waits for the first of them to end."""
_Waiting = tuple[Question, asyncio.Future[object]]


@dataclass(slots=True)
class _Lane:
    """What is asked for one principal."""

    waiting: deque[_Waiting] = field(default_factory=deque)
    flying: int = 0


class Asker:
    """One PDP, asked. Not for two event loops."""

    def __init__(self, address: Address, asking: Asking) -> None:
        self.calls = 0
        """How many calls were made, each for one request or for several."""
        self.answers = 0
        """How many of them were answered, in whatever way."""
        self._asking = asking
        self._pool = Pool(address, asking)
        self._lanes: dict[bytes, _Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        """Whether a call is under way or waits."""
        return bool(self._tasks)

    async def check(self, request: Mapping[str, Any], seconds: float | None = None) -> object:
        """The decoded reply to one request. Raises `PdpError` at the latest when the time of a call is over.

        `seconds` is what is left of that time where some of it is gone already.
        """
        within = self._asking.seconds if seconds is None else seconds
        question = question_of(request)
        heard: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        lane = self._lanes.setdefault(question.who, _Lane())
        lane.waiting.append((question, heard))
        self._send(question.who, lane)
        try:
            async with asyncio.timeout(within):
                return await heard
        except TimeoutError:
            raise PdpError("slow", f"the PDP did not answer in {within:.2g} seconds") from None

    async def healthy(self, seconds: float) -> None:
        """Return if the PDP says that it serves. Raises `PdpError` otherwise."""
        said = await self._pool.get("/_cerbos/health", seconds=seconds)
        if _object(said).get("status") != "SERVING":
            raise PdpError("gone", "the PDP says that it does not serve")

    async def version(self, seconds: float) -> str:
        """The version that the PDP says it has. Raises `PdpError`."""
        version = _object(await self._pool.get("/api/server_info", seconds=seconds)).get("version")
        if not isinstance(version, str) or not version.isascii() or not version.isprintable() or len(version) > 100:
            raise PdpError("odd", "the PDP does not say which version it is")
        return version

    async def close(self) -> None:
        """Hang up. Whatever is under way fails."""
        self._pool.close()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for lane in self._lanes.values():
            _leave(lane.waiting)
        self._lanes.clear()

    def _send(self, who: bytes, lane: _Lane) -> None:
        while lane.waiting and lane.flying < _AT_ONCE:
            batch = self._next(lane)
            if not batch:
                continue
            lane.flying += 1
            task = asyncio.create_task(self._fly(who, lane, batch))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if not lane.waiting and not lane.flying:
            self._lanes.pop(who, None)

    def _next(self, lane: _Lane) -> list[_Waiting]:
        """The next requests that are asked together; those are left out for which nobody waits any more."""
        while lane.waiting and lane.waiting[0][1].done():
            lane.waiting.popleft()
        if not lane.waiting:
            return []
        most = min(self._asking.batch, MOST_RESOURCES)
        ahead = [lane.waiting[place][0] for place in range(min(most, len(lane.waiting)))]
        taken = [lane.waiting.popleft() for _ in range(together(ahead, most))]
        return [(question, heard) for question, heard in taken if not heard.done()]

    async def _fly(self, who: bytes, lane: _Lane, batch: list[_Waiting]) -> None:
        try:
            await self._ask(batch)
        finally:
            lane.flying -= 1
            _leave(batch)
            if not self._pool.closed:
                self._send(who, lane)

    async def _ask(self, batch: list[_Waiting]) -> None:
        questions = [question for question, _ in batch]
        self.calls += 1
        try:
            answer = await self._pool.post(CHECK, body_of(questions), seconds=self._asking.seconds)
            self.answers += 1
            replies = replies_of(questions, answer)
        except PdpError as error:
            self.answers += error.fault == "refused"
            if error.fault == "refused" and len(batch) > 1:
                # One resource is enough to have all refused: each is asked for itself, and only the bad one fails.
                await asyncio.gather(*(self._ask([waiting]) for waiting in batch))
                return
            _fail(batch, error)
            return
        for (_, heard), reply in zip(batch, replies, strict=True):
            if not heard.done():
                heard.set_result(reply)


def _leave(waiting: Iterable[_Waiting]) -> None:
    _fail(waiting, Unheard("gone", "the PDP was left while it was asked"))


def _fail(waiting: Iterable[_Waiting], error: PdpError) -> None:
    for _, heard in waiting:
        if not heard.done():
            # One for each: a traceback is hung on an exception that is raised, and on one raised twice both.
            heard.set_exception(type(error)(error.fault, str(error)))


def _object(said: bytes) -> dict[str, Any]:
    try:
        value = json.loads(said)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise PdpError("odd", "the PDP's answer is no JSON object")
    return value
