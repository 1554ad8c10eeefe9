"""The confirmed spec as a model is told it: each decision once, without what code has written of it."""

from collections.abc import Mapping
from typing import Any

from policyloop.errors import UsageError
from policyloop.specification import FILE_NAME, Spec, answer_text, spec_of
from policyloop.specification.draft import draft_text, read_draft
from policyloop.specification.printing import dense_yaml


def rules_text(plain: Mapping[str, Any]) -> str:
    """The spec without the purposes, which are for people, and with what a person answered in another way than was
    recommended. What is no spec is told as it is.
    """
    try:
        spec = spec_of(dict(plain))
    except UsageError:
        return dense_yaml(plain)
    usual = {
        (question.id, option.id) for question in spec.questions for option in question.options if option.recommended
    }
    own = (question for question in spec.questions if (question.id, question.answer) not in usual)
    answers = {question.text: answer_text(question) for question in own}
    told = dense_yaml({"answers": answers}) if answers else ""
    rules = tuple(rule.model_copy(update={"purpose": ""}) for rule in spec.rules)
    return draft_text(_bare(spec).model_copy(update={"rules": rules})) + told


def knows_rules(seen: Mapping[str, str], plain: Mapping[str, Any], request: str) -> bool:
    """Whether a conversation that has `seen` the draft knows the rules of the confirmed spec.

    An answer that is not the recommended one was taken in by the model, with the draft before its eyes.
    """
    if FILE_NAME not in seen:
        return False
    try:
        return _bare(read_draft(seen[FILE_NAME], request)) == _bare(spec_of(dict(plain)))
    except UsageError:
        return False


def _bare(spec: Spec) -> Spec:
    """The rules and decisions alone."""
    bare: Spec = spec.model_copy(update={"questions": (), "releases": (), "confirmed": None})
    return bare
