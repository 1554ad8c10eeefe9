"""One round of the loop over the draft of a spec: the same controller as for policies, judged by the spec's check."""

from dataclasses import replace

from policyloop import outcome
from policyloop.bundle import Bundle
from policyloop.cerbos_loop import begin
from policyloop.confirmed.against import pinned
from policyloop.confirmed.believed import unconfirmed
from policyloop.controller import go_on
from policyloop.errors import UsageError
from policyloop.findings import Report
from policyloop.guard import Lock
from policyloop.outcome import Ending, Outcome
from policyloop.run.draft import Draft
from policyloop.run.prepared import Prepared
from policyloop.specification import FILE_NAME, Spec, parse_spec, spec_to_yaml
from policyloop.specification.draft import Terms, judge_draft, only_drafted

NOTHING = Bundle({})


def ask_model(prepared: Prepared, draft: Draft) -> Draft:
    """Have the model draft a spec, or take into the one there is what a person said.

    The draft is whole then, or it has ended; as far as a first draft came is kept, too.
    """
    before = draft.spec
    there = {FILE_NAME: spec_to_yaml(unconfirmed(before))} if before else {}
    start = Bundle(there, drafts=frozenset({FILE_NAME}))
    terms = Terms(prepared.request, before)

    def judge(bundle: Bundle, _: Lock) -> Report:
        return judge_draft(bundle, terms, prepared.runner.info)

    first = begin(start, Lock.of(NOTHING), prepared.config.budget, prepared.request)
    state = replace(first, stage="spec", existing=prepared.hold.start)
    state = prepared.driven(go_on(state, draft.spent, draft.earlier), judge)
    draft = replace(draft, state=state, spent=state.spent, earlier=draft.earlier + len(state.attempts))
    ended = state.todo
    assert isinstance(ended, Outcome)
    if ended.ending is Ending.GREEN:
        whole = _readable(state.current)
        assert whole is not None
        spec = pinned(before, unconfirmed(whole), prepared.hold.start)
        return replace(draft, spec=spec.model_copy(update={"request": prepared.request}), due=False)
    best = _readable(state.best) if before is None else None
    if ended.ending in (Ending.STOPPED, Ending.WEAKENED, Ending.PERSON):
        ended = outcome.person(ended.stopped_by or "stuck", f"The spec is not whole. {ended.message}")
    return replace(draft, spec=only_drafted(best, prepared.request) if best else before, ended=ended)


def _readable(bundle: Bundle) -> Spec | None:
    try:
        return parse_spec(bundle[FILE_NAME]) if FILE_NAME in bundle else None
    except UsageError:
        return None
