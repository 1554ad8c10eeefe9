"""A PDP over a policy directory of a test, whose policies say in their outputs which they are; and a load for it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from played_pdp import request
from policyloop.serve.pdp import Asking, Pdp, PdpError, PolicyDirectory, Reply

PATIENT = Asking(seconds=20.0, probe_seconds=0.2)
"""A busy machine must not look like a PDP that hangs."""


def policy(mark: str, kind: str = "PreToolUse", condition: str = "R.attr.n > 3") -> str:
    """A policy that says in its output which one it is."""
    return f"""\
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: {kind}
  version: default
  rules:
    - actions: ["*"]
      roles: [engineer]
      effect: EFFECT_ALLOW
      condition: {{match: {{expr: '{condition}'}}}}
      output: {{when: {{ruleActivated: '"{mark} " + R.id + " " + P.id', conditionNotMet: '"{mark} " + R.id'}}}}
"""


def over(directory: Path, **more: Any) -> PolicyDirectory:
    return PolicyDirectory(policies=directory, look_seconds=0.05, asking=PATIENT, **more)


def laid(directory: Path, **files: str) -> Path:
    directory.mkdir(exist_ok=True)
    for name, text in files.items():
        (directory / f"{name}.yaml").write_text(text, encoding="utf-8")
    return directory


def mark_of(reply: Reply) -> str:
    """Which policy decided, as its output says."""
    match reply.value:
        case {"results": [{"outputs": [{"val": str(said)}]}]}:
            return said.split()[0]
    raise AssertionError(reply.value)


async def until(said: Callable[[], bool]) -> None:
    """Wait for what must come about, however busy the machine is."""
    for _ in range(3000):
        if said():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come about")


def process_of(pdp: Pdp) -> int:
    """The process that serves now."""
    kept = getattr(pdp, "_kept", pdp)
    return int(kept._serving.server.process.pid)


async def load(pdp: Pdp, over_: asyncio.Event, number: int) -> list[Reply | PdpError]:
    """Ask one thing after the other until `over_`, two principals by turns."""
    heard: list[Reply | PdpError] = []
    while not over_.is_set():
        asked = request(f"c{number}-{len(heard)}", subject=("alex", "mia")[len(heard) % 2], n=len(heard) % 8)
        try:
            heard.append(await pdp.check(asked))
        except PdpError as error:
            heard.append(error)
        await asyncio.sleep(0.01)
    return heard


async def under_load(pdp: Pdp, work: Callable[[], Awaitable[None]]) -> list[Reply | PdpError]:
    """All that was heard while `work` was done. Each reply is one to what was asked, and decided as it must be."""
    over_ = asyncio.Event()
    asking = [asyncio.create_task(load(pdp, over_, number)) for number in range(4)]
    try:
        await work()
    finally:
        over_.set()
    heard = [await task for task in asking]
    for number, told in enumerate(heard):
        for count, reply in enumerate(told):
            if isinstance(reply, Reply):
                _check(reply, f"c{number}-{count}", allowed=count % 8 > 3)
    return [reply for told in heard for reply in told]


def _check(reply: Reply, id_: str, *, allowed: bool) -> None:
    assert isinstance(reply.value, dict)
    assert reply.value["requestId"] == id_
    (result,) = reply.value["results"]
    assert result["resource"] == {"kind": "PreToolUse", "id": id_}
    assert result["actions"] == {"Bash": "EFFECT_ALLOW" if allowed else "EFFECT_DENY"}
