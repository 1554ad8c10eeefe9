"""The events of a session, as `policyloop show` renders them."""

from policyloop.bundle import Bundle
from policyloop.cerbos_loop import State
from policyloop.events import Ended, Judged, Started
from policyloop.findings import Report, Tally
from policyloop.outcome import Ending, Outcome
from policyloop.redact import redact
from policyloop.session.record import Opening

AGENT = "the agent of this session"


def started_event(opening: Opening, start: Bundle, state: State) -> Started:
    """The session began."""
    from importlib.metadata import version

    return Started(
        run=opening.run,
        request=opening.request,
        policies=opening.policies,
        bundle=start.digest,
        files=len(start),
        compiler=opening.compiler,
        model=f"Claude Code session {opening.claude}" if opening.claude else AGENT,
        budget=opening.budget,
        require_tests=opening.require_tests,
        locked=len(state.lock),
        released=tuple(str(one) for one in opening.released),
        spec=opening.spec,
        policyloop=version("policyloop"),
    )


def judged_event(state: State, report: Report, bundle: Bundle) -> Judged:
    """The compiler spoke."""
    return Judged(
        cycle=state.cycles,
        findings=report.findings,
        tally=report.tally,
        locked=len(state.lock),
        bundle=bundle.digest,
        seconds=0.0,
        spent=state.spent,
        output=report.output,
    )


def ended_event(state: State, how: Outcome, opening: Opening) -> Ended:
    """The session came to its end."""
    report = state.report if how.ending is Ending.GREEN else state.best_report
    return Ended(
        ending=how.ending,
        exit_code=int(how.exit_code),
        stopped_by=how.stopped_by,
        message=how.message,
        cycles=state.cycles,
        spent=state.spent,
        diff=state.start.diff(state.current if how.ending is Ending.GREEN else state.best, clean=redact),
        files_changed=state.start.changed(state.current) if how.ending is Ending.GREEN else (),
        released=tuple(str(one) for one in opening.released),
        findings=report.findings if report else (),
        tally=report.tally if report else Tally(),
        locked=len(state.lock),
    )
