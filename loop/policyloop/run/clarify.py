"""The second stage, before any policy: the model drafts the spec, a person answers, and a person confirms.

The same controller and the same `drive` as for policies; the bundle is the one file, and the judge is the check of the
spec. Whatever ends this stage, the draft and all that a person said are kept, and the ending says where.
"""

from dataclasses import dataclass, field, replace

from policyloop.budget import Spent
from policyloop.cerbos_loop import State
from policyloop.confirmed.believed import believed
from policyloop.drive import INTERRUPTED
from policyloop.errors import UsageError
from policyloop.events import Against, AskedQuestion, Clarified, SpecUsed
from policyloop.outcome import Outcome
from policyloop.run.draft import NO_ANSWERS, Draft
from policyloop.run.drafting import drafts, is_about
from policyloop.run.keeping import Keeper
from policyloop.run.past import Past
from policyloop.run.prepared import Known, Prepared
from policyloop.specification import Spec, parse_spec, spec_to_yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class Clarity:
    """How this stage ended. With `ended` None the run goes on: with the spec, which is confirmed, or without one."""

    prepared: Prepared
    spec: Spec | None = None
    used: SpecUsed | None = None
    spent: Spent = field(default_factory=Spent)
    earlier: int = 0
    ended: Outcome | None = None
    state: State | None = None
    questions: tuple[AskedQuestion, ...] = ()
    assumptions: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    contradictions: tuple[Against, ...] = ()


def clarify(prepared: Prepared) -> Clarity:
    """Draft, ask, confirm; nothing of it in a run without a spec. Raises `UsageError`, with the draft kept."""
    known, past = prepared.known, prepared.past
    if known is None:
        return Clarity(prepared=prepared)
    told = past.clarified if past else None
    if past is None or told is None:
        first = Draft(before=known.spec, spec=known.spec, base=known.spec, waiting=dict(prepared.wishes.answers),
                      spent=Spent(usage=prepared.state.spent.usage))  # fmt: skip
        return _drafted(prepared, known, first, None)
    if past.base is not None:
        prepared.emit(past.base)
    prepared.emit(told)
    if told.agreed:
        # The person's own file, for the ledger hides what looks like a secret.
        return Clarity(
            prepared=prepared,
            spec=known.spec,
            used=told.used,
            spent=told.spent,
            earlier=told.earlier,
            assumptions=told.assumptions,
            changes=told.changes,
        )
    return _drafted(prepared, known, _resumed(prepared, known, past, told), told)


def _resumed(prepared: Prepared, known: Known, past: Past, told: Clarified) -> Draft:
    """The draft where a run had come to. Answers that are due were given upon the one before."""
    spec = believed(parse_spec(told.text), known.path)
    base = parse_spec(past.base.text) if past.base else known.spec
    said = {question.id: question.answer for question in spec.questions if question.answer is not None}
    before = {question.id: question.answer for question in base.questions} if base else {}
    given = {name: answer for name, answer in said.items() if before.get(name) != answer} if told.due else NO_ANSWERS
    return Draft(
        before=known.spec,
        spec=spec,
        waiting={name: answer for name, answer in prepared.wishes.answers.items() if said.get(name) != answer},
        base=base,
        given=given,
        due=told.due,
        spent=told.spent,
        earlier=told.earlier,
    )


def _drafted(prepared: Prepared, known: Known, first: Draft, told: Clarified | None) -> Clarity:
    """Go through it, and keep what there is however it ends. `told`: what the ledger was told last."""
    keeper = Keeper(known, prepared.folder)
    draft = first
    try:
        for draft in drafts(prepared, keeper, first):
            if not draft.over:
                told = _tell(prepared, keeper, draft, told)
    except KeyboardInterrupt:
        draft = replace(draft, ended=INTERRUPTED, agreed=False)
    except UsageError as error:
        if draft.spec is None or draft.spec is draft.before:
            raise
        raise UsageError(error.message, f"{error.hint} {_kept(prepared, keeper, draft)}") from None
    ended = draft.ended
    if ended is not None and draft.spec is None:
        ended = replace(ended, message=f"{ended.message} No spec was drafted.")
    elif ended is not None and not draft.drafted.is_confirmed:
        ended = replace(ended, message=f"{ended.message} {_kept(prepared, keeper, draft)}")
    if draft.spec is not None:
        _tell(prepared, keeper, draft, told)
    return Clarity(
        prepared=prepared,
        spec=draft.spec,
        used=_used(keeper, draft.spec) if draft.spec else None,
        spent=draft.spent,
        earlier=draft.earlier,
        ended=ended,
        state=draft.state,
        questions=draft.asked,
        assumptions=draft.assumptions,
        changes=draft.changes,
        contradictions=draft.against,
    )


def _kept(prepared: Prepared, keeper: Keeper, draft: Draft) -> str:
    """Keep the draft, and say where and how to go on."""
    before = draft.before
    ours = before is not None and not before.is_confirmed and is_about(prepared, before)
    if draft.due and draft.base is not None and draft.given:
        return keeper.keep(draft.base, draft.given, ours=ours or keeper.is_new)
    return keeper.keep(draft.drafted, NO_ANSWERS, ours=ours or keeper.is_new)


def _tell(prepared: Prepared, keeper: Keeper, draft: Draft, last: Clarified | None) -> Clarified:
    """Tell how far the draft has come, unless that is what was told last."""
    spec = draft.drafted
    told = Clarified(
        text=spec_to_yaml(spec),
        used=_used(keeper, spec),
        agreed=draft.agreed,
        rules=len(spec.rules),
        decisions=len(spec.decisions),
        questions=draft.asked,
        assumptions=draft.assumptions,
        changes=draft.changes,
        spent=draft.spent,
        earlier=draft.earlier,
        due=draft.due,
        reused=draft.reused,
    )
    if told != last:
        prepared.emit(told)
    return told


def _used(keeper: Keeper, spec: Spec) -> SpecUsed:
    mark = spec.confirmed if spec.is_confirmed else None
    return SpecUsed(str(keeper.place), spec.digest, mark.by if mark else None, mark.at if mark else None)
