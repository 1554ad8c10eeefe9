"""A PDP that is killed, hung, slowed at any moment under load: no wrong reply, none that names other policies, and it
comes back by itself. `make pdp-moments-long` tries 51 moments.
"""

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from kept_pdp import laid, mark_of, policy, process_of, under_load, until
from policyloop.cerbos.run import Runner
from policyloop.serve.pdp import Asking, Pdp, PdpError, PolicyDirectory, Reply, opened
from policyloop.workspace.read import read_bundle

pytestmark = [pytest.mark.compiler, pytest.mark.sweep]

MOMENTS = int(os.environ.get("POLICYLOOP_PDP_MOMENTS", "3"))
SEED = int(os.environ.get("POLICYLOOP_KILL_SEED") or time.time_ns() % 10**6)
Outage = Callable[[Pdp, random.Random], Awaitable[None]]


def send(pdp: Pdp, number: signal.Signals) -> None:
    """A signal to the process that serves, where one does."""
    with suppress(AttributeError, ProcessLookupError):
        os.kill(process_of(pdp), number)


async def killed(pdp: Pdp, draw: random.Random) -> None:
    for _ in range(draw.choice([1, 1, 3])):
        send(pdp, signal.SIGKILL)
        await asyncio.sleep(draw.uniform(0, 0.4))


async def hung(pdp: Pdp, draw: random.Random) -> None:
    await until(lambda: pdp.health().serving)
    stopped = process_of(pdp)
    send(pdp, signal.SIGSTOP)
    # Another one is in its place: started again, or with a change that came at this moment.
    await until(lambda: pdp.health().serving and process_of(pdp) != stopped)


async def slowed(pdp: Pdp, draw: random.Random) -> None:
    """It has the processor for some milliseconds of each hundred."""
    for _ in range(8):
        process = process_of(pdp) if pdp.health().serving else 0
        if process:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGSTOP)
                await asyncio.sleep(draw.uniform(0.02, 0.1))
                os.kill(process, signal.SIGCONT)
        await asyncio.sleep(0.005)


OUTAGES: list[Outage] = [killed, hung, slowed]


def test_nothing_is_answered_wrongly_at_any_moment(tmp_path: Path, cerbos: Runner) -> None:
    folder = laid(tmp_path / "policies", tools=policy("v0"))
    marks = {read_bundle(folder).digest: "v0"}
    draw = random.Random(SEED)

    async def run() -> None:
        asking = Asking(seconds=1.0, probe_seconds=0.1)
        async with opened(PolicyDirectory(policies=folder, look_seconds=0.05, asking=asking)) as pdp:
            for moment in range(MOMENTS):
                words = f"seed {SEED}, moment {moment}"
                outage = OUTAGES[moment % len(OUTAGES)]

                async def work(moment: int = moment, outage: Outage = outage) -> None:
                    if draw.random() < 0.5:
                        # At any moment of a change, too.
                        (folder / "new").write_text(policy(f"v{moment + 1}"))
                        (folder / "new").rename(folder / "tools.yaml")
                        marks[read_bundle(folder).digest] = f"v{moment + 1}"
                    await asyncio.sleep(draw.uniform(0, 1.2))
                    await outage(pdp, draw)
                    await until(lambda: pdp.health().serving and pdp.version().digest == read_bundle(folder).digest)
                    await asyncio.sleep(0.1)

                heard = await under_load(pdp, work)
                replies = [reply for reply in heard if isinstance(reply, Reply)]
                assert replies, words
                assert all(marks[reply.version.digest] == mark_of(reply) for reply in replies), words
                faults = {error.fault for error in heard if isinstance(error, PdpError)}
                assert faults <= {"gone", "slow"}, (words, faults)
                assert pdp.health().refused is None, words

    asyncio.run(run())
