"""The events of a session, as `policyloop show` renders them."""

from dataclasses import replace

from policyloop.bundle import Bundle
from policyloop.cerbos_loop import State
from policyloop.drive import ended
from policyloop.events import Ended, Started
from policyloop.outcome import Ending, Outcome
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


def ended_event(state: State, result: Outcome, opening: Opening) -> Ended:
    """The session came to its end. What is green lies in the directory already, for the agent wrote it there."""
    green = result.ending is Ending.GREEN
    reached = state.current if green else state.best
    told = ended(state, result, start=state.start, reached=reached, released=opening.released)
    return replace(told, files_changed=state.start.changed(state.current)) if green else told
