"""What a person adds to a spec: answers, assumptions that stand in for them, a confirmation, releases."""

import difflib
import re
from collections.abc import Mapping

from policyloop.errors import UsageError
from policyloop.guard import Release
from policyloop.specification.model import Confirmed, Question, Spec

_ONE_WORD = re.compile(r"[\x21-\x7e]{1,40}\Z")
"""A word as an option's id is one; where no spaces are written between words, many are none."""


def with_answers(spec: Spec, answers: Mapping[str, str]) -> Spec:
    """The spec with `answers` (question id -> option id, or other words). Raises `UsageError` for one nobody asked."""
    known = [question.id for question in spec.questions]
    for name, answer in answers.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"Did you mean `{near[0]}`?" if near else f"Asked are: {', '.join(known) or 'none'}."
            raise UsageError(f"Nobody asked the question `{name}`.", hint)
        if not answer.strip():
            raise UsageError(f"The answer to `{name}` is empty.")
    questions = tuple(
        one.model_copy(update={"answer": answers[one.id], "assumed": False}) if one.id in answers else one
        for one in spec.questions
    )
    return _changed(spec, questions=questions)


def assuming(spec: Spec) -> Spec:
    """The spec with the recommended option taken, as an assumption, wherever a question is open."""
    return _changed(spec, questions=tuple(_assumed(question) for question in spec.questions))


def assumptions(spec: Spec) -> tuple[str, ...]:
    """What the spec takes for granted, in sentences: its own assumptions, and answers that nobody gave."""
    return (*spec.assumptions, *assumed_answers(spec))


def assumed(spec: Spec) -> tuple[Question, ...]:
    """The questions whose answers nobody gave."""
    return tuple(one for one in spec.questions if one.assumed)


def assumed_answers(spec: Spec) -> tuple[str, ...]:
    """The answers that nobody gave, in sentences."""
    return tuple(f"{one.text} Assumed: {answer_text(one)}." for one in assumed(spec))


def check_choices(spec: Spec, answers: Mapping[str, str]) -> None:
    """Raises `UsageError` for an answer that nobody asked for, or that is no option and no words of a person's own."""
    with_answers(spec, answers)
    for question in spec.questions:
        if question.id in answers and (wrong := wrong_choice(question, answers[question.id])):
            raise UsageError(*wrong)


def wrong_choice(question: Question, said: str) -> tuple[str, str] | None:
    """What is wrong with an answer, and the right ones; None for an option's id, or for words of a person's own.

    One word that is no option is a slip, or a cry for help (`?`): nobody could tell what it decides.
    """
    options = [option.id for option in question.options]
    if not options or said in options or not _ONE_WORD.match(said):
        return None
    near = difflib.get_close_matches(said, options, 1, 0.75)
    right = "; ".join(f"{option.id} ({option.text})" for option in question.options)
    return (
        f"`{said}` is no option of the question `{question.id}`.",
        f"{f'Did you mean `{near[0]}`? ' if near else ''}Its options: {right}; or say it in your own words.",
    )


def is_answered(question: Question) -> bool:
    """Whether it has an answer, from a person or assumed."""
    return bool(question.answer and question.answer.strip())


def answer_text(question: Question) -> str | None:
    """The answer in words, None while the question is open."""
    chosen = next((option.text for option in question.options if option.id == question.answer), question.answer)
    return chosen or None


def confirm(spec: Spec, by: str, at: str, *, seen: bool = True) -> Spec:
    """The spec as confirmed by a person at a moment, over the content that it has now.

    Who has `seen` it takes its assumed answers for their own; else they stay marked as assumed.
    """
    marks = () if seen else assumed(spec)
    questions = tuple(one.model_copy(update={"assumed": one in marks}) for one in spec.questions)
    settled = _changed(spec, questions=questions)
    return _changed(settled, confirmed=Confirmed(by=by, at=at, digest=settled.digest))


def releases_of(spec: Spec) -> tuple[Release, ...]:
    """What the spec releases, for `Lock.release`; the reason names the rule that replaces each."""
    return tuple(
        Release(
            one.suite,
            one.test,
            one.principal,
            one.resource,
            one.action,
            f"replaced by rule {one.replaced_by}",
            one.demanded or "",
            one.instead or "",
            one.file or "",
        )
        for one in spec.releases
    )


def _assumed(question: Question) -> Question:
    if answer_text(question) is not None:
        return question
    recommended = next((option.id for option in question.options if option.recommended), None)
    return question.model_copy(update={"answer": recommended, "assumed": recommended is not None})


def _changed(spec: Spec, **fields: object) -> Spec:
    changed: Spec = spec.model_copy(update=fields)
    return changed
