"""The fourth stage, after green and before the write-back: did access get wider than anybody asked for?"""

from dataclasses import dataclass

from policyloop import outcome
from policyloop.access_report import AccessReport
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.cerbos_loop import State
from policyloop.controller import end
from policyloop.drive import INTERRUPTED
from policyloop.errors import PolicyloopError, Unavailable
from policyloop.events import Compared as ComparedEvent
from policyloop.outcome import Ending, Outcome
from policyloop.printing import one_line
from policyloop.run.clarify import Clarity
from policyloop.run.drive import Driven
from policyloop.run.prepared import Prepared

MOST_PROOFS = 40
_MOST_WORDS = 500
_SWITCH_OFF = "Run it again, or leave the comparison out with access.compare: never."


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The run after access was compared."""

    clarity: Clarity
    state: State
    """Another end than before where a person must decide, or nobody may let it through."""
    access: AccessReport | None = None
    """None where the run was not green."""


def compare(driven: Driven) -> Compared:
    """Compare access at the start and now, and end the run otherwise where it got wider than anybody asked for.

    An interrupt ends the run as one. A comparison that was begun and could not be finished, for whatever reason, is a
    person's decision: what is not known is no yes.
    """
    clarity, state = driven.clarity, driven.state
    prepared = clarity.prepared
    if not _green(state):
        return Compared(clarity=clarity, state=state)
    began = prepared.clock()
    broken = None
    try:
        report = _report(state.current, clarity)
    except KeyboardInterrupt:
        return Compared(clarity=clarity, state=end(state, INTERRUPTED))
    except Exception as error:  # noqa: BLE001  (whatever broke it: what is not known is no yes)
        broken = str(error) if isinstance(error, PolicyloopError) else f"{type(error).__name__}: {error}"
        report = AccessReport(skipped=one_line(f"the comparison broke off: {broken}", _MOST_WORDS))
    try:
        seconds = prepared.clock() - began
        prepared.emit(ComparedEvent(access=report, wider=prepared.config.access.wider, seconds=seconds))
        decided = _decided(state, report, prepared, finished=broken is None)
    except KeyboardInterrupt:
        return Compared(clarity=clarity, state=end(state, INTERRUPTED))
    except Unavailable as error:
        return Compared(clarity=clarity, state=end(state, outcome.unavailable(error)), access=report)
    return Compared(clarity=clarity, state=decided, access=report)


def _report(green: Bundle, clarity: Clarity) -> AccessReport:
    from policyloop.access.compare.accepted import Accepted, asked_by_spec
    from policyloop.access.compare.engine import Bounds, compare_access
    from policyloop.access.pdp import Refused, Settings

    prepared = clarity.prepared
    start, runner = prepared.hold.start, prepared.runner
    cerbos, access = prepared.config.cerbos, prepared.config.access
    if access.compare == "never":
        return AccessReport(skipped="access.compare is never")
    settings = Settings(
        runner=cerbos.runner, version=cerbos.version, image=cerbos.image, timeout_seconds=cerbos.timeout_seconds
    )
    bounds = Bounds(most=access.requests, proofs=MOST_PROOFS, prove=access.prove)
    accepted = Accepted(asked_by_spec(clarity.spec)) if clarity.spec else Accepted()
    try:
        return compare_access(start, green, runner, settings, bounds, accepted)
    except Refused as refused:
        if _compiles(start, runner):
            raise Unavailable(f"The PDP serves one of the two bundles not: {refused.log[-500:]}") from None
        return AccessReport(skipped="no PDP serves the policies as they were at the start, for they do not compile")


def _compiles(bundle: Bundle, runner: Runner) -> bool:
    from policyloop.looking import require_verdict
    from policyloop.validators.judge import validate

    report = validate(runner, bundle.without_tests(), require_tests=False)
    require_verdict(report)
    return report.green


def _decided(state: State, report: AccessReport, prepared: Prepared, *, finished: bool) -> State:
    """Another end, or the same: what got wider first, then what is not known."""
    access, policies = prepared.config.access, str(prepared.policies)
    if not finished:
        words = f"Green, but access could not be compared: {report.skipped}. {_SWITCH_OFF} "
        return _asked(state, prepared, "uncompared", words, ask=access.wider != "fail")
    if report.skipped:
        if access.compare == "never" or access.wider == "report":
            return state
        words = f"Access could not be compared: {report.skipped}. "
        return _asked(state, prepared, "wider", words, ask=access.wider == "ask")
    if report.wider and access.wider != "report":
        from policyloop.view.pages.access import reason_line

        first = reason_line(report.wider[0], policies)
        more = f" (and {report.count.wider - 1} more)" if report.count.wider > 1 else ""
        words = f"Green, but access got wider than anything asks for. {first}{more}. "
        if access.wider == "fail":
            return end(state, outcome.wider(f"{words}Nothing was written."))
        state = _asked(state, prepared, "wider", words, ask=True)
    if report.uncovered and access.about_unproved != "report" and _green(state):
        from policyloop.view.pages.access import uncovered_line

        first = uncovered_line(report.uncovered[0], policies)
        more = f" (and {len(report.uncovered) - 1} more rules)" if len(report.uncovered) > 1 else ""
        words = f"Green, but of a changed rule nobody knows whom it lets in. {first}{more}. "
        state = _asked(state, prepared, "unproved", words, ask=access.about_unproved == "ask")
    return state


def _green(state: State) -> bool:
    return isinstance(state.todo, Outcome) and state.todo.ending is Ending.GREEN


def _asked(state: State, prepared: Prepared, stopped_by: str, words: str, *, ask: bool) -> State:
    """The same state where a person at the terminal says yes, else an end that leaves it to one."""
    if ask and prepared.person is not None:
        with prepared.clock.paused():
            if prepared.person.let_in(words):
                return state
    left = f"{words}Nothing was written: a person must say whether that is meant."
    return end(state, outcome.person(stopped_by, left))
