"""The real PDP, started over a bundle and stopped for sure: nothing of this machine is written, nothing is sent out.

    with serving(bundle, Settings(runner="native")) as pdp:
        pdp.decide(request)          one decision, with the policy, the scope and the schema errors
        pdp.effects(batches)         very many, streaming, the effect alone
        pdp.plan(principal, [action], kind)

Natively it has no network and listens on a socket in a private folder; in Docker on a port of loopback.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Any, Protocol

from policyloop.access.ask.request import Attributes, Batch, Principal, Request
from policyloop.access.pdp.client import Client, Refused, allowed, encode
from policyloop.access.pdp.decision import Decision
from policyloop.access.pdp.native import Serving
from policyloop.access.pdp.plan import Plan
from policyloop.access.pdp.settings import Settings
from policyloop.bundle import Bundle
from policyloop.errors import Unavailable
from policyloop.findings import CompilerInfo
from policyloop.validators.native import NativeRunner
from policyloop.validators.select import open_native

__all__ = ["Pdp", "Plan", "Refused", "Settings", "allowed", "encode", "serving", "serving_all"]


class Pdp(Protocol):
    """A PDP over one bundle; see `policyloop.access.pdp.client.Client`."""

    info: CompilerInfo
    asked: int

    def check(self, batch: Batch) -> list[Decision]: ...

    def decide(self, request: Request) -> Decision: ...

    def effects(self, batches: Iterable[Batch]) -> Iterator[tuple[Batch, list[bool]]]: ...

    def answers(self, asked: Iterable[tuple[Batch, bytes]]) -> Iterator[tuple[Batch, bytes]]: ...

    def plan(
        self,
        principal: Principal,
        actions: Sequence[str],
        kind: str,
        *,
        attr: Attributes | None = None,
        policy_version: str = "",
        scope: str = "",
        claims: Attributes | None = None,
    ) -> Plan: ...

    def policies(self) -> dict[str, dict[str, Any]]: ...


@contextmanager
def serving(bundle: Bundle, settings: Settings) -> Iterator[Pdp]:
    """A PDP that serves `bundle` until this is left, in whatever way.

    To be entered from the main thread. Raises `Refused` for a bundle that does not compile, `Unavailable` when there is
    no compiler, no engine, or no answer in time.
    """
    with serving_all((bundle,), settings) as (pdp,):
        yield pdp


@contextmanager
def serving_all(bundles: Sequence[Bundle], settings: Settings) -> Iterator[tuple[Pdp, ...]]:
    """As `serving`, for several bundles: they get ready at the same time."""
    with ExitStack() as stack:
        started = [_start(bundle, settings, stack) for bundle in bundles]
        yield tuple(
            stack.enter_context(closing(Client(info, door, ended, settings.timeout_seconds)))
            for info, (door, ended) in started
        )


def _start(bundle: Bundle, settings: Settings, stack: ExitStack) -> tuple[CompilerInfo, Serving]:
    """Docker where an engine answers and has the image, else the binary; or whichever is asked for."""
    if settings.runner != "docker":
        try:
            return _native(open_native(settings.version, settings.timeout_seconds), bundle, settings, stack)
        except Unavailable:
            if settings.runner == "native":
                raise
    from policyloop.access.pdp import docker

    info, served = stack.enter_context(docker.serve(bundle, settings))
    return info, served


def _native(runner: NativeRunner, bundle: Bundle, settings: Settings, stack: ExitStack) -> tuple[CompilerInfo, Serving]:
    from policyloop.access.pdp import native

    return runner.info, stack.enter_context(native.serve(runner, bundle, settings))
