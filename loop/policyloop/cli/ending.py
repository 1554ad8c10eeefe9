"""How a run comes to its end: written back or kept as a patch, and told, whatever gives out."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from policyloop import outcome
from policyloop.cerbos_loop import State
from policyloop.cli.clarity import Clarity
from policyloop.controller import end
from policyloop.errors import PersonNeeded, PolicyloopError, Unavailable
from policyloop.events import Ended, RuleProof, encode
from policyloop.findings import Tally
from policyloop.ledger import Ledger
from policyloop.outcome import Ending, Outcome
from policyloop.redact import redact
from policyloop.view import View
from policyloop.workspace import Workspace


def finish(state: State, hold: Workspace, run_id: str, clarity: Clarity | None) -> Ended:
    """Write back when green, else keep the best attempt as a patch; then say how it ended."""
    how = state.todo
    assert isinstance(how, Outcome)
    changed: tuple[str, ...] = ()
    patch: Path | None = None
    if how.ending is Ending.GREEN:
        try:
            changed = hold.write_back(state.current, run_id)
        except PersonNeeded as error:
            how = outcome.person("changed", str(error))
        except Unavailable as error:
            how = outcome.unavailable(error)
    if how.ending is not Ending.GREEN and state.best != state.start:
        patch = _patch_if_possible(hold, run_id, state)
    report = state.report if how.ending is Ending.GREEN else state.best_report
    return Ended(
        ending=how.ending,
        exit_code=int(how.exit_code),
        stopped_by=how.stopped_by,
        message=how.message,
        cycles=state.cycles,
        spent=state.spent,
        diff=hold.start.diff(state.best, clean=redact),
        files_changed=changed,
        patch=str(patch) if patch else None,
        released=tuple(str(name) for name in state.released),
        findings=report.findings if report else (),
        tally=report.tally if report else Tally(),
        locked=len(state.lock),
        spec=clarity.used if clarity else None,
        questions=clarity.questions if clarity else (),
        assumptions=clarity.assumptions if clarity else (),
        changes=clarity.changes if clarity else (),
        contradictions=clarity.contradictions if clarity else (),
        rules=_proofs(state, clarity),
    )


@contextmanager
def ended_in_any_case(state: State, hold: Workspace, run_id: str, ledger: Ledger) -> Iterator[None]:
    """An error after the run has begun is raised as ever, but the ledger has an end for it first."""
    try:
        yield
    except PolicyloopError as error:
        recorded(finish(end(state, outcome.failed(error)), hold, run_id, None), ledger)
        raise


def _proofs(state: State, clarity: Clarity | None) -> tuple[RuleProof, ...]:
    """Where each rule of a confirmed spec lives, and what tests it."""
    if clarity is None or clarity.spec is None or clarity.how is not None:
        return ()
    from policyloop.cli.proving import proofs

    green = isinstance(state.todo, Outcome) and state.todo.ending is Ending.GREEN
    bundle, report = (state.current, state.report) if green else (state.best, state.best_report)
    return proofs(clarity.spec, bundle, report)


def _patch_if_possible(hold: Workspace, run_id: str, state: State) -> Path | None:
    try:
        return hold.keep_patch(run_id, state.best)
    except Unavailable:
        return None


def recorded(ended: Ended, ledger: Ledger) -> Ended:
    """The end as it is told. One that the ledger does not hold is not a good one, whatever was written."""
    try:
        ledger.append(*encode(ended))
        ledger.finish()
    except Unavailable as error:
        why = "" if str(error) in ended.message else f": {error}"
        how = outcome.unavailable(error)
        return replace(
            ended,
            ending=how.ending,
            exit_code=int(how.exit_code),
            stopped_by=how.stopped_by,
            message=f"{ended.message} The ledger does not hold this end{why or '.'}",
        )
    return ended


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


def check_junit(path: Path | None) -> None:
    """Find out before the model is paid, not after. Raises `UsageError`."""
    if path is None:
        return
    from policyloop.workspace.named import check_page

    check_page(path, "--junit")


def keep_junit(path: Path, state: State, view: View) -> None:
    """The run has ended and said so; a file that cannot be written changes nothing about that."""
    from policyloop.view.junit import junit
    from policyloop.workspace.named import write_page

    assert state.report is not None
    try:
        write_page(path, junit(state.report), "--junit")
    except PolicyloopError as error:
        view.note(f"The JUnit file was not written. {error}")
