"""What the rules of a spec say of a request by what is stated of them alone: subject, person, scope, limits, presence.

A condition in words alone cannot be worked out by code. Then nothing is said, rather than what may be wrong.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from policyloop.specification.boundary import side_of
from policyloop.specification.case_request import MISSING, CaseRequest
from policyloop.specification.model import Rule, Spec
from policyloop.specification.vocabulary import ALWAYS, EVERYONE, Condition, Effect, within


@dataclass(frozen=True, slots=True)
class ByRule:
    """The effect that a rule gives to a request."""

    effect: Effect
    rule: str


def said_by_rules(spec: Spec, request: CaseRequest) -> ByRule | None:
    """The effect of a request and the rule that gives it; None where the rules do not state it.

    A rule that states all, and is for who asks, denies what it does not allow, as far as no rule allows it and nobody
    has a role that the spec does not know: what the spec leaves out, an older rule may well allow.
    """
    resource = spec.resources.get(request.kind)
    if resource is None or (resource.version or "") != request.resource_version:
        return None
    if request.principal_scope or request.principal_version or request.resource_scope not in ("", *resource.scopes):
        return None
    rules = [rule for rule in spec.rules if rule.resource == request.kind and request.action in rule.actions]
    if any(rule.may_only_narrow for rule in rules):
        return None
    effect = _effect(rules, request, spec)
    # Cerbos asks for each role by itself, and one that lets in is enough. Where that is other than what the rules say
    # in words ("auditors may never"), nobody knows which of the two is meant.
    alone = (_effect(rules, replace(request, roles=frozenset({role})), spec) for role in request.roles)
    if effect is None or (effect.effect == "deny" and any(by is None or by.effect == "allow" for by in alone)):
        return None
    if effect.rule:
        return effect
    if request.roles - spec.roles.keys():
        return None
    near = (rule for rule in rules if rule.decision == "allow" and _inside(rule, request))
    return next((ByRule("deny", rule.id) for rule in near if _is_for(rule, request, spec)), None)


def _effect(rules: Sequence[Rule], request: CaseRequest, spec: Spec) -> ByRule | None:
    """What comes of these rules: a denial without a rule where none applies, None where that is not stated."""
    for effect in ("deny", "allow"):
        applying = [(rule, _applies(rule, request, spec)) for rule in rules if rule.decision == effect]
        for rule, applies in applying:
            if applies:
                return ByRule(rule.decision or "deny", rule.id)
        if any(applies is None for _, applies in applying):
            return None
    return ByRule("deny", "")


def _applies(rule: Rule, request: CaseRequest, spec: Spec) -> bool | None:
    """Whether a rule's effect holds for a request; None where it is not stated."""
    if not _inside(rule, request):
        return False
    if rule.conditions:
        conditions = _all(_holds(condition, request) for condition in rule.conditions)
    else:
        conditions = True if rule.condition.strip().lower() in ("", ALWAYS) else None
    return _all((_is_for(rule, request, spec), conditions))


def _inside(rule: Rule, request: CaseRequest) -> bool:
    return rule.scope is None or within(request.resource_scope, rule.scope)


def _is_for(rule: Rule, request: CaseRequest, spec: Spec) -> bool | None:
    """Whether somebody is among those whom a rule is for."""
    if rule.person not in (None, request.principal):
        return False
    return _any(_has(subject, request, spec) for subject in rule.subjects)


def _has(subject: str, request: CaseRequest, spec: Spec) -> bool | None:
    derived = spec.derived_roles.get(subject)
    if derived is None:
        return subject == EVERYONE or subject in request.roles
    parent = EVERYONE in derived.parents or not request.roles.isdisjoint(derived.parents)
    # A derived role without conditions is one whose meaning stands in words only.
    conditions = _all(_holds(condition, request) for condition in derived.conditions) if derived.conditions else None
    return _all((parent, conditions))


def _holds(condition: Condition, request: CaseRequest) -> bool | None:
    if condition.boundary is not None:
        side = side_of(condition, request)
        return side.holds if side else None
    if condition.presence and len(condition.looks_at) == 1:
        return request.field(condition.looks_at[0]) is not MISSING
    return None


def _all(values: Iterable[bool | None]) -> bool | None:
    known = list(values)
    if False in known:
        return False
    return None if None in known else True


def _any(values: Iterable[bool | None]) -> bool | None:
    known = list(values)
    if True in known:
        return True
    return None if None in known else False
