"""The PDP behind the decision point: started, watched and asked, so that a reply says which policies made it.

async with opened(PolicyDirectory(policies=Path("tool-policies")), told=log_and_count) as pdp:
    reply = await pdp.check(request)        reply.value, reply.version; raises PdpError, and nothing else
    pdp.health()                            serving or not, what was refused, restarts

What serves has compiled and passed its tests; a change of the directory takes over without a call being dropped.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TypeVar

from policyloop.cerbos.run import Runner
from policyloop.errors import Unavailable
from policyloop.serve.pdp.address import address_of
from policyloop.serve.pdp.elsewhere import Elsewhere
from policyloop.serve.pdp.interface import (
    Pdp,
    PdpError,
    PdpEvent,
    PdpHealth,
    PolicyVersion,
    RefusedPolicies,
    Reply,
)
from policyloop.serve.pdp.kept import Kept
from policyloop.serve.pdp.launch import with_configuration
from policyloop.serve.pdp.live import Live, PoliciesRefused
from policyloop.serve.pdp.settings import Asking, ConfigurationFile, PdpSettings, PolicyDirectory, RunningPdp
from policyloop.validators.select import RunnerName, open_runner

T = TypeVar("T", Live, Kept, Elsewhere)

__all__ = [
    "Asking",
    "ConfigurationFile",
    "Pdp",
    "PdpError",
    "PdpEvent",
    "PdpHealth",
    "PdpSettings",
    "PoliciesRefused",
    "PolicyDirectory",
    "PolicyVersion",
    "RefusedPolicies",
    "Reply",
    "RunningPdp",
    "opened",
]


def _untold(_event: PdpEvent) -> None:
    """Nobody listens."""


@asynccontextmanager
async def opened(settings: PdpSettings, told: Callable[[PdpEvent], None] = _untold) -> AsyncIterator[Pdp]:
    """The PDP, asked and kept running until this is left. `told` hears of what happens to it, in the event loop.

    To be opened in an event loop of the main thread. Raises `UsageError` for settings that will not do, `Unavailable`
    when there is no compiler or it cannot be started, and `PoliciesRefused` (exit code 3 or 4) for a directory whose
    policies do not pass. A running PDP that does not answer is no error here: `health` says so, until it answers.
    """
    pdp = await _begun(settings, partial(_tell, told))
    try:
        yield pdp
    finally:
        await pdp.close()


def _tell(told: Callable[[PdpEvent], None], event: PdpEvent) -> None:
    try:
        told(event)
    except Exception as error:  # noqa: BLE001 - who cannot hear of it must not keep the PDP from being started again
        context = {"message": f"nobody heard that {event.text}", "exception": error}
        asyncio.get_running_loop().call_exception_handler(context)


async def _begun(settings: PdpSettings, told: Callable[[PdpEvent], None]) -> Live | Kept | Elsewhere:
    match settings:
        case PolicyDirectory():
            runner = await asyncio.to_thread(_runner, settings)
            live = Live(settings, runner, told)
            return await _or_closed(live)
        case ConfigurationFile():
            kept = Kept(
                with_configuration(settings),
                settings.asking,
                start_seconds=settings.start_seconds,
                expected=settings.version,
                told=told,
            )
            return await _or_closed(kept)
        case RunningPdp():
            return await _or_closed(Elsewhere(address_of(settings.address, settings.ca), settings.asking, told))


def _runner(settings: PolicyDirectory) -> Runner:
    """The compiler of the same kind as the PDP will be: for `auto` the binary, else Docker."""
    names: tuple[RunnerName, ...] = ("native", "docker") if settings.runner == "auto" else (settings.runner,)
    *before, last = (
        partial(
            open_runner,
            runner=name,
            version=settings.version,
            image=settings.image,
            timeout_seconds=settings.start_seconds,
        )
        for name in names
    )
    for opening in before:
        with suppress(Unavailable):
            return opening()
    return last()


async def _or_closed(pdp: T) -> T:
    try:
        await pdp.begin()
    except BaseException:
        await pdp.close()
        raise
    return pdp
