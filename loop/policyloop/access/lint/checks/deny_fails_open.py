"""A conditional deny does nothing when its condition cannot be evaluated.

Source: Cerbos 0.55.0, observed. A condition that cannot be evaluated counts as not met, also that of a deny, unless the
server evaluates strictly; then it denies.
"""

from collections.abc import Iterator

from policyloop.access.inquiry.question_pool import Pool
from policyloop.access.inquiry.rounds import Ask
from policyloop.access.lint.check import Check, Target, place
from policyloop.access.lint.hole import Code, Shown
from policyloop.access.lint.requests import Looked, allowed_questions, answered, hole_of_rule, smallest, without
from policyloop.access.source import Rule
from policyloop.effects import ALLOW, DENY

CODE = Code("deny-fails-open", "warning")


def _asked(target: Target) -> Iterator[tuple[str, Looked]]:
    for _, rule in target.rules():
        yield place(rule), _fails_open(target.pool, rule)


def _fails_open(pool: Pool, rule: Rule) -> Looked:
    """A conditional deny that does nothing where its condition fails: allowed, but denied under strict evaluation.

    That it is this rule is shown by taking it away: then strict evaluation allows as well.
    """
    if not (rule.denies and rule.conditional):
        return ()
    kinds, gone = (rule.resource,), without(pool.parts.bundle, rule)
    for schemas in (True, False):
        allowed = yield from allowed_questions(pool, kinds, schemas=schemas)
        strict = answered((yield Ask(kinds=kinds, questions=allowed, strict=True, schemas=schemas)))
        suspects = [question for question, effect in zip(allowed, strict, strict=True) if effect == DENY]
        blamed = answered((yield Ask(kinds=kinds, questions=suspects, changed=gone, strict=True, schemas=schemas)))
        shown = [question for question, effect in zip(suspects, blamed, strict=True) if effect == ALLOW]
        if shown:
            only = "" if schemas else ", on a server that does not enforce the schemas"
            because = f"the condition of {rule.name} cannot be evaluated, so the deny does nothing{only}"
            message = (
                f"{rule.name} denies nothing when its condition cannot be evaluated: an attribute that is absent or of "
                "another type opens what it closes"
            )
            why = ("Test for the attribute with has(), and deny where it is missing.",)
            witness = Shown(smallest(shown), ALLOW, because)
            return (hole_of_rule(pool, CODE, rule, message, witness, why=why),)
    return ()


CHECK = Check(codes=(CODE,), asked=_asked)
