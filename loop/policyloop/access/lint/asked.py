"""What only shows when it is asked: each suspicion is put to the real Cerbos, with and without the rule.

Source: Cerbos 0.55.0, observed. Each role of a person is decided by itself and one that is allowed is enough, so a deny
for one role does not hold against an allow for another. A condition that cannot be evaluated counts as not met, also
that of a deny, unless the server evaluates strictly; then it denies.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from policyloop.access.lint.hole import Hole, Shown, hole
from policyloop.access.named import OTHER_ACTION, OTHER_ROLE
from policyloop.access.pool import Effects, Pool, size
from policyloop.access.questions import Question
from policyloop.access.rounds import Ask, Steps
from policyloop.access.source import Policy, Rule, spliced
from policyloop.access.source.splice import as_list, without_item, without_pair
from policyloop.access.universe.enumerate import UNKNOWN_ACTION, UNKNOWN_ROLE
from policyloop.bundle import Bundle
from policyloop.guard.demand import ALLOW, DENY

Looked = Steps[tuple[Hole, ...]]
"""An investigation, and the holes that it finds. Raises `NotLookedAt`."""

_NOBODY = frozenset({OTHER_ROLE, UNKNOWN_ROLE})
_NOTHING = frozenset({OTHER_ACTION, UNKNOWN_ACTION})
_MOST_ROLES = 4


class NotLookedAt(Exception):
    """The compiler does not take the bundle that would tell."""


def without(bundle: Bundle, rule: Rule) -> dict[str, str]:
    """The text of the rule's file without it."""
    text, place = bundle[rule.file], rule.place
    return {rule.file: spliced(text, [without_item(text, place.key, place.node, place.index)])}


def for_everyone(bundle: Bundle, rule: Rule) -> dict[str, str] | None:
    """The text of the rule's file in which it is about every role; None for a rule of derived roles alone."""
    pair, derived = rule.node.pair("roles"), rule.node.pair("derivedRoles")
    if pair is None:
        return None
    text = bundle[rule.file]
    edits = [as_list(text, *pair, ["*"])]
    if derived is not None:
        edits.append(without_pair(text, rule.node, *derived))
    return {rule.file: spliced(text, edits)}


def fails_open(pool: Pool, rule: Rule) -> Looked:
    """A conditional deny that does nothing where its condition fails: allowed, but denied under strict evaluation.

    That it is this rule is shown by taking it away: then strict evaluation allows as well.
    """
    if not (rule.denies and rule.conditional):
        return ()
    kinds, gone = (rule.resource,), without(pool.parts.bundle, rule)
    for schemas in (True, False):
        allowed = yield from _allowed(pool, kinds, schemas=schemas)
        strict = _given((yield Ask(kinds=kinds, questions=allowed, strict=True, schemas=schemas)))
        suspects = [question for question, effect in zip(allowed, strict, strict=True) if effect == DENY]
        blamed = _given((yield Ask(kinds=kinds, questions=suspects, changed=gone, strict=True, schemas=schemas)))
        shown = [question for question, effect in zip(suspects, blamed, strict=True) if effect == ALLOW]
        if shown:
            only = "" if schemas else ", on a server that does not enforce the schemas"
            because = f"the condition of {rule.name} cannot be evaluated, so the deny does nothing{only}"
            message = (
                f"{rule.name} denies nothing when its condition cannot be evaluated: an attribute that is absent or of "
                "another type opens what it closes"
            )
            why = ("Test for the attribute with has(), and deny where it is missing.",)
            witness = Shown(_least(shown), ALLOW, because)
            return (_shown(pool, "deny-fails-open", rule, message, witness, why=why),)
    return ()


def _allowed(pool: Pool, kinds: tuple[str, ...], *, schemas: bool) -> Steps[Sequence[Question]]:
    """What is allowed where schemas are enforced; or, of what is denied there, what is allowed where they are not.

    An enforced schema only denies. So nothing else can differ, and nothing else need be asked.
    """
    questions = pool.questions(kinds)
    normal = _given((yield Ask(kinds=kinds, questions=questions)))
    if schemas:
        return pool.chosen(questions, normal, ALLOW)
    if not pool.has_schemas(kinds):
        return ()
    denied = pool.chosen(questions, normal, DENY)
    without_ = _given((yield Ask(kinds=kinds, questions=denied, schemas=False)))
    return pool.chosen(denied, without_, ALLOW)


def defeated(pool: Pool, rule: Rule, parents: frozenset[str]) -> Looked:
    """A deny on some roles, and a person with one of them and another role who is allowed all the same.

    `parents` are the roles that the rule is about, also by way of derived roles. Whoever is allowed through another
    role is asked about once more with each of these added.
    """
    if not rule.denies or "*" in parents:
        return ()
    kinds = (rule.resource,)
    questions = pool.questions(kinds)
    normal = _given((yield Ask(kinds=kinds, questions=questions)))
    allowed = [
        question
        for question, effect in zip(questions, normal, strict=True)
        if effect == ALLOW and _acts(rule, question.request.action) and _roles(question) - parents
    ]
    both = _once(
        _with_roles(question, tuple(sorted(_roles(question) | {role})))
        for question in allowed
        for role in sorted(parents)[:_MOST_ROLES]
    )
    both = _once([*(question for question in allowed if _roles(question) & parents), *both])
    still = _given((yield Ask(kinds=kinds, questions=both)))
    suspects = [question for question, effect in zip(both, still, strict=True) if effect == ALLOW]
    wide = for_everyone(pool.parts.bundle, rule)
    if wide is not None:
        after = _given((yield Ask(kinds=kinds, questions=suspects, changed=wide)))
        shown = [question for question, effect in zip(suspects, after, strict=True) if effect == DENY]
    else:
        alone = [_with_roles(question, tuple(sorted(_roles(question) & parents))) for question in suspects]
        now = _given((yield Ask(kinds=kinds, questions=alone)))
        gone = without(pool.parts.bundle, rule)
        then = _given((yield Ask(kinds=kinds, questions=alone, changed=gone)))
        rows = zip(suspects, now, then, strict=True)
        shown = [question for question, *effects in rows if effects == [DENY, ALLOW]]
    if not shown:
        return ()
    least = _least(shown)
    own, other = sorted(_roles(least) & parents), sorted(_roles(least) - parents)
    message = (
        f"{rule.name} denies {_some(own)}, but not a person who is also {_some(other)}: each role is decided by itself"
    )
    because = f"through {_some(other)}, although {rule.name} denies {_some(own)}"
    why = (
        "A deny that shall hold for everyone with the role is written for roles: ['*'], with a condition on the roles.",
    )
    return (_shown(pool, "deny-defeated", rule, message, Shown(least, ALLOW, because), why=why),)


