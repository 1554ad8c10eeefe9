"""After green, before the write-back: did access get wider than anybody asked for? Once a run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policyloop import outcome
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.cerbos_loop import State
from policyloop.config import Config
from policyloop.controller import end
from policyloop.drive import INTERRUPTED, Stopwatch
from policyloop.errors import PolicyloopError, Unavailable
from policyloop.events import Compared, Event
from policyloop.outcome import Ending, Outcome
from policyloop.printing import one_line
from policyloop.view import View
from policyloop.widened import AccessReport

if TYPE_CHECKING:
    from policyloop.spec import Spec

MOST_PROOFS = 40
_MOST_WORDS = 500
_SWITCH_OFF = "Run it again, or leave the comparison out with access.compare: never."


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

    None when the run is not green. An interrupt ends the run as one. A comparison that was begun and could not be
    finished, for whatever reason, is a person's decision: what is not known is no yes.
    """
    if not (isinstance(state.todo, Outcome) and state.todo.ending is Ending.GREEN):
        return state, None
    began = by.clock()
    broken = None
    try:
        report = _report(state.current, by)
    except KeyboardInterrupt:
        return end(state, INTERRUPTED), None
    except Exception as error:
        broken = str(error) if isinstance(error, PolicyloopError) else f"{type(error).__name__}: {error}"
        report = AccessReport(skipped=one_line(f"the comparison broke off: {broken}", _MOST_WORDS))
    try:
        by.emit(Compared(access=report, wider=by.config.access.wider, seconds=by.clock() - began))
        return _decided(state, report, by, finished=broken is None), report
    except KeyboardInterrupt:
        return end(state, INTERRUPTED), None
    except Unavailable as error:
        return end(state, outcome.unavailable(error)), report


def _report(green: Bundle, by: Comparison) -> AccessReport:
    from policyloop.access.accept import Accepted, asked_by_spec
    from policyloop.access.engine import Bounds, compare_access
    from policyloop.access.pdp import Refused, Settings

    cerbos, access = by.config.cerbos, by.config.access
    if access.compare == "never":
        return AccessReport(skipped="access.compare is never")
    settings = Settings(
        runner=cerbos.runner, version=cerbos.version, image=cerbos.image, timeout_seconds=cerbos.timeout_seconds
    )
    bounds = Bounds(most=access.requests, proofs=MOST_PROOFS, prove=access.prove)
    accepted = Accepted(asked_by_spec(by.spec)) if by.spec else Accepted()
    try:
        return compare_access(by.start, green, by.runner, settings, bounds, accepted)
    except Refused as refused:
        if _compiles(by.start, by.runner):
            raise Unavailable(f"The PDP serves one of the two bundles not: {refused.log[-500:]}") from None
        return AccessReport(skipped="no PDP serves the policies as they were at the start, for they do not compile")


def _compiles(bundle: Bundle, runner: Runner) -> bool:
    from policyloop.layout import Kind, kind
    from policyloop.looking import require_verdict
    from policyloop.validators.judge import validate

    kept = {path: text for path, text in bundle.files.items() if kind(path) in (Kind.POLICY, Kind.SCHEMA)}
    report = validate(runner, Bundle(kept), require_tests=False)
    require_verdict(report)
    return report.green


def _decided(state: State, report: AccessReport, by: Comparison, *, finished: bool) -> State:
    """Another end, or the same: what got wider first, then what is not known."""
    access = by.config.access
    if not finished:
        words = f"Green, but access could not be compared: {report.skipped}. {_SWITCH_OFF} "
        return _asked(state, by, "uncompared", words, ask=access.wider != "fail")
    if report.skipped:
        if access.compare == "never" or access.wider == "report":
            return state
        return _asked(
            state, by, "wider", f"Access could not be compared: {report.skipped}. ", ask=access.wider == "ask"
        )
    if report.wider and access.wider != "report":
        from policyloop.view.access import reason_line

        first = reason_line(report.wider[0], by.policies)
        more = f" (and {report.count.wider - 1} more)" if report.count.wider > 1 else ""
        words = f"Green, but access got wider than anything asks for. {first}{more}. "
        if access.wider == "fail":
            return end(state, outcome.wider(f"{words}Nothing was written."))
        state = _asked(state, by, "wider", words, ask=True)
    if report.uncovered and access.about_unproved != "report" and _green(state):
        from policyloop.view.access import uncovered_line

        first = uncovered_line(report.uncovered[0], by.policies)
        more = f" (and {len(report.uncovered) - 1} more rules)" if len(report.uncovered) > 1 else ""
        words = f"Green, but of a changed rule nobody knows whom it lets in. {first}{more}. "
        state = _asked(state, by, "unproved", words, ask=access.about_unproved == "ask")
    return state


def _green(state: State) -> bool:
    return isinstance(state.todo, Outcome) and state.todo.ending is Ending.GREEN


def _asked(state: State, by: Comparison, stopped_by: str, words: str, *, ask: bool) -> State:
    """The same state where a person at the terminal says yes, else an end that leaves it to one."""
    if ask and by.interactive:
        from policyloop.cli.asking import ask_wider

        by.view.pause()
        with by.clock.paused():
            if ask_wider(words):
                return state
    left = f"{words}Nothing was written: a person must say whether that is meant."
    return end(state, outcome.person(stopped_by, left))
