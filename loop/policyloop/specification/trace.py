"""From a rule and its decisions to the assertions that test them."""

from dataclasses import dataclass

from policyloop.findings import AssertionId
from policyloop.specification.arrange import FOLDER, arranged, sound
from policyloop.specification.model import Spec


@dataclass(frozen=True, slots=True)
class Traced:
    """A decision of a rule, and the assertions that test it. A rule without decisions has one with `decision` ""."""

    rule: str
    decision: str
    assertions: tuple[AssertionId, ...]


def trace(spec: Spec, folder: str = FOLDER) -> tuple[Traced, ...]:
    """For each rule and decision, in the order of the spec, the assertions of `suites_from` that test it."""
    cases = sound(spec)
    found: dict[str, list[AssertionId]] = {}
    for path, suite in arranged(spec, cases, folder).items():
        for test in suite.tests:
            for case in test.cases:
                one = case.decision
                names = AssertionId(path, suite.name, test.name, one.principal, one.resource, case.action)
                found.setdefault(one.id, []).append(names)
    rows: list[Traced] = []
    for rule in spec.rules:
        mine = [decision.id for decision in spec.decisions if decision.rule == rule.id]
        rows.extend(Traced(rule.id, name, tuple(found.get(name, ()))) for name in mine)
        if not mine:
            rows.append(Traced(rule.id, "", ()))
    return tuple(rows)
