"""What a role policy lists is allowed nowhere for that role."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from policyloop.access.ask.questions import Question
from policyloop.access.inquiry.aliases import about
from policyloop.access.inquiry.question_pool import Pool, size
from policyloop.access.inquiry.rounds import Ask, Steps
from policyloop.access.lint.check import Check, Target, place
from policyloop.access.lint.hole import Code, Hole, Shown, hole
from policyloop.access.lint.requests import Looked
from policyloop.access.source import Policy, Rule, Splice, spliced
from policyloop.access.source.splice import rewritten
from policyloop.effects import ALLOW, DENY

CODE = Code("role-policy-grants-nothing", "warning")

ODD = re.compile(r"[^A-Za-z0-9_.]")
"""Characters of a kind at which Cerbos 0.55.0 may look the kind up under another name in a role policy."""


def _asked(target: Target) -> Iterator[tuple[str, Looked]]:
    for policy, rule in target.rules("role"):
        yield place(rule), _grants_nothing(target.pool, policy, rule)


def _grants_nothing(pool: Pool, policy: Policy, rule: Rule) -> Steps[tuple[Hole, ...]]:
    """What a role policy lists and no request with that role alone was allowed; and why, as far as that is known.

    Where the kind's name holds odd characters, the same is asked of policies in which it does not: when they allow it,
    the name is the cause.
    """
    kinds = _kinds(pool, rule)
    asked = _questions(pool, policy, rule, kinds)
    effects = yield Ask(kinds=kinds, questions=asked, schemas=False)
    if effects is None or ALLOW in effects:
        return ()
    what = f"{', '.join(rule.actions)} {rule.resource}"
    odd = "".join(dict.fromkeys(ODD.findall(rule.resource.replace("*", ""))))
    if odd and kinds == (rule.resource,):
        plain = ODD.sub("_x_", rule.resource)
        changed = _renamed(pool, rule.resource, plain)
        moved = [about(question, plain) for question in asked]
        after = yield Ask(kinds=(*kinds, plain), questions=moved, changed=changed, schemas=False)
        if after is not None and ALLOW in after:
            signs = " and ".join(repr(sign) for sign in odd)
            message = (
                f"the role {policy.name} cannot {what}, though {rule.name} lists it: the kind's name holds {signs}, "
                "and Cerbos 0.55 does not find such a kind in a role policy"
            )
            why = (f"With the kind called {plain} in every policy, the same requests are allowed.",)
            return (_hole(pool, rule, message, why, asked, effects),)
    message = f"the role {policy.name} cannot {what}, though {rule.name} lists it: {_reason(pool, policy, rule, kinds)}"
    why = (
        "A role policy only narrows what resource policies allow for the role itself, its parent roles or everyone.",
    )
    return (_hole(pool, rule, message, why, asked, effects),)


def _kinds(pool: Pool, rule: Rule) -> tuple[str, ...]:
    known = pool.parts.kinds
    return (rule.resource,) if rule.resource in known else known if "*" in rule.resource else ()


def _questions(pool: Pool, policy: Policy, rule: Rule, kinds: Sequence[str]) -> list[Question]:
    every = any("*" in action for action in rule.actions)
    asked: dict[tuple[str, str], Question] = {}
    for kind in kinds:
        for question in pool.questions([kind]):
            if every or question.request.action in rule.actions:
                alone = _with_role(question, policy.name)
                asked.setdefault(alone.key, alone)
    return list(asked.values())


def _reason(pool: Pool, policy: Policy, rule: Rule, kinds: Sequence[str]) -> str:
    """What the texts say; where they do not settle it, only that it was searched."""
    own = {policy.name, *(item.text for item in policy.body.listed("parentRoles")), "*"}
    lets = [
        other
        for one in pool.parts.policies
        if one.what == "resource" and one.name in kinds
        for other in one.rules
        if other.effect == ALLOW and (set(other.roles) & own or other.derived_roles) and _share(other, rule)
    ]
    if lets:
        where = f"{lets[0].file}:{lets[0].line}"
        return f"none of the requests asked was allowed, although a rule at {where} may be about it"
    return "no resource policy allows it to the role, its parent roles or everyone"


def _share(one: Rule, other: Rule) -> bool:
    """Whether two rules may have an action in common."""
    some = any("*" in action for action in (*one.actions, *other.actions))
    return some or bool(set(one.actions) & set(other.actions))


def _renamed(pool: Pool, kind: str, plain: str) -> dict[str, str]:
    """Every policy that names the kind, with another name for it."""
    bundle = pool.parts.bundle
    changed: dict[str, str] = {}
    for policy in pool.parts.policies_about(kind):
        text = bundle[policy.file]
        splices = {splice.start: splice for splice in _splices(text, policy, kind, plain)}
        if splices:
            changed[policy.file] = spliced(text, splices.values())
    return changed


def _splices(text: str, policy: Policy, kind: str, plain: str) -> Iterator[Splice]:
    named = policy.body.get("resource")
    if policy.what == "resource" and named is not None:
        yield rewritten(text, named, plain)
    for rule in policy.rules:
        named = rule.node.get("resource") if policy.what == "role" and rule.resource == kind else None
        if named is not None:
            yield rewritten(text, named, plain)


def _with_role(question: Question, role: str) -> Question:
    request = question.request
    return replace(question, request=replace(request, principal=replace(request.principal, roles=(role,))))


def _hole(
    pool: Pool,
    rule: Rule,
    message: str,
    why: tuple[str, ...],
    asked: Sequence[Question],
    effects: Sequence[str | None],
) -> Hole:
    denied = [question for question, effect in zip(asked, effects, strict=True) if effect == DENY]
    witness = Shown(min(denied, key=size), DENY, f"although {rule.name} lists the action") if denied else None
    return hole(pool.parts.bundle, CODE, rule.file, rule.node, message, why=why, witness=witness, asked=len(asked))


CHECK = Check(codes=(CODE,), asked=_asked)
