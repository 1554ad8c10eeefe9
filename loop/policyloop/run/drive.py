"""The loop over the policies: from a confirmed spec, or none, to green, a budget's end, or a person."""

from dataclasses import dataclass, replace
from functools import partial

from policyloop import outcome
from policyloop.cerbos_loop import State, begin
from policyloop.compose import compose
from policyloop.confirmed.beginning import beginning
from policyloop.controller import go_on
from policyloop.errors import PersonNeeded
from policyloop.run.clarify import Clarity
from policyloop.specification import FOLDER


@dataclass(frozen=True, slots=True, kw_only=True)
class Driven:
    """The loop's last state, after what was clarified."""

    clarity: Clarity
    state: State


def drive_policies(clarity: Clarity) -> Driven:
    """Have the model write the policies until the compiler is satisfied, or it ends otherwise. Raises `UsageError`."""
    prepared = clarity.prepared
    return Driven(clarity=clarity, state=prepared.driven(_first_state(clarity), prepared.judge))


def _first_state(clarity: Clarity) -> State:
    """How the policies begin once the spec is confirmed, or the end when it is not."""
    prepared, state = clarity.prepared, clarity.prepared.state
    if clarity.ended is not None:
        report = clarity.state.best_report if clarity.state else None
        return replace(state, todo=clarity.ended, spent=clarity.spent, best_report=report)
    if clarity.spec is None:
        return state
    try:
        first = beginning(clarity.spec, prepared.hold.start, prepared.releases)
    except PersonNeeded as error:
        return replace(state, todo=outcome.person("contradictions", str(error)), spent=clarity.spent)
    new = begin(first.bundle, first.lock, state.budget, state.request, first.released)
    # The decisions are told as RULES, so their suites are not shown besides; what was let go of is, to be corrected.
    choose = partial(compose, said=FOLDER, first=tuple(dict.fromkeys(gone.id.file for gone in first.released)))
    new = replace(new, choose=choose, spec=clarity.spec.plain(), settled=state.settled)
    return go_on(new, clarity.spent, clarity.earlier)
