"""A rule never decides anything, because another one always does."""

from collections import Counter
from collections.abc import Iterator, Mapping

from policyloop.access.inquiry.question_pool import Pool
from policyloop.access.inquiry.rounds import Ask
from policyloop.access.lint.check import Check, Target, place
from policyloop.access.lint.hole import Code, hole
from policyloop.access.lint.requests import Looked, answered, without
from policyloop.access.source import Policy, Rule
from policyloop.effects import ALLOW

CODE = Code("rule-shadowed", "warning")


def _asked(target: Target) -> Iterator[tuple[str, Looked]]:
    parents = target.parent_roles()
    of_one_name = Counter((policy.what, policy.name, policy.version) for policy in target.policies)
    for policy, rule in target.rules():
        # Where a policy stands in several scopes, a rule that is shadowed in its own may decide in another.
        if of_one_name[policy.what, policy.name, policy.version] == 1:
            yield place(rule), _shadowed(target.pool, policy, rule, parents)


def _shadowed(pool: Pool, policy: Policy, rule: Rule, parents: Mapping[str, frozenset[str]]) -> Looked:
    """A rule that another rule of the policy always decides for; confirmed by asking everything without it."""
    others = [other for other in policy.rules if other is not rule and _covers(other, rule, parents)]
    if not others:
        return ()
    other = others[0]
    if other.effect == rule.effect and _covers(rule, other, parents) and rule.line < other.line:
        return ()
    kinds = (rule.resource,)
    questions = pool.questions(kinds)
    normal = answered((yield Ask(kinds=kinds, questions=questions)))
    gone = without(pool.parts.bundle, rule)
    if answered((yield Ask(kinds=kinds, questions=questions, changed=gone))) != normal:
        return ()
    verb = "denies" if other.denies else "allows"
    message = f"{rule.name} never decides anything: {other.name}, line {other.line}, always {verb} what it is about"
    why = (f"Without it none of {len(questions)} requests is answered otherwise.",)
    asked = len(questions)
    bundle = pool.parts.bundle
    return (hole(bundle, CODE, rule.file, rule.node, message, why=why, asked=asked),)


def _covers(other: Rule, rule: Rule, parents: Mapping[str, frozenset[str]]) -> bool:
    """Whether `other` always decides what `rule` is about: no condition, its actions, its roles."""
    if other.conditional or (other.effect == ALLOW and rule.denies):
        return False
    if not ("*" in other.actions or set(rule.actions) <= set(other.actions)):
        return False
    if "*" in other.roles:
        return True
    own = set(other.roles)
    derived = all(d in other.derived_roles or parents.get(d, frozenset("*")) <= own for d in rule.derived_roles)
    return bool(rule.roles or rule.derived_roles) and set(rule.roles) <= own and derived


CHECK = Check(codes=(CODE,), asked=_asked)
