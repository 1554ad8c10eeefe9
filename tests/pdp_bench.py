"""What the client of the PDP adds to a bare call, at 200 requests a second and as fast as it goes."""

import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from played_pdp import request
from policyloop.serve.pdp import PolicyDirectory, opened
from policyloop.serve.pdp.batch import body_of, question_of
from policyloop.serve.pdp.live import Live

RATE = 200
"""Requests a second."""
SECONDS = 3
PRINCIPALS = 20
MANY = 2_000
AT_ONCE = 16
POLICY = """\
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: PreToolUse
  version: default
  rules:
    - {actions: ["*"], roles: [engineer], effect: EFFECT_ALLOW, condition: {match: {expr: R.attr.n > 3}}}
"""
Ask = Callable[[int], Awaitable[object]]


class Bare:
    """Ready bodies over connections that are open already, the answer's bytes and no more."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._room = asyncio.Semaphore(8)
        self._ready = [_ready(number) for number in range(PRINCIPALS)]

    async def ask(self, number: int) -> bytes:
        async with self._room:
            reader, writer = self._free.pop() if self._free else await asyncio.open_unix_connection(self._socket)
            writer.write(self._ready[number % PRINCIPALS])
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r")[0])
            body = await reader.readexactly(length)
            self._free.append((reader, writer))
            return body

    def close(self) -> None:
        for _, writer in self._free:
            writer.close()


def asked(number: int) -> dict[str, object]:
    return request(f"c{number}", subject=f"person{number % PRINCIPALS}", n=number % 8, cwd="/app", text="x" * 500)


def _ready(number: int) -> bytes:
    body = body_of([question_of(asked(number))])
    head = f"POST /api/check/resources HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def at_rate(ask: Ask) -> list[float]:
    """Microseconds of each call, the calls at even distances whether or not the one before has come back."""
    loop = asyncio.get_running_loop()
    took: list[float] = []

    async def timed(number: int) -> None:
        before = time.perf_counter()
        await ask(number)
        took.append((time.perf_counter() - before) * 1e6)

    begun = loop.time()
    tasks = []
    for number in range(RATE * SECONDS):
        await asyncio.sleep(max(0.0, begun + number / RATE - loop.time()))
        tasks.append(asyncio.create_task(timed(number)))
    await asyncio.gather(*tasks)
    return took


async def saturated(ask: Ask) -> float:
    """Seconds of many calls, so many at once."""
    numbers = iter(range(MANY))

    async def work() -> None:
        for number in numbers:
            await ask(number)

    before = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return time.perf_counter() - before


async def _measured(runs: int) -> tuple[list[tuple[list[float], list[float]]], list[tuple[float, float]]]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "tools.yaml").write_text(POLICY)
        async with opened(PolicyDirectory(policies=Path(folder))) as pdp:
            assert isinstance(pdp, Live)
            bare = Bare(pdp.address.socket)

            async def ours(number: int) -> object:
                return await pdp.check(asked(number))

            with contextlib.closing(bare):
                for ask in (ours, bare.ask):
                    await saturated(ask)
                spaced = [(await at_rate(ours), await at_rate(bare.ask)) for _ in range(runs)]
                full = [(await saturated(ours), await saturated(bare.ask)) for _ in range(runs)]
    return spaced, full


def measured(runs: int) -> tuple[list[float], list[float], list[float], str]:
    """Of each pair of runs: microseconds added at p50 and at p99, and the time at saturation as a ratio."""
    spaced, full = asyncio.run(_measured(runs))
    middle = [_at(ours, 50) - _at(bare, 50) for ours, bare in spaced]
    late = [_at(ours, 99) - _at(bare, 99) for ours, bare in spaced]
    a, b = (statistics.median(_at(side, 50) for side in sides) for sides in zip(*spaced, strict=True))
    detail = f"p50 {a:,.0f} us against {b:,.0f} us"
    return middle, late, [ours / bare for ours, bare in full], detail


def _at(took: list[float], percent: int) -> float:
    return statistics.quantiles(took, n=100)[percent - 1]
