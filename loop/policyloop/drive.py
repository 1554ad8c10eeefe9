"""The loop with its hands: asks the model, runs the compiler, and yields what happened. Green, or a budget, ends it."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic

from policyloop import outcome
from policyloop.bundle import Bundle
from policyloop.controller import advance, end
from policyloop.errors import Exit, Unavailable
from policyloop.events import Answered, Asked, Attempted, Ended, Event, Judged
from policyloop.findings import Report, Tally
from policyloop.outcome import Ending, Outcome
from policyloop.protocol import edit_to_json, proposal_from_json, proposal_to_json, task_to_json
from policyloop.redact import redact
from policyloop.state import Attempt, L, Proposed, State, Validate, Validated
from policyloop.task import Model, Reply, Task

Judge = Callable[[Bundle, L], Report]
"""Judges a bundle under a lock. Raises `Unavailable` when it cannot judge: what cannot be judged is not green."""

INTERRUPTED = Outcome(
    Ending.INTERRUPTED, Exit.INTERRUPTED, "interrupt", "Interrupted; nothing was written to the policy directory."
)


@dataclass(frozen=True, slots=True)
class Step(Generic[L]):
    """One step of a run: what happened in it, and the state after it."""

    state: State[L]
    events: tuple[Event, ...]


def drive(state: State[L], model: Model, judge: Judge[L], clock: Callable[[], float]) -> Iterator[Step[L]]:
    """Do what `state` asks for until it asks for nothing more. `clock` gives the seconds since the run began.

    A missing compiler or model and an interrupt end the run as outcomes; nothing is raised for them.
    """
    while not isinstance(todo := state.todo, Outcome):
        before = clock()
        try:
            if isinstance(todo, Validate):
                report = judge(todo.bundle, todo.lock)
                after = advance(state, Validated(report, clock()))
                events = _after_judging(state, after, report, todo.bundle, clock() - before)
            else:
                yield Step(state, (Asked(attempt=state.next_number, task=task_to_json(todo.task)),))
                reply = model.propose(todo.task)
                after = advance(state, Proposed(reply, clock() - before, clock()))
                events = _after_answer(state, after, reply, clock() - before, clock())
        except Unavailable as error:
            after, events = end(state, outcome.unavailable(error)), ()
        except KeyboardInterrupt:
            after, events = end(state, INTERRUPTED), ()
        state = after
        yield Step(state, events)


def _after_judging(
    before: State[L], after: State[L], report: Report, bundle: Bundle, seconds: float
) -> tuple[Event, ...]:
    told = judged(after, report, bundle, seconds)
    return (*(attempted(a, after) for a in after.attempts[len(before.attempts) :]), told)


def _after_answer(before: State[L], after: State[L], reply: Reply, seconds: float, elapsed: float) -> tuple[Event, ...]:
    answered = Answered(
        attempt=before.next_number,
        proposal=dict(proposal_to_json(reply.proposal)) if reply.proposal else None,
        malformed=reply.malformed,
        over_budget=reply.over_budget,
        usage=reply.usage,
        seconds=seconds,
        elapsed=elapsed,
        replayed=reply.replayed,
    )
    return (answered, *(attempted(a, after) for a in after.attempts[len(before.attempts) :]))


def judged(after: State[L], report: Report, bundle: Bundle, seconds: float = 0.0) -> Judged:
    """What the judge said, as an event. `seconds`: what it took, as far as anybody knows."""
    return Judged(
        cycle=after.cycles,
        findings=report.findings,
        tally=report.tally,
        locked=len(after.lock),
        bundle=bundle.digest,
        seconds=seconds,
        spent=after.spent,
        output=report.output,
        stage=after.stage,
    )


def ended(state: State[L], result: Outcome, *, start: Bundle, reached: Bundle, released: Iterable[object]) -> Ended:
    """The end of the loop as an event, as far as its last state tells. The diff is from `start` to `reached`."""
    report = state.report if result.ending is Ending.GREEN else state.best_report
    return Ended(
        ending=result.ending,
        exit_code=int(result.exit_code),
        stopped_by=result.stopped_by,
        message=result.message,
        cycles=state.cycles,
        spent=state.spent,
        diff=start.diff(reached, clean=redact),
        released=tuple(str(name) for name in released),
        findings=report.findings if report else (),
        tally=report.tally if report else Tally(),
        locked=len(state.lock),
    )


def attempted(attempt: Attempt, after: State[L]) -> Attempted:
    """One attempt of the controller, as an event."""
    return Attempted(
        number=attempt.number,
        error_class=attempt.error_class,
        findings=attempt.findings,
        edits=tuple(dict(edit_to_json(edit)) for edit in attempt.edits),
        note=attempt.note,
        diff=attempt.before.diff(attempt.after, clean=redact),
        refusal=attempt.refusal,
        weakened=attempt.weakened,
        dispute=attempt.dispute,
        progress=attempt.progress,
        usage=attempt.usage,
        seconds=attempt.seconds,
        spent=after.spent,
        stage=after.stage,
    )


class Replaying:
    """A model that first gives the answers of an earlier run, then asks the real one: how a run is resumed.

    The compiler judges the old answers anew, so nothing of the old run is believed but what the model said.
    """

    def __init__(self, past: Sequence[Answered], model: Model) -> None:
        self._past = iter(past)
        self._model = model
        self.name = model.name
        self.note = model.note

    def propose(self, task: Task) -> Reply:
        """The next old answer while there is one, else a new one."""
        old = next(self._past, None)
        if old is None:
            return self._model.propose(task)
        proposal = proposal_from_json(old.proposal) if old.proposal is not None else None
        return Reply(proposal, old.malformed, old.usage, old.over_budget, replayed=True)

    def close(self) -> None:
        """Close the real model."""
        self._model.close()


class Stopwatch:
    """A clock that starts at `already` seconds, and stands still while a person is asked."""

    def __init__(self, already: float = 0.0) -> None:
        self._origin = time.monotonic() - already

    def __call__(self) -> float:
        """The seconds so far."""
        return time.monotonic() - self._origin

    @contextmanager
    def paused(self) -> Iterator[None]:
        """What goes on inside takes no time."""
        before = self()
        try:
            yield
        finally:
            self._origin = time.monotonic() - before
