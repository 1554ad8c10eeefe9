"""After green, before the write-back: did access get wider than anybody asked for? Once a run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policyloop import outcome
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.config import Config
from policyloop.controller import end
from policyloop.drive import INTERRUPTED, Stopwatch
from policyloop.errors import Unavailable
from policyloop.events import Compared, Event
from policyloop.outcome import Ending, Outcome
from policyloop.state import State
from policyloop.view import View
from policyloop.widened import AccessReport

if TYPE_CHECKING:
    from policyloop.spec import Spec

MOST_PROOFS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a comparison needs: the bundle at the start, the compiler, what a person confirmed, and whom to tell."""

    start: Bundle
    policies: str
    runner: Runner
    config: Config
    spec: "Spec | None"
    interactive: bool
    clock: Stopwatch
    emit: Callable[[Event], None]
    view: View


def compared(state: State, by: Comparison) -> tuple[State, AccessReport | None]:
    """The state after access was compared: another end where a person must decide, or nobody may let it through.

    None when the run is not green. An interrupt ends the run as one.
    """
    if not (isinstance(state.todo, Outcome) and state.todo.ending is Ending.GREEN):
        return state, None
    began = by.clock()
    wanted = by.config.access.wider
    try:
        report = _report(state.current, by)
        by.emit(Compared(access=report, wider=wanted, seconds=by.clock() - began))
        return _decided(state, report, by), report
    except KeyboardInterrupt:
        return end(state, INTERRUPTED), None
    except Unavailable as error:
        if wanted != "report":
            return end(state, outcome.unavailable(error)), None
        report = AccessReport(skipped=str(error))
        by.emit(Compared(access=report, wider=wanted, seconds=by.clock() - began))
        return state, report


def _report(green: Bundle, by: Comparison) -> AccessReport:
    from policyloop.access.accept import Accepted, asked_by_spec
    from policyloop.access.engine import Bounds, compare_access
    from policyloop.access.pdp import Refused, Settings

    cerbos, access = by.config.cerbos, by.config.access
    settings = Settings(
        runner=cerbos.runner, version=cerbos.version, image=cerbos.image, timeout_seconds=cerbos.timeout_seconds
    )
    bounds = Bounds(most=access.requests, proofs=MOST_PROOFS, prove=access.prove)
    accepted = Accepted(asked_by_spec(by.spec)) if by.spec else Accepted()
    try:
        return compare_access(by.start, green, by.runner, settings, bounds, accepted)
    except Refused:
        # The compiler has just taken the green bundle, so it is the other one.
        return AccessReport(skipped="no PDP serves the policies as they were at the start, for they do not compile")


def _decided(state: State, report: AccessReport, by: Comparison) -> State:
    wanted = by.config.access.wider
    if wanted == "report" or not (report.wider or report.skipped):
        return state
    if report.skipped:
        words = f"Access could not be compared: {report.skipped}. "
    else:
        from policyloop.view.access import reason_line

        first = reason_line(report.wider[0], by.policies)
        more = f" (and {len(report.wider) - 1} more)" if len(report.wider) > 1 else ""
        words = f"Green, but access got wider than anything asks for. {first}{more}. "
    if wanted == "ask" and by.interactive:
        from policyloop.cli.asking import ask_wider

        by.view.pause()
        with by.clock.paused():
            if ask_wider(words):
                return state
    if wanted == "fail" and report.wider:
        return end(state, outcome.wider(f"{words}Nothing was written."))
    return end(state, outcome.person("wider", f"{words}Nothing was written: a person must say whether that is meant."))
