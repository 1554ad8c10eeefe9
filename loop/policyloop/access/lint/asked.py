"""What only shows when it is asked: each suspicion is put to the compiler's own engine, with and without the rule.

Source: Cerbos 0.55.0, observed. Each role of a person is decided by itself and one that is allowed is enough, so a deny
for one role does not hold against an allow for another. A condition that cannot be evaluated counts as not met, also
that of a deny, unless the server evaluates strictly; then it denies.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from policyloop.access.lint.hole import Hole, Shown, hole
from policyloop.access.nearby import OTHER_ACTION, OTHER_ROLE
from policyloop.access.pool import Pool, size
from policyloop.access.questions import Question, put
from policyloop.access.source import Policy, Rule, spliced
from policyloop.access.source.splice import as_list, without_item, without_pair
from policyloop.access.universe.enumerate import UNKNOWN_ACTION, UNKNOWN_ROLE
from policyloop.bundle import Bundle, Write
from policyloop.guard.demand import ALLOW, DENY

_NOBODY = frozenset({OTHER_ROLE, UNKNOWN_ROLE})
_NOTHING = frozenset({OTHER_ACTION, UNKNOWN_ACTION})


def without(bundle: Bundle, rule: Rule) -> Bundle:
    """The bundle without one rule."""
    text, place = bundle[rule.file], rule.place
    return bundle.apply([Write(rule.file, spliced(text, [without_item(text, place.key, place.node, place.index)]))])


def for_everyone(bundle: Bundle, rule: Rule) -> Bundle | None:
    """The bundle with one rule of named roles that is about every role; None for a rule of derived roles alone."""
    pair, derived = rule.node.pair("roles"), rule.node.pair("derivedRoles")
    if pair is None:
        return None
    text = bundle[rule.file]
    edits = [as_list(text, *pair, ["*"])]
    if derived is not None:
        edits.append(without_pair(text, rule.node, *derived))
    return bundle.apply([Write(rule.file, spliced(text, edits))])


def fails_open(pool: Pool, rule: Rule) -> Hole | None:
    """A conditional deny that does nothing where its condition fails: allowed, but denied under strict evaluation.

    That it is this rule is shown by taking it away: then strict evaluation allows as well.
    """
    if not (rule.denies and rule.conditional):
        return None
    kind, gone = rule.resource, without(pool.bundle, rule)
    for schemas in (True, False):
        normal, strict = (pool.prepare(kind, strict=one, schemas=schemas) for one in (False, True))
        if (ALLOW, DENY) not in set(zip(normal, strict, strict=True)):
            continue
        blamed = pool.ask(gone, kind, strict=True, schemas=schemas)
        rows = zip(pool.questions(kind), normal, strict, blamed, strict=True)
        found = [question for question, *effects in rows if effects == [ALLOW, DENY, ALLOW]]
        if found:
            only = "" if schemas else ", on a server that does not enforce the schemas"
            because = f"the condition of {rule.name} cannot be evaluated, so the deny does nothing{only}"
            message = (
                f"{rule.name} denies nothing when its condition cannot be evaluated: an attribute that is absent or of "
                "another type opens what it closes"
            )
            why = ("Test for the attribute with has(), and deny where it is missing.",)
            return _shown(pool, "deny-fails-open", rule, message, Shown(_least(found), ALLOW, because), why=why)
    return None


def defeated(pool: Pool, rule: Rule, parents: frozenset[str]) -> Hole | None:
    """A deny on some roles, and a person with one of them and another role who is allowed all the same.

    `parents` are the roles that the rule is about, also by way of derived roles.
    """
    if not rule.denies or "*" in parents:
        return None
    kind = rule.resource
    normal = pool.prepare(kind)
    suspects = [
        question
        for question, effect in zip(pool.questions(kind), normal, strict=True)
        if effect == ALLOW and (roles := set(question.request.principal.roles)) & parents and roles - parents
    ]
    wide = for_everyone(pool.bundle, rule)
    if wide is not None:
        after = put(pool.runner, wide, suspects)
        found = [question for question, effect in zip(suspects, after, strict=True) if effect == DENY]
    else:
        found = _stopped_alone(pool, rule, suspects, parents)
    if not found:
        return None
    least = _least(found)
    own, other = _apart(least, parents)
    message = (
        f"{rule.name} denies {_some(own)}, but not a person who is also {_some(other)}: each role is decided by itself"
    )
    because = f"through {_some(other)}, although {rule.name} denies {_some(own)}"
    why = (
        "A deny that shall hold for everyone with the role is written for roles: ['*'], with a condition on the roles.",
    )
    return _shown(pool, "deny-defeated", rule, message, Shown(least, ALLOW, because), why=why)


def _stopped_alone(pool: Pool, rule: Rule, suspects: Sequence[Question], parents: frozenset[str]) -> list[Question]:
    """Those suspects whom the rule does stop when they have no other role."""
    alone = [_with_roles(one, tuple(sorted(set(one.request.principal.roles) & parents))) for one in suspects]
    now = put(pool.runner, pool.bundle, alone)
    then = put(pool.runner, without(pool.bundle, rule), alone)
    return [one for one, a, b in zip(suspects, now, then, strict=True) if (a, b) == (DENY, ALLOW)]


def wildcards(pool: Pool, rule: Rule) -> Iterator[Hole]:
    """Allows for any action, or for any role."""
    if rule.policy == "role" or rule.effect != ALLOW:
        return
    action = "*" in rule.actions
    role = "*" in rule.roles
    if not (action or role):
        return
    kind = rule.resource if rule.resource in pool.kinds else ""
    normal = pool.prepare(kind)
    removed = pool.ask(without(pool.bundle, rule), kind)
    rows = zip(pool.questions(kind), normal, removed, strict=True)
    mine = [question for question, now, then in rows if (now, then) == (ALLOW, DENY)]
    actions = [question for question in mine if question.request.action in _NOTHING]
    roles = [question for question in mine if set(question.request.principal.roles) <= _NOBODY]
    for code, is_one, sign, found in (
        ("wildcard-action", action, "every action", actions),
        ("wildcard-role", role, "every role", roles),
    ):
        if is_one:
            where = " where its condition holds" if rule.conditional else ""
            message = f"{rule.name} allows {sign}{where}, also one that is invented later"
            because = f"{rule.name} allows it, though nobody has named it"
            yield _shown(pool, code, rule, message, Shown(_least(found), ALLOW, because) if found else None)


def shadowed(pool: Pool, policy: Policy, rule: Rule, parents: dict[str, frozenset[str]]) -> Hole | None:
    """A rule that another rule of the policy always decides for; confirmed by asking everything without it."""
    others = [one for one in policy.rules if one is not rule and _covers(one, rule, parents)]
    if not others:
        return None
    other = others[0]
    if other.effect == rule.effect and _covers(rule, other, parents) and rule.line < other.line:
        return None
    kind = rule.resource
    if pool.ask(without(pool.bundle, rule), kind) != pool.prepare(kind):
        return None
    verb = "denies" if other.denies else "allows"
    message = f"{rule.name} never decides anything: {other.name}, line {other.line}, always {verb} what it is about"
    asked = len(pool.questions(kind))
    why = (f"Without it none of {asked} requests is answered otherwise.",)
    return hole(pool.bundle, "rule-shadowed", rule.file, rule.node, message, why=why, asked=asked)


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


def grants_nothing(pool: Pool, policy: Policy, rule: Rule) -> Hole | None:
    """What a role policy lists and no resource policy allows for a person with that role alone."""
    kinds = [rule.resource] if rule.resource in pool.kinds else list(pool.kinds) if "*" in rule.resource else []
    every = "*" in rule.actions
    questions = (question for kind in kinds for question in pool.questions(kind))
    mine = (_with_roles(q, (policy.name,)) for q in questions if every or q.request.action in rule.actions)
    asked = list({question.key: question for question in mine}.values())
    effects = put(pool.runner, pool.bundle, asked, schemas=False) if asked else ()
    if ALLOW in effects:
        return None
    listed = ", ".join(rule.actions)
    what = f"{listed} {rule.resource}"
    message = f"the role {policy.name} cannot {what}, though {rule.name} lists it: no resource policy allows it"
    why = (
        "A role policy only narrows what resource policies allow for the role itself, its parent roles or everyone.",
    )
    denied = [question for question, effect in zip(asked, effects, strict=True) if effect == DENY]
    because = f"although {rule.name} lists the action"
    shown = Shown(_least(denied), DENY, because) if denied else None
    return _shown(pool, "role-policy-grants-nothing", rule, message, shown, why=why, asked=len(asked))


def unenforced(pool: Pool, policy: Policy, enforcement: str) -> Hole | None:
    """Requests that a schema would stop, and that the server lets through."""
    kind, refs = policy.name, policy.body.get("schemas")
    if refs is None or enforcement == "reject":
        return None
    with_, without_ = (pool.prepare(kind, schemas=schemas) for schemas in (True, False))
    rows = zip(pool.questions(kind), with_, without_, strict=True)
    found = [question for question, a, b in rows if (a, b) == (DENY, ALLOW)]
    said = "does not say schema.enforcement" if enforcement == "none" else f"says schema.enforcement: {enforcement}"
    message = f"{kind} has a schema, but the server's configuration {said}"
    shown = Shown(_least(found), ALLOW, "although the schema rejects it") if found else None
    return hole(pool.bundle, "schema-not-enforced", policy.file, refs, message, witness=shown)


def _shown(pool: Pool, code: str, rule: Rule, message: str, witness: Shown | None, **more: Any) -> Hole:
    return hole(pool.bundle, code, rule.file, rule.node, message, witness=witness, **more)


def _least(questions: Sequence[Question]) -> Question:
    return min(questions, key=size)


def _with_roles(question: Question, roles: tuple[str, ...]) -> Question:
    request = question.request
    return replace(question, request=replace(request, principal=replace(request.principal, roles=roles)))


def _apart(question: Question, parents: frozenset[str]) -> tuple[list[str], list[str]]:
    roles = set(question.request.principal.roles)
    return sorted(roles & parents), sorted(roles - parents)


def _some(roles: Sequence[str]) -> str:
    return ", ".join(roles)
