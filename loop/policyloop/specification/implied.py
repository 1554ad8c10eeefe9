"""Denials that follow from the rules alone, which code writes and a model need not: whom nobody named may not.

A rule names who may; that somebody with another role instead, or with a role that nobody knows, may not is no new
thought. Such a denial is added only where the check misses one, and taken only where it closes a gap and opens none.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from policyloop.specification.cases import Cases, actions_of
from policyloop.specification.check import check_spec
from policyloop.specification.gap import Gap
from policyloop.specification.isolation import needed_roles
from policyloop.specification.model import Decision, PrincipalExample, Shows, Spec
from policyloop.specification.shorthand import slug, unknown_role
from policyloop.specification.vocabulary import EVERYONE

CLOSES = frozenset({"other-role-not-denied", "role-not-isolated", "unknown-role-not-decided"})
"""The gaps that these denials close."""
MOST_TRIED = 400
"""How many denials are tried for one spec; each costs a check of it."""


@dataclass(frozen=True, slots=True)
class _Denial:
    example: str
    person: PrincipalExample
    decision: Decision


def completed(spec: Spec) -> Spec:
    """The spec with the implied denials that it lacks, at the end of its decisions."""
    gaps = check_spec(spec)
    for denial in islice(_denials(spec), MOST_TRIED):
        if not any(gap.code in CLOSES for gap in gaps):
            break
        longer = _with(spec, denial)
        left = check_spec(longer)
        if _closes(denial, gaps, left):
            spec, gaps = longer, left
    return spec


def without_implied(spec: Spec) -> Spec:
    """The shortest spec of which `completed` makes this one; the spec itself where there is none."""
    implied = {denial.decision.id: denial for denial in _denials(spec)}
    kept = tuple(one for one in spec.decisions if one.id not in implied or implied[one.id].decision != one)
    used = {decision.principal for decision in kept} | {
        example.like for name, example in spec.examples.principals.items() if example.like and not _is(name, implied)
    }
    principals = {
        name: example
        for name, example in spec.examples.principals.items()
        if name in used or not _is(name, implied, example)
    }
    examples = spec.examples.model_copy(update={"principals": principals})
    short: Spec = spec.model_copy(update={"decisions": kept, "examples": examples})
    return short if len(kept) < len(spec.decisions) and completed(short) == spec else spec


def _is(name: str, implied: dict[str, _Denial], example: PrincipalExample | None = None) -> bool:
    return any(one.example == name and (example is None or one.person == example) for one in implied.values())


def _denials(spec: Spec) -> Iterator[_Denial]:
    """Everybody with one role who may do something, with each role instead that lets nobody do it."""
    cases = Cases(spec)
    stranger = unknown_role(spec.roles)
    for decision in spec.decisions:
        person = cases.examples.principals.get(decision.principal)
        rule = cases.rules.get(decision.rule)
        if decision.expect != "allow" or person is None or rule is None or len(person.roles) != 1:
            continue
        thing = cases.examples.resources.get(decision.resource)
        if thing is None or rule.decision != "allow" or person.id in _named(spec):
            # Whom a rule names may do it whatever their roles.
            continue
        may = set(_who_may(spec, thing.kind, actions_of(decision, rule)))
        if EVERYONE in may:
            continue
        for role in (*spec.roles, stranger):
            if role not in may:
                yield _denial(decision, person.roles[0], role, known=role in spec.roles)


def _named(spec: Spec) -> set[str]:
    return {rule.person for rule in spec.rules if rule.person is not None and not rule.subject}


def _who_may(spec: Spec, kind: str, actions: tuple[str, ...]) -> Iterator[str]:
    """The roles that any rule lets do any of this."""
    for rule in spec.rules:
        if rule.resource == kind and rule.decision == "allow" and not set(rule.actions).isdisjoint(actions):
            for subject in rule.subject:
                yield from needed_roles(subject, spec)


def _denial(control: Decision, lost: str, role: str, *, known: bool) -> _Denial:
    example = f"{control.principal}_as_{slug(role)}"
    shows = Shows(role=lost) if known else Shows(unknown_role=role)
    decision: Decision = control.model_copy(
        update={
            "id": f"{control.id}-not-{slug(role)}",
            "principal": example,
            "expect": "deny",
            "control": control.id,
            "shows": shows,
            "outputs": (),
        }
    )
    return _Denial(example, PrincipalExample(like=control.principal, roles=(role,)), decision)


def _with(spec: Spec, denial: _Denial) -> Spec:
    known = spec.examples.principals.get(denial.example, denial.person)
    if known != denial.person or spec.decision(denial.decision.id) is not None:
        return spec
    principals = {**spec.examples.principals, denial.example: denial.person}
    examples = spec.examples.model_copy(update={"principals": principals})
    longer: Spec = spec.model_copy(update={"decisions": (*spec.decisions, denial.decision), "examples": examples})
    return longer


def _closes(denial: _Denial, before: tuple[Gap, ...], after: tuple[Gap, ...]) -> bool:
    """Whether fewer of the gaps are left, and none that was not there, but for what its own example took over."""
    known, codes = {(gap.code, gap.where) for gap in before}, {gap.code for gap in before}
    if _roles_missed(after) >= _roles_missed(before):
        return False
    new = [gap for gap in after if (gap.code, gap.where) not in known]
    return all(gap.code in codes and f"`{denial.example}`" in gap.where for gap in new)


def _roles_missed(gaps: tuple[Gap, ...]) -> int:
    """How much the gaps that are to be closed still name."""
    return sum(1 + gap.message.count("`") for gap in gaps if gap.code in CLOSES)
