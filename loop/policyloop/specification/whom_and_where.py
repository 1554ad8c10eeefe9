"""What must be decided for a rule that names one person, or one scope: that it makes the difference."""

from collections.abc import Sequence

from policyloop.specification.cases import Case, Cases
from policyloop.specification.gap import Gaps, listed
from policyloop.specification.isolation import PERSON, SCOPE, Isolation, decisive_role, needed_roles
from policyloop.specification.model import Rule, Spec
from policyloop.specification.vocabulary import EVERYONE, Path, within


def check_whom_and_where(rule: Rule, path: Path, cases: Cases, isolations: Sequence[Isolation], gaps: Gaps) -> None:
    """The gaps of a rule's `person`, `scope` and `may_only_narrow`."""
    mine = [one for one in isolations if one.denial.decision.rule == rule.id]
    if rule.person is not None:
        _person(rule, rule.person, path, mine, gaps)
    if rule.scope is not None:
        _scope(rule, rule.scope, path, cases, mine, gaps)
        if rule.may_only_narrow and not any(_narrowed(rule, rule.scope, one, cases) for one in isolations):
            message = f"nothing shows that what it allows in `{rule.scope}` needs the scopes above as well"
            add = (
                f"Add a denial in `{rule.scope}` of a rule of a scope above, for somebody whom only this one would let."
            )
            gaps.add("narrowing-not-decided", path, message, add)


def concerns(rule: Rule, case: Case, spec: Spec) -> bool:
    """Whether a rule could be about who asks in a case, and for what."""
    if case.request.kind != rule.resource or case.action not in rule.actions:
        return False
    needed = {role for subject in rule.subjects for role in needed_roles(subject, spec)}
    fits = EVERYONE in needed or not case.request.roles.isdisjoint(needed)
    return fits and rule.person in (None, case.request.principal)


def _person(rule: Rule, person: str, path: Path, mine: Sequence[Isolation], gaps: Gaps) -> None:
    """A denial in which being that person makes the difference, for each action."""
    shown = {
        one.denial.action
        for one in mine
        if one.difference.path == PERSON and decisive_role(one.difference, rule) == person
    }
    actions = [action for action in rule.actions if action not in shown]
    if actions:
        lacking = "somebody else" if rule.decision == "allow" else f"`{person}`, and as control somebody else"
        message = f"no denial of {listed(actions)} shows that being `{person}` makes the difference"
        add = f"Add a denial for {lacking} with the same roles and attributes: `shows: {{person: {person}}}`."
        gaps.add("person-not-isolated", path, message, add)


def _scope(rule: Rule, scope: str, path: Path, cases: Cases, mine: Sequence[Isolation], gaps: Gaps) -> None:
    """Two decisions that differ in the scope only; or, where it is allowed outside as well, none."""
    allows = rule.decision == "allow"
    for one in mine:
        inside, outside = (one.control, one.denial) if allows else (one.denial, one.control)
        apart = within(inside.request.resource_scope, scope) and not within(outside.request.resource_scope, scope)
        if one.difference.path == SCOPE and apart:
            return
    outside_too = (
        case.allowed and concerns(rule, case, cases.spec) and not within(case.request.resource_scope, scope)
        for case in cases
    )
    if allows and any(outside_too):
        return
    words = "denied outside of it" if allows else "allowed outside of it"
    add = f"Add a denial and its control that differ in the scope only, one in `{scope}`, one outside of it."
    gaps.add("scope-not-isolated", path, f"nothing shows that the same is {words}", add)


def _narrowed(rule: Rule, scope: str, one: Isolation, cases: Cases) -> bool:
    """Whether a rule of a scope above denies what this rule, in its own scope, is for."""
    above = cases.rules.get(one.denial.decision.rule)
    if above is None or above.id == rule.id or not concerns(rule, one.denial, cases.spec):
        return False
    outer = above.scope is None or (above.scope != scope and within(scope, above.scope))
    return outer and within(one.denial.request.resource_scope, scope)
