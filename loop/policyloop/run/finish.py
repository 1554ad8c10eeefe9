"""The last stage: written back or kept as a patch, and told, whatever gives out."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from policyloop import outcome
from policyloop.cerbos_loop import State
from policyloop.controller import end
from policyloop.drive import ended
from policyloop.errors import Exit, PersonNeeded, PolicyloopError, Unavailable
from policyloop.events import Ended, RuleProof, encode
from policyloop.next_command import Next
from policyloop.outcome import Ending, Outcome
from policyloop.run.clarify import Clarity
from policyloop.run.compare import Compared
from policyloop.run.disputed import answers_to
from policyloop.run.onward import onward
from policyloop.run.prepared import Prepared
from policyloop.run.wonder import Wondered


def finish(wondered: Wondered) -> Exit:
    """Write back when green, else keep the best attempt as a patch; then say how it ended, and answer the exit code."""
    clarity, prepared = wondered.compared.clarity, wondered.compared.clarity.prepared
    told = _ended(wondered)
    told = _recorded(replace(told, next=(*told.next, *onward(prepared, told))), prepared)
    prepared.audience.event(told)
    if prepared.junit and wondered.state.report and clarity.ended is None:
        _keep_junit(prepared.junit, wondered.state, prepared)
    return Exit(told.exit_code)


def _ended(wondered: Wondered) -> Ended:
    """The end of a run, after the policies were written, or a patch kept."""
    clarity, state = wondered.compared.clarity, wondered.state
    prepared = clarity.prepared
    result = state.todo
    assert isinstance(result, Outcome)
    changed: tuple[str, ...] = ()
    onward_at_once: tuple[Next, ...] = ()
    patch: Path | None = None
    if result.ending is Ending.GREEN:
        try:
            changed = prepared.hold.write_back(state.current, prepared.run_id)
        except PersonNeeded as error:
            result, onward_at_once = outcome.person("changed", str(error)), error.next
        except Unavailable as error:
            result, onward_at_once = outcome.unavailable(error), error.next
    if result.ending is not Ending.GREEN and state.best != state.start:
        patch = _patch_if_possible(prepared, state)
    if result.stopped_by == "dispute" and (dispute := state.attempts[-1].dispute):
        onward_at_once = answers_to(prepared, dispute, tuple(state.lock))
    told = ended(state, result, start=prepared.hold.start, reached=state.best, released=state.released)
    return replace(
        told,
        files_changed=changed,
        patch=str(patch) if patch else None,
        spec=clarity.used,
        questions=clarity.questions,
        assumptions=clarity.assumptions,
        changes=clarity.changes,
        contradictions=clarity.contradictions,
        rules=_proofs(state, clarity),
        access=wondered.compared.access,
        unsaid=wondered.unsaid,
        looked_for=wondered.looked_for,
        next=onward_at_once,
    )


@contextmanager
def ended_in_any_case(prepared: Prepared) -> Iterator[None]:
    """An error after the run has begun is raised as ever, but the ledger has an end for it first."""
    try:
        yield
    except PolicyloopError as error:
        state = end(prepared.state, outcome.failed(error))
        nothing = Compared(clarity=Clarity(prepared=prepared), state=state)
        told = _ended(Wondered(compared=nothing, state=state))
        told = _recorded(replace(told, next=error.next or onward(prepared, told)), prepared)
        error.next = told.next
        raise


def _proofs(state: State, clarity: Clarity) -> tuple[RuleProof, ...]:
    """Where each rule of a confirmed spec lives, and what tests it."""
    if clarity.spec is None or clarity.ended is not None:
        return ()
    from policyloop.rule_proofs import proofs

    green = isinstance(state.todo, Outcome) and state.todo.ending is Ending.GREEN
    bundle, report = (state.current, state.report) if green else (state.best, state.best_report)
    return proofs(clarity.spec, bundle, report)


def _patch_if_possible(prepared: Prepared, state: State) -> Path | None:
    try:
        return prepared.hold.keep_patch(prepared.run_id, state.best)
    except Unavailable:
        return None


def _recorded(told: Ended, prepared: Prepared) -> Ended:
    """The end as it is told. One that the ledger does not hold is not a good one, whatever was written."""
    try:
        prepared.ledger.append(*encode(told))
        prepared.ledger.finish()
    except Unavailable as error:
        why = "" if str(error) in told.message else f": {error}"
        result = outcome.unavailable(error)
        return replace(
            told,
            ending=result.ending,
            exit_code=int(result.exit_code),
            stopped_by=result.stopped_by,
            message=f"{told.message} The ledger does not hold this end{why or '.'}",
        )
    return told


@contextmanager
def interrupts() -> Iterator[Callable[[], None]]:
    """Gives what to call when the loop has ended: from then on an interrupt stops nothing, for the end must be told.

    A signal mask would not do: it holds for one thread, and a live view or an engine's client brings others.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def ignore() -> None:
        for number in before:
            signal.signal(number, lambda _number, _frame: None)

    try:
        yield ignore
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _keep_junit(path: Path, state: State, prepared: Prepared) -> None:
    """The run has ended and said so; a file that cannot be written changes nothing about that."""
    from policyloop.view.junit import junit
    from policyloop.workspace.named import write_page

    assert state.report is not None
    try:
        write_page(path, junit(state.report), "--junit")
    except PolicyloopError as error:
        prepared.audience.note(f"The JUnit file was not written. {error}")
