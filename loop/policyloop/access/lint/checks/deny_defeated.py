"""A deny on one role does nothing for people who also have another role.

Source: Cerbos 0.55.0, observed. Each role of a person is decided by itself and one that is allowed is enough, so a deny
for one role does not hold against an allow for another.
"""

from collections.abc import Iterator

from policyloop.access.inquiry.question_pool import Pool
from policyloop.access.inquiry.rounds import Ask
from policyloop.access.lint.check import Check, Target, place
from policyloop.access.lint.hole import Code, Shown
from policyloop.access.lint.requests import (
    Looked,
    answered,
    for_everyone,
    hole_of_rule,
    listed,
    may_be_about,
    once,
    roles_of,
    smallest,
    with_roles,
    without,
)
from policyloop.access.source import Rule
from policyloop.effects import ALLOW, DENY

CODE = Code("deny-defeated", "warning")
MOST_ROLES = 4
"""The most roles of a deny that are added to somebody who is allowed without them."""


def _asked(target: Target) -> Iterator[tuple[str, Looked]]:
    parents = target.parent_roles()
    everyone = frozenset("*")
    for _, rule in target.rules():
        of_derived = [parents.get(name, everyone) for name in rule.derived_roles]
        yield place(rule), _defeated(target.pool, rule, frozenset(rule.roles).union(*of_derived))


def _defeated(pool: Pool, rule: Rule, parents: frozenset[str]) -> Looked:
    """A deny on some roles, and a person with one of them and another role who is allowed all the same.

    `parents` are the roles that the rule is about, also by way of derived roles. Whoever is allowed through another
    role is asked about once more with each of these added.
    """
    if not rule.denies or "*" in parents:
        return ()
    kinds = (rule.resource,)
    questions = pool.questions(kinds)
    normal = answered((yield Ask(kinds=kinds, questions=questions)))
    allowed = [
        question
        for question, effect in zip(questions, normal, strict=True)
        if effect == ALLOW and may_be_about(rule, question.request.action) and roles_of(question) - parents
    ]
    both = once(
        with_roles(question, tuple(sorted(roles_of(question) | {role})))
        for question in allowed
        for role in sorted(parents)[:MOST_ROLES]
    )
    both = once([*(question for question in allowed if roles_of(question) & parents), *both])
    still = answered((yield Ask(kinds=kinds, questions=both)))
    suspects = [question for question, effect in zip(both, still, strict=True) if effect == ALLOW]
    wide = for_everyone(pool.parts.bundle, rule)
    if wide is not None:
        after = answered((yield Ask(kinds=kinds, questions=suspects, changed=wide)))
        shown = [question for question, effect in zip(suspects, after, strict=True) if effect == DENY]
    else:
        alone = [with_roles(question, tuple(sorted(roles_of(question) & parents))) for question in suspects]
        now = answered((yield Ask(kinds=kinds, questions=alone)))
        gone = without(pool.parts.bundle, rule)
        then = answered((yield Ask(kinds=kinds, questions=alone, changed=gone)))
        rows = zip(suspects, now, then, strict=True)
        shown = [question for question, *effects in rows if effects == [DENY, ALLOW]]
    if not shown:
        return ()
    least = smallest(shown)
    own, other = sorted(roles_of(least) & parents), sorted(roles_of(least) - parents)
    but = f"but not a person who is also {listed(other)}: each role is decided by itself"
    message = f"{rule.name} denies {listed(own)}, {but}"
    because = f"through {listed(other)}, although {rule.name} denies {listed(own)}"
    why = (
        "A deny that shall hold for everyone with the role is written for roles: ['*'], with a condition on the roles.",
    )
    return (hole_of_rule(pool, CODE, rule, message, Shown(least, ALLOW, because), why=why),)


CHECK = Check(codes=(CODE,), asked=_asked)