def wildcards(pool: Pool, rule: Rule) -> Looked:
    """Allows for any action, or for any role."""
    action, role = "*" in rule.actions, "*" in rule.roles
    if rule.policy != "resource" or rule.effect != ALLOW or not (action or role):
        return ()
    kinds = (rule.resource,)
    questions = pool.questions(kinds)
    normal = _given((yield Ask(kinds=kinds, questions=questions)))
    telling = [
        question
        for question, effect in zip(questions, normal, strict=True)
        if effect == ALLOW and (question.request.action in _NOTHING or _roles(question) <= _NOBODY)
    ]
    gone = without(pool.parts.bundle, rule)
    removed = _given((yield Ask(kinds=kinds, questions=telling, changed=gone)))
    mine = [question for question, effect in zip(telling, removed, strict=True) if effect == DENY]
    actions = [question for question in mine if question.request.action in _NOTHING]
    roles = [question for question in mine if _roles(question) <= _NOBODY]
    holes: list[Hole] = []
    for code, is_one, sign, shown in (
        ("wildcard-action", action, "every action", actions),
        ("wildcard-role", role, "every role", roles),
    ):
        if is_one:
            where = " where its condition holds" if rule.conditional else ""
            message = f"{rule.name} allows {sign}{where}, also one that is invented later"
            because = f"{rule.name} allows it, though nobody has named it"
            witness = Shown(_least(shown), ALLOW, because) if shown else None
            holes.append(_shown(pool, code, rule, message, witness))
    return tuple(holes)


def shadowed(pool: Pool, policy: Policy, rule: Rule, parents: dict[str, frozenset[str]]) -> Looked:
    """A rule that another rule of the policy always decides for; confirmed by asking everything without it."""
    others = [other for other in policy.rules if other is not rule and _covers(other, rule, parents)]
    if not others:
        return ()
    other = others[0]
    if other.effect == rule.effect and _covers(rule, other, parents) and rule.line < other.line:
        return ()
    kinds = (rule.resource,)
    questions = pool.questions(kinds)
    normal = _given((yield Ask(kinds=kinds, questions=questions)))
    gone = without(pool.parts.bundle, rule)
    if _given((yield Ask(kinds=kinds, questions=questions, changed=gone))) != normal:
        return ()
    verb = "denies" if other.denies else "allows"
    message = f"{rule.name} never decides anything: {other.name}, line {other.line}, always {verb} what it is about"
    why = (f"Without it none of {len(questions)} requests is answered otherwise.",)
    asked = len(questions)
    bundle = pool.parts.bundle
    return (hole(bundle, "rule-shadowed", rule.file, rule.node, message, why=why, asked=asked),)


def _covers(other: Rule, rule: Rule, parents: dict[str, frozenset[str]]) -> bool:
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


def unenforced(pool: Pool, policy: Policy, enforcement: str) -> Looked:
    """Requests that a schema would stop, and that the server lets through."""
    kinds, refs = (policy.name,), policy.body.get("schemas")
    if refs is None or enforcement == "reject":
        return ()
    shown = yield from _allowed(pool, kinds, schemas=False)
    said = "does not say schema.enforcement" if enforcement == "none" else f"says schema.enforcement: {enforcement}"
    message = f"{policy.name} has a schema, but the server's configuration {said}"
    witness = Shown(_least(shown), ALLOW, "although the schema rejects it") if shown else None
    return (hole(pool.parts.bundle, "schema-not-enforced", policy.file, refs, message, witness=witness),)


def _given(effects: Effects | None) -> Effects:
    if effects is None:
        raise NotLookedAt
    return effects


def _shown(pool: Pool, code: str, rule: Rule, message: str, witness: Shown | None, **more: Any) -> Hole:
    return hole(pool.parts.bundle, code, rule.file, rule.node, message, witness=witness, **more)


def _least(questions: Sequence[Question]) -> Question:
    return min(questions, key=size)


def _roles(question: Question) -> set[str]:
    return set(question.request.principal.roles)


def _acts(rule: Rule, action: str) -> bool:
    """Whether the rule may be about an action: a pattern may be about any."""
    return action in rule.actions or any("*" in pattern for pattern in rule.actions)


def _once(questions: Iterable[Question]) -> list[Question]:
    return list({question.key: question for question in questions}.values())


def _with_roles(question: Question, roles: tuple[str, ...]) -> Question:
    request = question.request
    return replace(question, request=replace(request, principal=replace(request.principal, roles=roles)))


def _some(roles: Iterable[str]) -> str:
    return ", ".join(roles)
