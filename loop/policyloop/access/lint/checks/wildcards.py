"""A rule allows every action, or every role, also those that nobody has thought of yet."""

from collections.abc import Iterator

from policyloop.access.inquiry.question_pool import Pool
from policyloop.access.inquiry.rounds import Ask
from policyloop.access.lint.check import Check, Target, place
from policyloop.access.lint.hole import Code, Hole, Shown
from policyloop.access.lint.requests import Looked, answered, hole_of_rule, roles_of, smallest, without
from policyloop.access.source import Rule
from policyloop.effects import ALLOW, DENY

ACTION = Code("wildcard-action", "warning")
ROLE = Code("wildcard-role", "warning")


def _asked(target: Target) -> Iterator[tuple[str, Looked]]:
    for _, rule in target.rules():
        yield place(rule), _wildcards(target.pool, rule)


def _wildcards(pool: Pool, rule: Rule) -> Looked:
    """Allows for any action, or for any role."""
    action, role = "*" in rule.actions, "*" in rule.roles
    if rule.policy != "resource" or rule.effect != ALLOW or not (action or role):
        return ()
    kinds = (rule.resource,)
    questions, unnamed = pool.questions(kinds), pool.material(rule.resource)
    normal = answered((yield Ask(kinds=kinds, questions=questions)))
    telling = [
        question
        for question, effect in zip(questions, normal, strict=True)
        if effect == ALLOW and (question.request.action in unnamed.nothing or roles_of(question) <= unnamed.nobody)
    ]
    gone = without(pool.parts.bundle, rule)
    removed = answered((yield Ask(kinds=kinds, questions=telling, changed=gone)))
    mine = [question for question, effect in zip(telling, removed, strict=True) if effect == DENY]
    actions = [question for question in mine if question.request.action in unnamed.nothing]
    roles = [question for question in mine if roles_of(question) <= unnamed.nobody]
    holes: list[Hole] = []
    for code, is_one, sign, shown in (
        (ACTION, action, "every action", actions),
        (ROLE, role, "every role", roles),
    ):
        if is_one:
            where = " where its condition holds" if rule.conditional else ""
            message = f"{rule.name} allows {sign}{where}, also one that is invented later"
            because = f"{rule.name} allows it, though nobody has named it"
            witness = Shown(smallest(shown), ALLOW, because) if shown else None
            holes.append(hole_of_rule(pool, code, rule, message, witness))
    return tuple(holes)


CHECK = Check(codes=(ACTION, ROLE), asked=_asked)
