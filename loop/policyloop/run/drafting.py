"""From nothing, or from a spec that is there, to a whole one: the model drafts, and a person or a file answers.

Everything is a step from one draft to the next. Each is yielded as soon as it is there, so that an interrupt or a kill
loses nothing that a person said.
"""

from collections.abc import Generator, Iterator
from dataclasses import replace

from policyloop import outcome
from policyloop.confirmed.against import unreleased
from policyloop.run.agree import agreeing
from policyloop.run.ask_model import ask_model
from policyloop.run.draft import Draft, answered, answered_from_file, stopped
from policyloop.run.keeping import Keeper
from policyloop.run.letting import released_by
from policyloop.run.prepared import Prepared
from policyloop.specification import Spec, assuming, check_spec
from policyloop.specification.draft import same_words

Drafts = Generator[Draft, None, Draft]
"""Yields each draft on the way, and returns the last."""


def drafts(prepared: Prepared, keeper: Keeper, first: Draft) -> Iterator[Draft]:
    """Every draft from `first` on; the last one is over. Raises `UsageError` for answers that fit no question."""
    if _is_settled(prepared, first.spec):
        yield replace(first, agreed=True, reused=True)
        return
    draft = yield from _completing(prepared, first)
    if not draft.over:
        draft = yield from agreeing(prepared, keeper, draft)
    yield draft


def is_about(prepared: Prepared, spec: Spec | None) -> bool:
    """Whether the spec is about what this run asks for."""
    return spec is not None and same_words(spec.request, prepared.request)


def _is_settled(prepared: Prepared, spec: Spec | None) -> bool:
    """Whether a spec about this request was confirmed before, and nothing that is there speaks against it."""
    if spec is None or not spec.is_confirmed or not is_about(prepared, spec) or check_spec(spec):
        return False
    return not unreleased(spec, prepared.hold.start, prepared.releases)


def _completing(prepared: Prepared, draft: Draft) -> Drafts:
    """Until no question is open and the model has taken in every answer."""
    if draft.waiting and is_about(prepared, draft.spec):
        draft = answered_from_file(draft)
        yield draft
    if _needs_model(prepared, draft):
        draft = ask_model(prepared, draft)
        yield draft
    while not draft.over:
        if draft.waiting:
            draft = answered_from_file(draft)
            yield draft
        elif draft.open_questions:
            draft = yield from _settling(prepared, draft)
        if draft.over or not (draft.due or draft.open_questions):
            break
        if draft.due:
            draft = ask_model(prepared, draft)
            yield draft
    return draft


def _needs_model(prepared: Prepared, draft: Draft) -> bool:
    """Whether the model comes first. With a person there, all questions do: so it takes in all answers at once."""
    if not is_about(prepared, draft.spec) or draft.lacks_more_than_answers:
        return True
    asks_on = prepared.person is not None and bool(draft.open_questions)
    return draft.due and not asks_on


def _settling(prepared: Prepared, draft: Draft) -> Drafts:
    """Answers from a person, or assumptions for them; else this is as far as it goes."""
    questions = draft.open_questions
    if prepared.wishes.assume:
        draft = replace(draft, spec=assuming(draft.drafted))
        if draft.open_questions:
            return stopped(draft, outcome.person("questions", "A question has no recommended answer to assume."))
        return draft
    if prepared.person is None:
        count = len(questions)
        words = f"{count} question{'s' * (count != 1)} must be answered first: --answers FILE, or --assume."
        against = unreleased(draft.drafted, prepared.hold.start, prepared.releases)
        return stopped(draft, outcome.person("questions", f"{words}{released_by(prepared, against)}"), against)
    yield draft
    for number, question in enumerate(questions, 1):
        with prepared.clock.paused():
            answer = prepared.person.answer(question, number, len(questions))
        draft = answered(draft, {question.id: answer})
        yield draft
    return draft
