"""One event heard: who asks, what would be done, what is decided, and the answer, which leaves when all is recorded.

A fault never lets a call go while policies are enforced, whatever it is: no PDP, no store, no time, a mistake of ours.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from policyloop.audit.of_call import Circumstances, record_of
from policyloop.audit.record import Record
from policyloop.audit.store import StoreError
from policyloop.config.serving import ServeConfig
from policyloop.decide.answer import PERMISSIONS, answer, nothing_decided
from policyloop.decide.call import Call, Identity
from policyloop.decide.decision import NO_MATCH, Decision, denied
from policyloop.decide.effects import Effects
from policyloop.decide.judge import Judged
from policyloop.identity import Identities
from policyloop.serve.asking import SMALL, Asked, judged_by, work_out_with
from policyloop.serve.event import KNOWN, Event, call_of, read_event, reported
from policyloop.serve.lines import Lines
from policyloop.serve.metrics import Metrics
from policyloop.serve.own_events import Own
from policyloop.serve.pdp import Pdp, PolicyVersion
from policyloop.serve.recording import Recorder
from policyloop.serve.refused import BUSY, Refused
from policyloop.serve.who import who_asks

UNREADABLE: Own = "Unreadable"
"""The event of the record of a body that names none."""
NOT_RECORDED = "This could not be recorded, so it is not allowed. The people who run the decision point can see why."
NOT_KNOWN = "The decision point does not know this event, and no policy allows it."
_JUDGING, _RECORDING = 0.5, 0.4
"""Of the time for an answer, what judging and recording may take."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What is sent back."""

    status: int
    body: bytes
    last: bool = False
    """Whether nothing more is taken from this connection: a part of a request may still be in it."""


