"""A PDP over a policy directory: what passes takes over, what does not is refused and the last that passed goes on."""

import asyncio
import contextlib
import shlex
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.errors import Exit, PolicyloopError
from policyloop.serve.pdp.address import Address
from policyloop.serve.pdp.directory import Watch, commit_of, judged
from policyloop.serve.pdp.interface import PdpEvent, PdpHealth, PolicyVersion, RefusedPolicies, Reply
from policyloop.serve.pdp.kept import Kept, Told, trouble_of
from policyloop.serve.pdp.launch import Plan, over_bundle
from policyloop.serve.pdp.settings import PolicyDirectory

_AGAIN_SECONDS = 10.0
"""How long after a trouble that is not the policies' own they are judged again."""


class PoliciesRefused(PolicyloopError):
    """The policies that the decision point shall begin with do not pass."""

    def __init__(self, policies: Path, refused: RefusedPolicies) -> None:
        check = f"policyloop check {shlex.quote(str(policies))}"
        super().__init__(f"The policies in {policies} do not pass: {refused.finding.rstrip('.')}.", check)
        self.exit_code = refused.exit_code


class Live:
    """See `policyloop.serve.pdp.interface.Pdp`."""

    def __init__(self, settings: PolicyDirectory, runner: Runner, told: Told) -> None:
        self._settings = settings
        self._runner = runner
        self._told = told
        self._watch = Watch(settings.policies, settings.look_seconds)
        self._refused: RefusedPolicies | None = None
        self._kept: Kept | None = None
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Serve what the directory holds now. Raises `PoliciesRefused`, `Unavailable` and others."""
        bundle = await self._watch.changed()
        settings = self._settings
        if isinstance(bundle, RefusedPolicies):
            raise PoliciesRefused(settings.policies, bundle)
        refused = await asyncio.to_thread(judged, self._runner, bundle)
        if refused is not None:
            raise PoliciesRefused(settings.policies, refused)
        kept = Kept(
            await self._plan(bundle),
            settings.asking,
            start_seconds=settings.start_seconds,
            expected=settings.version,
            told=self._told,
        )
        await kept.begin()
        self._kept = kept
        self._task = asyncio.create_task(self._follow(kept))

    async def check(self, request: Mapping[str, Any]) -> Reply:
        """See `Pdp`."""
        return await self._begun.check(request)

    def version(self) -> PolicyVersion:
        """See `Pdp`."""
        return self._begun.version()

    def health(self) -> PdpHealth:
        """See `Pdp`."""
        return replace(self._begun.health(), refused=self._refused)

    async def close(self) -> None:
        """Stop watching, and the PDP."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._kept is not None:
            await self._kept.close()
        await asyncio.to_thread(self._runner.close)

    @property
    def address(self) -> Address:
        """Where the PDP listens that serves now; the next one will elsewhere."""
        return self._begun.address

    @property
    def _begun(self) -> Kept:
        assert self._kept is not None
        return self._kept

    async def _follow(self, kept: Kept) -> None:
        while True:
            try:
                await self._take(kept, await self._watch.changed())
            except Exception as error:  # noqa: BLE001 - whatever it is, the last that passed goes on
                now = datetime.now(UTC)
                self._refuse(RefusedPolicies(finding=trouble_of(error), when=now, exit_code=Exit.ENVIRONMENT))
                self._watch.once_more(_AGAIN_SECONDS)

    async def _take(self, kept: Kept, held: Bundle | RefusedPolicies) -> None:
        if isinstance(held, RefusedPolicies):
            self._refuse(held)
            return
        if held.digest == kept.plan.version.digest:
            # Also when what was refused has been taken back.
            self._refused = None
            return
        if self._refused is not None and self._refused.digest == held.digest:
            return
        refused = await asyncio.to_thread(judged, self._runner, held)
        if refused is not None:
            self._refuse(refused)
            return
        await kept.follow(await self._plan(held))
        self._refused = None

    def _refuse(self, refused: RefusedPolicies) -> None:
        before, self._refused = self._refused, refused
        if before is None or (before.finding, before.digest) != (refused.finding, refused.digest):
            self._told(PdpEvent(kind="refused", text=f"the policies were not taken: {refused.finding}"))

    async def _plan(self, bundle: Bundle) -> Plan:
        commit = await asyncio.to_thread(commit_of, self._settings.policies, bundle)
        version = PolicyVersion(digest=bundle.digest, commit=commit, source=f"the directory {self._settings.policies}")
        return over_bundle(self._settings, bundle, version, docker=self._runner.info.runner == "docker")
