"""The PDP behind the decision point: started, watched and asked, so that a reply says which policies made it.

async with opened(PolicyDirectory(policies=Path("tool-policies")), told=log_and_count) as pdp:
reply = await pdp.check(request)        reply.value, reply.version; raises PdpError, and nothing else
pdp.health()                            serving or not, what was refused, restarts
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from policyloop.errors import Unavailable
from policyloop.serve.pdp.interface import (
    Pdp,
    PdpError,
    PdpEvent,
    PdpHealth,
    PolicyVersion,
    RefusedPolicies,
    Reply,
)
from policyloop.serve.pdp.settings import Asking, ConfigurationFile, PdpSettings, PolicyDirectory, RunningPdp

__all__ = [
    "Asking",
    "ConfigurationFile",
    "Pdp",
    "PdpError",
    "PdpEvent",
    "PdpHealth",
    "PdpSettings",
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
    told(PdpEvent(kind="lost", text="nothing is started yet"))
    raise Unavailable(f"There is no PDP for {type(settings).__name__} yet.")
    yield