class Point:
    """Decides events. `pdp` is None where no policy is asked, which goes with observing alone."""

    def __init__(
        self,
        config: ServeConfig,
        ways: Identities,
        pdp: Pdp | None,
        recorder: Recorder,
        metrics: Metrics,
        lines: Lines,
    ) -> None:
        self.config, self.ways, self.pdp = config, ways, pdp
        self.recorder, self.metrics, self.lines = recorder, metrics, lines
        self.observes = config.mode == "observe"
        self._work_out = work_out_with(config.places)
        self._work_out(Call(event="PreToolUse", tool="Bash", input={"command": "true"}))  # the grammar is loaded now

    async def hear(self, scope: Mapping[str, Any], body: bytes) -> Answered:
        """The answer to an event. Raises nothing but what is no `Exception`."""
        started = time.perf_counter()
        try:
            event = read_event(body)
        except Refused as refused:
            return await self.refuse(refused)
        try:
            with self.metrics.in_flight.track_inprogress(), self.metrics.seconds.time():
                return await self._heard(scope, event, len(body) > SMALL, started)
        except Exception as error:  # noqa: BLE001  (a mistake of ours must not let a call go)
            return self._mistaken(event, error)

    async def refuse(self, refused: Refused) -> Answered:
        """The answer to what is no event: an error, on which a hook with `onFailure: block` blocks; recorded, too."""
        self.metrics.faults.labels("body").inc()
        self.lines.tell("refused", "warning", status=refused.status, why=refused.sentence)
        if refused.status == BUSY:  # where there is too much to do, nothing is added to it but to the count
            self.metrics.unrecorded.inc()
            self.recorder.missed(refused.sentence, let_go=self.observes)
        else:
            await self._record_refusal(refused)
        if self.observes:
            return Answered(200, _encoded({"continue": True}), last=True)
        return Answered(refused.status, _encoded({"error": refused.sentence}), last=True)

    async def _record_refusal(self, refused: Refused) -> None:
        decision = Decision(effect="deny", reason=refused.sentence, trouble=refused.sentence)
        call = Call(event=UNREADABLE, front="claude-code", received=time.time())
        try:
            await self._recorded(record_of(call, Effects(), decision, Circumstances(mode=self.config.mode)))
        except StoreError as error:
            self._missed(error)

    async def _heard(self, scope: Mapping[str, Any], event: Event, large: bool, started: float) -> Answered:  # noqa: FBT001
        received = time.time()
        identity, unknown_because = await self._identified(scope, event)
        call = call_of(event, identity, received)
        asked = await self._asked(call, event, large)
        decision = self._final(event, asked.judged.decision)
        sent = self._answer(event, decision)
        under = Circumstances(
            mode=self.config.mode,
            version=asked.version.digest,
            commit=asked.version.commit,
            latency_us=int((time.perf_counter() - started) * 1e6),
            without_trial=asked.judged.without_trial,
        )
        record = record_of(call, asked.judged.effects, decision, under)
        try:
            await self._recorded(record, large=large)
        except StoreError as error:
            self._missed(error)
            sent = self._unrecorded(event, decision)
        self.lines.decided(record, unknown_because)
        self.metrics.decided(record)
        return sent

    async def _identified(self, scope: Mapping[str, Any], event: Event) -> tuple[Identity, tuple[str, ...]]:
        said = reported(event.fields)
        try:
            async with asyncio.timeout(self.config.seconds * _JUDGING):
                return await who_asks(scope, self.ways, said)
        except TimeoutError:
            return Identity(reported=said), ("it took too long to find out who asks",)

    async def _asked(self, call: Call, event: Event, large: bool) -> Asked:  # noqa: FBT001
        """The call judged; a call that cannot be is a denial."""
        if event.flaw:
            self.metrics.faults.labels("call").inc()
            decision = Decision(effect="deny", reason=event.flaw, trouble=event.flaw)
            return _by_nobody(decision, Effects(unparsed="malformed"))
        try:
            async with asyncio.timeout(self.config.seconds * _JUDGING):
                asked = await self._judged(call, large)
        except TimeoutError:
            self.metrics.faults.labels("time").inc()
            version = self.pdp.version() if self.pdp is not None else None
            decision = replace(denied("it took too long to decide"), heard=False)
            return _by_nobody(decision, Effects(unparsed="too-slow"), version)
        if asked.judged.decision.trouble:
            self.metrics.faults.labels("policy" if asked.judged.decision.heard else "pdp").inc()
        return asked

    async def _judged(self, call: Call, large: bool) -> Asked:  # noqa: FBT001
        # A disk that hangs, or a command of many kilobytes, must not hold up others.
        in_thread = large or self.config.places == "resolved"
        if self.pdp is None:
            effects = await asyncio.to_thread(self._work_out, call) if in_thread else self._work_out(call)
            return _by_nobody(Decision(effect="allow", reason="observed; no policy was asked"), effects)
        on_trial = tuple(self.config.on_trial)
        return await judged_by(self.pdp, call, self._work_out, on_trial=on_trial, in_thread=in_thread)

    def _final(self, event: Event, decision: Decision) -> Decision:
        """The decision, as the configuration has it where there was none."""
        if not decision.heard and self.config.undecided == "ask" and event.name in PERMISSIONS:
            return replace(decision, effect="ask")
        if not self.observes and event.name not in KNOWN and decision.policy in ("", NO_MATCH):
            return replace(decision, effect="deny", reason=NOT_KNOWN)
        return decision

    def _answer(self, event: Event, decision: Decision) -> Answered:
        if not self.observes and event.name not in KNOWN and decision.effect != "allow":
            # Nobody knows which form would stop it. An error does, where the hook blocks on failure.
            return Answered(422, _encoded({"error": decision.reason}))
        return Answered(200, _encoded(answer(event.name, decision, self.config.mode)))

    async def _recorded(self, record: Record, *, large: bool = False) -> None:
        """Return once it is durable. Raises `StoreError`, whatever went wrong."""
        try:
            await self.recorder.record(record, self.config.seconds * _RECORDING, in_thread=large)
        except StoreError:
            raise
        except Exception as error:
            raise StoreError("refused", f"The record could not be made: {type(error).__name__}.") from error

    def _missed(self, error: StoreError) -> None:
        self.metrics.faults.labels("store").inc()
        self.metrics.unrecorded.inc()
        self.recorder.missed(error.message, let_go=self.observes)
        self.lines.tell("unrecorded", "error", kind=error.kind, why=error.message)

    def _unrecorded(self, event: Event, decision: Decision) -> Answered:
        """The answer without a record: while policies are enforced nothing is let go, and nobody is asked to."""
        if self.observes:
            return Answered(200, _encoded(nothing_decided(event.name)))
        reason = decision.reason if decision.effect == "deny" else NOT_RECORDED
        return self._answer(event, Decision(effect="deny", reason=reason))

    def _mistaken(self, event: Event, error: Exception) -> Answered:
        self.metrics.faults.labels("bug").inc()
        self.metrics.unrecorded.inc()
        words = f"a fault of policyloop: {type(error).__name__}: {error}"
        self.recorder.missed(words, let_go=self.observes)
        self.lines.tell("fault", "error", event=event.name, why=words)
        if self.observes:
            return Answered(200, _encoded(nothing_decided(event.name)))
        return self._answer(event, denied(words))


def _by_nobody(decision: Decision, effects: Effects, version: PolicyVersion | None = None) -> Asked:
    return Asked(Judged(decision=decision, effects=effects), version or PolicyVersion())


def _encoded(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said).encode()
