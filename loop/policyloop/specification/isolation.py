"""Whether a denial really shows what it says: the one field in which it differs from its control."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from policyloop.specification.case_request import MISSING, CaseRequest, Difference, overlap
from policyloop.specification.cases import Case, Cases
from policyloop.specification.gap import listed
from policyloop.specification.model import Rule, Spec
from policyloop.specification.vocabulary import EVERYONE, Condition

ROLES = "principal.roles"
PERSON = "principal.id"
SCOPE = "resource.scope"
_MOST = 4
"""How many differing fields a message names."""


@dataclass(frozen=True, slots=True)
class Isolation:
    """A denial, the allowed request from which it differs in one field, and that field."""

    denial: Case
    control: Case
    difference: Difference


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a denial is not isolated: the code of the gap, its message, and what to add."""

    code: str
    message: str
    add: str
    contradiction: bool = False


def isolation_of(denial: Case, cases: Cases) -> Isolation | Flaw:
    """The isolation of a denial, verified field by field, or what is wrong with it."""
    decision = denial.decision
    if decision.control is None:
        return Flaw(
            "no-control",
            "this denial names no `control`",
            "Name the allowed decision from which it differs in exactly one field.",
        )
    controls = cases.by_decision.get(decision.control, ())
    if cases.spec.decision(decision.control) is None:
        return Flaw(
            "unknown-control",
            f"its control `{decision.control}` is no decision",
            "Name the id of an allowed decision.",
        )
    if any(not control.allowed for control in controls):
        return Flaw(
            "control-not-allowed",
            f"its control `{decision.control}` is a denial too",
            "Name an allowed decision, or say which of the two is meant to be allowed.",
            contradiction=True,
        )
    of_action = decision.shows is not None and decision.shows.what[0] in ("action", "unknown_action")
    control = next((one for one in controls if (one.action != denial.action) == of_action), None)
    if control is None:
        return _other_action(denial, controls)
    return _compared(denial, control)


def _other_action(denial: Case, controls: Sequence[Case]) -> Flaw:
    names = listed(sorted({control.action for control in controls}))
    return Flaw(
        "control-other-action",
        f"it is about `{denial.action}`, but its control decides {names}",
        "Let both name the same action, or show the action: `shows: {action: ...}`.",
    )


def _compared(denial: Case, control: Case) -> Isolation | Flaw:
    found = control.request.differences(denial.request)
    name = denial.decision.control
    if not found:
        return Flaw(
            "same-as-control",
            f"it is the same request as its control `{name}`, with the other effect",
            "Say which of the two holds, or change the field that makes the difference.",
            contradiction=True,
        )
    if len(found) > 1:
        return Flaw(
            "not-isolated",
            f"it differs from its control `{name}` in {len(found)} fields: {_several(found)}",
            "Let it differ in one field only; an example with `like:` takes over all the rest.",
        )
    return Isolation(denial, control, found[0])


def _several(found: Sequence[Difference]) -> str:
    more = f"; and {len(found) - _MOST} more" if len(found) > _MOST else ""
    return "; ".join(map(str, found[:_MOST])) + more


def mismatch(isolation: Isolation, spec: Spec) -> str | None:
    """Why the difference is not what `shows` says, None when it is (or when nothing is said)."""
    shows = isolation.denial.decision.shows
    if shows is None:
        return "it does not say what it shows"
    kind, name = shows.what
    rule = spec.rule(isolation.denial.decision.rule)
    difference = isolation.difference
    fits: dict[str, Callable[[], bool]] = {
        "role": lambda: _is_role(difference, name, rule, spec),
        "condition": lambda: _is_condition(difference, conditions_of(rule, spec).get(name)),
        "absent": lambda: difference.path == name and difference.after is MISSING,
        "tenant": lambda: _is_tenant(isolation, name, spec),
        "scope": lambda: difference.path.endswith(".scope") and difference.after == name,
        "unknown_role": lambda: difference.path == ROLES and all_unknown(isolation.denial, name, spec),
        "action": lambda: difference.path == "action" and isolation.denial.action == name,
        "person": lambda: rule is not None and name == rule.person and _is_person(difference, rule),
        "unknown_action": lambda: difference.path == "action" and _is_unlisted(isolation.denial.request, name, spec),
    }
    return None if fits[kind]() else f"it says that it shows {shows}, but what differs is {difference}"


def conditions_of(rule: Rule | None, spec: Spec) -> Mapping[str, Condition]:
    """The conditions of a rule by id: its own, and those of the derived roles that it is for."""
    if rule is None:
        return {}
    derived = [spec.derived_roles[name] for name in rule.subjects if name in spec.derived_roles]
    everything = [*rule.conditions, *(one for role in derived for one in role.conditions)]
    return {one.id: one for one in reversed(everything)}


def needed_roles(subject: str, spec: Spec) -> tuple[str, ...]:
    """The roles one of which is needed for a subject: itself, or the parents of a derived role."""
    derived = spec.derived_roles.get(subject)
    return derived.parents if derived else (subject,)


def looks_at(condition: Condition) -> tuple[str, ...]:
    """All fields of a condition, also those that only its boundary names."""
    boundary = condition.boundary
    more = (boundary.field, boundary.than) if boundary else ()
    return tuple(dict.fromkeys((*condition.looks_at, *(path for path in more if path))))


def all_unknown(case: Case, role: str, spec: Spec) -> bool:
    """Whether somebody has `role` and only roles that the spec does not know."""
    return role in case.request.roles and not case.request.roles & spec.roles.keys()


def touches(path: str, fields: Iterable[str]) -> bool:
    """Whether a difference at `path` is one in any of `fields`."""
    return any(overlap(path, field) for field in fields)


def decisive_role(difference: Difference, rule: Rule) -> object:
    """The role (or the person) that a difference is about: lost where the rule allows, gained where it denies."""
    return difference.after if rule.decision == "deny" else difference.before


def _is_role(difference: Difference, name: str, rule: Rule | None, spec: Spec) -> bool:
    if rule is None or difference.path != ROLES:
        return False
    needed = needed_roles(name, spec)
    return EVERYONE in needed or decisive_role(difference, rule) in needed


def _is_person(difference: Difference, rule: Rule) -> bool:
    """Whether it is the person whom the rule names that is lost where it allows, or gained where it denies."""
    return difference.path == PERSON and decisive_role(difference, rule) == rule.person


def _is_unlisted(request: CaseRequest, name: str, spec: Spec) -> bool:
    resource = spec.resources.get(request.kind)
    return request.action == name and resource is not None and name not in resource.actions


def _is_condition(difference: Difference, condition: Condition | None) -> bool:
    return condition is not None and touches(difference.path, looks_at(condition))


def _is_tenant(isolation: Isolation, name: str, spec: Spec) -> bool:
    resource = spec.resources.get(isolation.denial.request.kind)
    if resource is None or resource.tenant is None:
        return False
    field = f"resource.attr.{resource.tenant}"
    kind = isolation.denial.request.kind
    found = [one for rule in spec.rules if rule.resource == kind for one in conditions_of(rule, spec).values()]
    compared = {path for one in found if field in looks_at(one) for path in looks_at(one)}
    difference = isolation.difference
    same_name = {field, f"principal.attr.{resource.tenant}", f"claims.{resource.tenant}"}
    after = difference.after
    named = after == name or (isinstance(after, list) and name in after)
    return difference.path in compared | same_name and named
