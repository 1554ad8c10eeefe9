"""Whether an allowed decision is one that its own rule can allow: for one of its subjects, within its limits."""

from collections.abc import Sequence

from policyloop.specification.boundary import side_of
from policyloop.specification.case_request import MISSING, same
from policyloop.specification.cases import Case, Cases
from policyloop.specification.gap import Gaps, listed
from policyloop.specification.isolation import Isolation, conditions_of, looks_at, needed_roles, touches
from policyloop.specification.model import Rule, Spec
from policyloop.specification.vocabulary import EVERYONE, Condition, within


def check_allowed(spec: Spec, cases: Cases, isolations: Sequence[Isolation], gaps: Gaps) -> None:
    """A decision that grants what its rule does not say contradicts it, whatever it is called."""
    for case in cases:
        rule = cases.rules.get(case.decision.rule)
        if not case.allowed or rule is None or rule.decision != "allow" or not _whole(rule, spec):
            continue
        fitting = [name for name in rule.subjects if _fits(case, name, spec)]
        if rule.person not in (None, case.request.principal):
            message = f"it allows `{case.request.principal}`, but rule `{rule.id}` is for `{rule.person}` alone"
            _contradicts(case, "allowed-without-subject", message, gaps)
        if rule.scope is not None and not within(case.request.resource_scope, rule.scope):
            elsewhere = f"`{case.request.resource_scope}`" if case.request.resource_scope else "no scope"
            message = f"it allows something in {elsewhere}, but rule `{rule.id}` holds in `{rule.scope}`"
            _contradicts(case, "allowed-outside-scope", message, gaps)
        if not fitting:
            roles, wanted = listed(sorted(case.request.roles)), listed(rule.subjects, "or")
            message = f"it allows somebody who is only {roles}, but rule `{rule.id}` is for {wanted}"
            _contradicts(case, "allowed-without-subject", message, gaps)
        mine = [one for one in isolations if one.denial.decision.rule == rule.id]
        for condition in _conditions(rule, fitting, spec):
            side = side_of(condition, case.request)
            if side is not None and not side.holds:
                message = f"it allows what lies beyond the limit `{condition.id}` of rule `{rule.id}`"
                _contradicts(case, "allowed-beyond-limit", message, gaps)
            elif denial := _fails_like(case, condition, mine, spec):
                message = f"`{condition.id}` of rule `{rule.id}` holds in it no more than in `{denial}`, a denial"
                _contradicts(case, "allowed-like-denied", message, gaps)


def _fails_like(case: Case, condition: Condition, isolations: Sequence[Isolation], spec: Spec) -> str | None:
    """A denial that shows this condition to fail, although all that the condition looks at is as in `case`."""
    fields = looks_at(condition)
    for one in isolations:
        rule = spec.rule(one.denial.decision.rule)
        others = [other for other in conditions_of(rule, spec).values() if other.id != condition.id]
        path = one.difference.path
        shows = one.denial.decision.shows
        if shows is None or shows.what not in (("condition", condition.id), ("tenant", shows.tenant)):
            continue
        if not touches(path, fields) or any(touches(path, looks_at(other)) for other in others):
            continue
        if all(_alike(case.request.field(field), one.denial.request.field(field)) for field in fields):
            return one.denial.decision.id
    return None


def _alike(one: object, other: object) -> bool:
    return one is other if MISSING in (one, other) else same(one, other)


def _whole(rule: Rule, spec: Spec) -> bool:
    """Whether it can be told whom the rule is for; what is missing there is a gap of its own."""
    known = {EVERYONE, *spec.roles, *spec.derived_roles}
    return bool(rule.subjects) and all(name in known and needed_roles(name, spec) for name in rule.subjects)


def _fits(case: Case, subject: str, spec: Spec) -> bool:
    needed = needed_roles(subject, spec)
    return EVERYONE in needed or not case.request.roles.isdisjoint(needed)


def _conditions(rule: Rule, fitting: list[str], spec: Spec) -> tuple[Condition, ...]:
    """The conditions that must hold: the rule's own, and those of the only derived role that somebody can be."""
    derived = spec.derived_roles.get(fitting[0]) if len(fitting) == 1 else None
    return (*rule.conditions, *(derived.conditions if derived else ()))


def _contradicts(case: Case, code: str, message: str, gaps: Gaps) -> None:
    add = "Correct the decision or its example, or say in the rule that this is allowed."
    gaps.add(code, ("decisions", case.number), message, add, contradiction=True)
