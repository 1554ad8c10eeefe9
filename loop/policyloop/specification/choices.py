"""What hangs on a question: the decisions are as with the option that was taken, and until then as recommended."""

from policyloop.specification.gap import Gaps, listed
from policyloop.specification.model import Option, Question, Spec
from policyloop.specification.vocabulary import Path


def check_choice(question: Question, spec: Spec, path: Path, gaps: Gaps) -> None:
    """The gaps of a question whose options say what they decide. What a person says in own words is theirs to hold."""
    ids = tuple(dict.fromkeys(name for option in question.options for name in option.decides))
    if not ids:
        return
    unknown = [name for name in ids if spec.decision(name) is None]
    if unknown:
        add = "Keep these decisions under their ids, or name the ones that hang on the question."
        gaps.add("unknown-decision", path, f"its options name {listed(unknown)}, which is no decision", add)
    for option in question.options:
        if silent := [name for name in ids if name not in option.decides]:
            add = "Let each option say `allow` or `deny` for each decision that hangs on the question."
            gaps.add(
                "option-undecided", path, f"option `{option.id}` does not say what becomes of {listed(silent)}", add
            )
    if all(option.decides == question.options[0].decides for option in question.options):
        add = "Let the options differ in a decision, or leave the question out: nothing hangs on it."
        gaps.add("options-alike", path, "all its options decide the same", add)
    taken = _taken(question)
    if taken is not None:
        _check_taken(question, taken, spec, path, gaps)


def _taken(question: Question) -> Option | None:
    """The option that holds now: the chosen one, and while nobody has answered the recommended one."""
    if question.answer is not None:
        return next((option for option in question.options if option.id == question.answer), None)
    return next((option for option in question.options if option.recommended), None)


def _check_taken(question: Question, taken: Option, spec: Spec, path: Path, gaps: Gaps) -> None:
    for name, effect in taken.decides.items():
        decision = spec.decision(name)
        if decision is None or decision.expect == effect:
            continue
        code, how = ("not-as-answered", "was taken") if question.answer is not None else (
            "not-as-recommended", "is recommended")  # fmt: skip
        message = (
            f"option `{taken.id}` {how}, which says {effect} for `{name}`, but the decision says {decision.expect}"
        )
        gaps.add(code, path, message, "Bring the rules and this decision to what the option says.")
