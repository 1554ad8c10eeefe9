"""From the state of a session to what it answers."""

from policyloop.bundle import Bundle
from policyloop.cerbos_loop import State
from policyloop.findings import Tally
from policyloop.outcome import Ending, Outcome
from policyloop.rule_proofs import proofs
from policyloop.session.answer import Answer, exit_code_of, look_at, message_of, shown_of
from policyloop.session.live import folder_of, phase_of
from policyloop.session.record import Opening, Snapshots
from policyloop.session.steps import REFUSED, next_action
from policyloop.specification import assumptions, parse_spec


def answer_of(opening: Opening, state: State) -> Answer:
    """The answer that the state of a session is."""
    findings, more = shown_of(state)
    how = state.todo if isinstance(state.todo, Outcome) else None
    last = state.attempts[-1] if state.attempts and next_action(state) == REFUSED else None
    report = state.report
    spec = parse_spec(opening.spec_text, opening.spec or "") if opening.spec_text is not None else None
    green = how is not None and how.ending is Ending.GREEN
    return Answer(
        session=opening.run,
        phase=phase_of(state),
        policies=opening.policies,
        spec=opening.spec if spec else None,
        request=opening.request,
        claude=opening.claude,
        next=next_action(state),
        message=message_of(state),
        exit_code=exit_code_of(state),
        stopped_by=how.stopped_by if how else None,
        error_class=findings[0].error_class if findings else None,
        findings=findings,
        more=more,
        refusal=last.refusal if last else None,
        weakened=last.weakened if last else (),
        look_at=look_at(state, state.current),
        spent=state.spent,
        budget=state.budget,
        tally=report.tally if report else Tally(),
        locked=len(state.lock),
        released=tuple(str(one) for one in opening.released),
        files_changed=_as_the_person_had_it(opening).changed(state.current),
        assumptions=tuple(assumptions(spec)) if spec else (),
        rules=proofs(spec, state.current, report) if spec and green else (),
        record=str(folder_of(opening.run)),
    )


def _as_the_person_had_it(opening: Opening) -> Bundle:
    return Snapshots(folder_of(opening.run) / "kept").bundle(opening.before)
