"""One round of the loop over the draft of a spec: the same controller as for policies, judged by the spec's check."""

from dataclasses import replace
from functools import partial

from policyloop import outcome
from policyloop.bundle import Bundle
from policyloop.cerbos_loop import begin
from policyloop.compose import compose
from policyloop.confirmed.against import pinned
from policyloop.confirmed.believed import unconfirmed
from policyloop.controller import go_on
from policyloop.errors import UsageError
from policyloop.findings import Report
from policyloop.guard import Lock
from policyloop.outcome import Ending, Outcome
from policyloop.run.draft import Draft
from policyloop.run.prepared import Prepared
from policyloop.specification import FILE_NAME, FOLDER, Spec
from policyloop.specification.draft import Terms, draft_text, judge_draft, only_drafted, read_draft

NOTHING = Bundle({})


def ask_model(prepared: Prepared, draft: Draft) -> Draft:
    """Have the model draft a spec, or take into the one there is what a person said.

    The draft is whole then, or it has ended; as far as a first draft came is kept, too.
    """
    before = draft.spec
    there = {FILE_NAME: draft_text(before)} if before else {}
    start = Bundle(there, drafts=frozenset({FILE_NAME}))
    terms = Terms(prepared.request, before, tuple(Lock.of(prepared.hold.start)))

    def judge(bundle: Bundle, _: Lock) -> Report:
        return judge_draft(bundle, terms, prepared.runner.info)

    first = begin(start, Lock.of(NOTHING), prepared.config.budget, prepared.request)
    # What the spec before it decides stands in the draft; its suites would say it again.
    choose = partial(compose, said=FOLDER) if before else first.choose
    state = replace(first, stage="spec", existing=prepared.hold.start, choose=choose)
    state = prepared.driven(go_on(state, draft.spent, draft.earlier), judge)
    draft = replace(draft, state=state, spent=state.spent, earlier=draft.earlier + len(state.attempts))
    ended = state.todo
    assert isinstance(ended, Outcome)
    if ended.ending is Ending.GREEN:
        whole = _readable(state.current, prepared.request)
        assert whole is not None
        spec = pinned(before, unconfirmed(whole), prepared.hold.start)
        return replace(draft, spec=spec.model_copy(update={"request": prepared.request}), due=False)
    best = _readable(state.best, prepared.request) if before is None else None
    if ended.ending in (Ending.STOPPED, Ending.WEAKENED, Ending.PERSON):
        ended = outcome.person(ended.stopped_by or "stuck", f"The spec is not whole. {ended.message}")
    return replace(draft, spec=only_drafted(best, prepared.request) if best else before, ended=ended)


def _readable(bundle: Bundle, request: str) -> Spec | None:
    try:
        return read_draft(bundle[FILE_NAME], request) if FILE_NAME in bundle else None
    except UsageError:
        return None
