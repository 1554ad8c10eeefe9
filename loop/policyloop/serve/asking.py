"""The PDP that the configuration names, and a call judged by it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from policyloop.config import CerbosConfig
from policyloop.config.serving import PdpConfig
from policyloop.decide.call import Call
from policyloop.decide.effects import Effects
from policyloop.decide.judge import Judged, Judging, judging
from policyloop.decide.real import with_real_places
from policyloop.decide.tools import effects_of
from policyloop.places.resolved import resolved
from policyloop.serve.pdp import (
    Asking,
    ConfigurationFile,
    Pdp,
    PdpError,
    PdpSettings,
    PolicyDirectory,
    PolicyVersion,
    RunningPdp,
)

Places = Literal["lexical", "resolved"]
SMALL = 4_000
"""Bytes of an event whose effects are worked out at once; of a larger one a thread does it, and others go on."""


def pdp_settings(config: PdpConfig, cerbos: CerbosConfig, folder: Path) -> PdpSettings:
    """As the client of the PDP wants it; paths are from `folder`."""
    asking = Asking(seconds=config.seconds)
    if config.policies is not None:
        log = folder / config.decision_log if config.decision_log else None
        return PolicyDirectory(
            policies=folder / config.policies,
            runner=cerbos.runner,
            version=cerbos.version,
            image=cerbos.image,
            decision_log=log,
            asking=asking,
        )
    if config.config is not None:
        return ConfigurationFile(
            config=folder / config.config,
            version=cerbos.version,
            environment=tuple(config.environment),
            asking=asking,
        )
    ca = folder / config.ca if config.ca else None
    return RunningPdp(address=config.address or "", ca=ca, asking=asking)


@dataclass(slots=True)
class Asked:
    """A call as it was judged, and the policies that did."""

    judged: Judged
    version: PolicyVersion


WorkOut = Callable[[Call], Effects]


async def judged_by(pdp: Pdp, call: Call, work_out: WorkOut, *, on_trial: tuple[str, ...], in_thread: bool) -> Asked:
    """The call judged. Never raises but for what is no `Exception`: what went wrong is a denial.

    A call that a rule rewrites is asked about twice. Both times the same policies must decide: where they changed in
    between it is judged once more, and is a denial if they did again.
    """
    for _ in range(2):
        one_policy = _OnePolicy(pdp)
        steps = judging(call, on_trial=on_trial, effects_of=work_out)
        judged = await _driven(steps, one_policy.ask, in_thread=in_thread)
        if not one_policy.changed:
            break
    return Asked(judged, one_policy.version or pdp.version())


class _OnePolicy:
    """Puts requests to a PDP and takes replies of one version of the policies only."""

    def __init__(self, pdp: Pdp) -> None:
        self.version: PolicyVersion | None = None
        self.changed = False
        self._pdp = pdp

    async def ask(self, request: Mapping[str, Any]) -> object:
        """The reply. Raises `PdpError`, also when it is of other policies than the one before."""
        reply = await self._pdp.check(request)
        if self.version not in (None, reply.version):
            self.changed = True
            raise PdpError("gone", "the policies changed while the call was judged")
        self.version = reply.version
        return reply.value


def work_out_with(places: Places) -> WorkOut:
    """How effects are worked out: from the text of a call alone, or with where its places lead on this machine."""
    return _really if places == "resolved" else effects_of


def _really(call: Call) -> Effects:
    return with_real_places(effects_of(call), resolved)


async def _driven(steps: Judging, ask: Callable[[Mapping[str, Any]], Awaitable[object]], *, in_thread: bool) -> Judged:
    step: Judged | Mapping[str, Any] = await _advanced(steps, None, None, in_thread=in_thread)
    while not isinstance(step, Judged):
        try:
            reply = await ask(step)
        except Exception as error:  # noqa: BLE001 - the judge turns it into a denial
            step = await _advanced(steps, None, error, in_thread=in_thread)
        else:
            step = await _advanced(steps, reply, None, in_thread=in_thread)
    return step


async def _advanced(
    steps: Judging, reply: object, error: Exception | None, *, in_thread: bool
) -> Judged | Mapping[str, Any]:
    if in_thread:
        return await asyncio.to_thread(_step, steps, reply, error)
    return _step(steps, reply, error)


def _step(steps: Judging, reply: object, error: Exception | None) -> Judged | Mapping[str, Any]:
    """The next request, or the end. The end of a generator is an exception, which no future of a thread can hold."""
    try:
        return steps.throw(error) if error is not None else steps.send(reply)
    except StopIteration as ended:
        judged: Judged = ended.value
        return judged
