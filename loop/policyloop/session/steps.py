"""From one look at the directory to the next state of the controller: pure, so that a session can be told anew."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from policyloop.bundle import Bundle, Delete, Edit, Write
from policyloop.cerbos_loop import State, begin
from policyloop.controller import advance
from policyloop.findings import AssertionId, Report
from policyloop.guard import Lock
from policyloop.outcome import Ending, Outcome
from policyloop.session.record import Opening
from policyloop.state import Proposed, Validate, Validated
from policyloop.task import Dispute, Proposal, Reply

UNCHANGED = "nothing was changed since the last step"

FIX, REFUSED, DONE, STOP = "FIX", "REFUSED", "GREEN", "STOP"
"""The next actions: mend the findings; take back what is refused; nothing more; report to the person."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The directory as a step found it: a bundle, or why it could not be read. `dispute`: the agent's own word."""

    bundle: Bundle | None
    malformed: str | None = None
    dispute: str | None = None


def opened(opening: Opening, start: Bundle, report: Report, judged: float) -> State:
    """A session at its start, after the first validation. Only the lock is made anew, all else was kept."""
    lock = Lock.of(start)
    state = begin(start, lock.without(opening.dropped), opening.budget, opening.request, _held(lock, opening.released))
    state = replace(state, spec=opening.spec_plain)
    return _as_it_is(advance(state, Validated(report, judged)), start, report)


@dataclass(frozen=True, slots=True)
class Timed:
    """A report, and when on the session's clock it was there."""

    report: Report
    at: float


TimedJudge = Callable[[Bundle, Lock], Timed]


def take(state: State, seen: Seen, asked: float, judge: TimedJudge) -> tuple[State, Timed | None]:
    """The state after the controller was told what the directory held at `asked`, and the report if it wanted one.

    What the controller would do with a model's copy of the bundle is not done here: the agent goes on from the
    directory as it is, so findings are always about that, and a file that it did not print can be written whole.
    """
    known = replace(state, shown=state.current.files)
    after = advance(known, Proposed(_reply(state, seen), 0.0, asked))
    if not isinstance(after.todo, Validate):
        return _as_it_is(after, state.current, state.report), None
    bundle = after.todo.bundle
    timed = judge(bundle, after.todo.lock)
    return _as_it_is(advance(after, Validated(timed.report, timed.at)), bundle, timed.report), timed


def next_action(state: State) -> str:
    """The one thing to do now."""
    if isinstance(state.todo, Outcome):
        return DONE if state.todo.ending is Ending.GREEN else STOP
    last = state.attempts[-1] if state.attempts else None
    return REFUSED if last and last.refusal and last.refusal != UNCHANGED else FIX


def _as_it_is(state: State, bundle: Bundle, report: Report | None) -> State:
    return state if isinstance(state.todo, Outcome) else replace(state, current=bundle, report=report)


def _reply(state: State, seen: Seen) -> Reply:
    if seen.dispute is not None:
        dispute = Dispute(suite="", test="", principal="", resource="", action="", reason=seen.dispute)
        return Reply(Proposal(dispute=dispute))
    if seen.bundle is None:
        return Reply(None, malformed=seen.malformed or "the directory cannot be read")
    edits = _edits(state.current, seen.bundle)
    return Reply(Proposal(edits=edits)) if edits else Reply(None, malformed=UNCHANGED)


def _edits(before: Bundle, after: Bundle) -> tuple[Edit, ...]:
    """What leads from one bundle to the other; what goes, goes first, so that a file can be renamed."""
    changed = before.changed(after)
    gone = [Delete(path) for path in changed if path not in after]
    return (*gone, *(Write(path, after[path]) for path in changed if path in after))


def _held(lock: Lock, names: tuple[AssertionId, ...]) -> tuple[AssertionId, ...]:
    wanted = frozenset(names)
    return tuple(assertion.id for assertion in lock if assertion.id in wanted)
