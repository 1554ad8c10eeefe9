"""One round of the loop over the draft of a spec: the same controller as for policies, judged by the spec's check."""

from dataclasses import dataclass, replace

from policyloop import outcome
from policyloop.budget import Spent
from policyloop.bundle import Bundle
from policyloop.cerbos_loop import State, begin
from policyloop.cli.against import pinned
from policyloop.cli.clarity import Room
from policyloop.controller import go_on
from policyloop.errors import UsageError
from policyloop.guard import Lock
from policyloop.outcome import Ending, Outcome
from policyloop.spec import FILE_NAME, Spec, parse_spec, spec_to_yaml
from policyloop.spec.draft import Terms, judge_draft, only_drafted

NOTHING = Bundle({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """How a round ended. `how` is None when `spec` is whole; else `spec` is as far as a first draft came, or None."""

    state: State
    spec: Spec | None
    how: Outcome | None


def ask_model(room: Room, before: Spec | None, spent: Spent, earlier: int) -> Round:
    """Have the model draft a spec, or take into `before` what a person said; so much was `spent` in the run so far."""
    drafted_before = {FILE_NAME: spec_to_yaml(unconfirmed(before))} if before else {}
    start = Bundle(drafted_before, drafts=frozenset({FILE_NAME}))
    terms = Terms(room.request, before)
    first = begin(start, Lock.of(NOTHING), room.budget, room.request)
    state = replace(first, stage="spec", existing=room.bundle)
    state = room.run(go_on(state, spent, earlier), lambda bundle, _lock: judge_draft(bundle, terms, room.info))
    how = state.todo
    assert isinstance(how, Outcome)
    if how.ending is Ending.GREEN:
        drafted = _readable(state.current)
        assert drafted is not None
        spec = pinned(before, unconfirmed(drafted), room.bundle).model_copy(update={"request": room.request})
        return Round(state=state, spec=spec, how=None)
    best = _readable(state.best) if before is None else None
    if how.ending in (Ending.STOPPED, Ending.WEAKENED, Ending.PERSON):
        how = outcome.person(how.stopped_by or "stuck", f"The spec is not whole. {how.message}")
    return Round(state=state, spec=only_drafted(best, room.request) if best else None, how=how)


def unconfirmed(spec: Spec) -> Spec:
    """A model cannot confirm anything."""
    changed: Spec = spec.model_copy(update={"confirmed": None})
    return changed


def _readable(bundle: Bundle) -> Spec | None:
    try:
        return parse_spec(bundle[FILE_NAME]) if FILE_NAME in bundle else None
    except UsageError:
        return None
