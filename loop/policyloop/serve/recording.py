"""Records made durable, and what could not be: counted, and itself recorded once the store is back."""

import asyncio
import secrets
import shlex
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policyloop.audit.ages import moment_of
from policyloop.audit.anchors import Anchor, CommandAnchor, FileAnchor
from policyloop.audit.log import Log
from policyloop.audit.record import Agent, Policy, Record, moment
from policyloop.audit.store import StoreError
from policyloop.config.serving import AuditConfig
from policyloop.decide.answer import Mode
from policyloop.serve.own_events import Own
from policyloop.serve.pdp import PolicyVersion

GAP: Own = "AuditGap"
"""The event of a record that says how many decisions before it could not be recorded."""
RETRY_SECONDS = 1.0
"""Between two tries to record a gap."""
LIFECYCLE_SECONDS = 5.0
"""That a record about the server itself may take."""
MOST_UNTOLD = 1_000
"""Records about the server that wait for the store; the oldest goes where there are more."""
PRUNE_SECONDS = 3_600.0
"""Between two looks for what is older than it must be kept."""


@dataclass(slots=True)
class _Gap:
    """Decisions that were not recorded since `first`; `why` is what the store said at first."""

    first: float
    why: str
    let_go: int = 0
    refused: int = 0


class Recorder:
    """What the server writes into its log."""

    def __init__(self, log: Log, config: AuditConfig, mode: Mode) -> None:
        self.log = log
        self.mode: Mode = mode
        self.trouble = ""
        """Why the last record could not be made durable; empty while it could."""
        self.unrecorded = 0
        """Decisions without a record since the start."""
        self.prune_failures = 0
        self._config = config
        self._gap: _Gap | None = None
        self._untold: deque[Record] = deque(maxlen=MOST_UNTOLD)

    async def record(self, record: Record, patience: float, *, in_thread: bool = False) -> None:
        """Return once it is durable. Raises `StoreError`; then nothing may be allowed because of it.

        `in_thread`: of a large record secrets are searched for in a thread, while others go on.
        """
        keep = self._config.keep.content == "all"
        try:
            async with asyncio.timeout(patience):
                if in_thread:
                    waiting = await asyncio.to_thread(self.log.submit, record, keep_content=keep)
                else:
                    waiting = self.log.submit(record, keep_content=keep)
                # The writer goes on whatever happens here: an entry that came too late may stand in the log after all.
                await asyncio.shield(asyncio.wrap_future(waiting))
        except TimeoutError:
            self.trouble = f"the store made nothing durable within {patience:g} seconds"
            raise StoreError("busy", f"The audit store: {self.trouble}.") from None
        except StoreError as error:
            self.trouble = error.message
            raise
        self.trouble = ""

    def missed(self, why: str, *, let_go: bool) -> None:
        """A decision has no record."""
        self.unrecorded += 1
        if self._gap is None:
            self._gap = _Gap(time.time(), why)
        if let_go:
            self._gap.let_go += 1
        else:
            self._gap.refused += 1

    async def tell(self, event: Own, reason: str, version: PolicyVersion, about: Mapping[str, Any]) -> None:
        """Record what happened to the server itself. Raises `StoreError`."""
        await self.record(lifecycle(event, reason, self.mode, version, about), LIFECYCLE_SECONDS)

    def announce(self, event: Own, reason: str, version: PolicyVersion, about: Mapping[str, Any]) -> None:
        """The same, soon: as long as the store refuses it, it is tried again."""
        self._untold.append(lifecycle(event, reason, self.mode, version, about))

    async def fill(self) -> None:
        """Record what could not be recorded before: that there was a gap, and what happened to the server."""
        try:
            await self._fill_gap()
            while self._untold:
                await self.record(self._untold[0], LIFECYCLE_SECONDS)
                self._untold.popleft()
        except StoreError:
            return

    async def _fill_gap(self) -> None:
        gap = self._gap
        if gap is None:
            return
        self._gap = None
        reason = f"{gap.let_go} calls were let go and {gap.refused} refused without a record: {gap.why}"
        about = {"let_go": gap.let_go, "refused": gap.refused, "since": moment(gap.first)}
        try:
            await self.tell(GAP, reason, PolicyVersion(), about)
        except StoreError:
            later = self._gap
            if later is not None:
                gap.let_go += later.let_go
                gap.refused += later.refused
            self._gap = gap
            raise

    async def fill_and_prune(self) -> None:
        """For ever: what could not be recorded soon, retention now and then."""
        pruned = float("-inf")
        while True:
            await self.fill()
            if self._config.keep.decisions and time.monotonic() - pruned > PRUNE_SECONDS:
                pruned = time.monotonic()
                await self.prune()
            await asyncio.sleep(RETRY_SECONDS)

    async def prune(self) -> int:
        """Take out what is older than it must be kept. Returns how many entries; none where the store refuses."""
        age = self._config.keep.decisions or ""
        before = moment_of(age, "serve.audit.keep.decisions")
        try:
            return await asyncio.to_thread(self.log.prune, before, f"kept for {age}", "policyloop serve")
        except Exception:  # noqa: BLE001  (whatever the store raised in its thread; the next hour tries again)
            self.prune_failures += 1
            return 0


def opened_log(config: AuditConfig, folder: Path) -> Log:
    """The log that the configuration names; paths are from `folder`. Raises `StoreError`, `NotOurs`, `UsageError`."""
    if config.keep.decisions:
        moment_of(config.keep.decisions, "serve.audit.keep.decisions")
    store = config.store if "://" in config.store else str(folder / config.store)
    key = folder / config.key if config.key else None
    return Log.opened(store, key, anchors=_anchors(config, folder))


def _anchors(config: AuditConfig, folder: Path) -> list[Anchor]:
    anchors: list[Anchor] = []
    for anchor in config.anchors:
        if anchor.file is not None:
            anchors.append(FileAnchor(folder / anchor.file))
        if anchor.command is not None:
            anchors.append(CommandAnchor(shlex.split(anchor.command)))
    return anchors


def lifecycle(event: Own, reason: str, mode: Mode, version: PolicyVersion, about: Mapping[str, Any]) -> Record:
    """The record of something that happened to the server."""
    now = time.time()
    return Record(
        id=f"{event}-{secrets.token_hex(10)}",
        time=moment(now),
        event=event,
        tool="",
        decision="allow",
        front="serve",
        agent=Agent(kind="policyloop"),
        reason=reason,
        effects=about,
        policy=Policy(version=version.digest, commit=version.commit),
        mode=mode,
    )
