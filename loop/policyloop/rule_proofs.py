"""From each rule of the spec to where it lives in the policies, which assertions test it, and what they gave."""

from policyloop.bundle import Bundle
from policyloop.cerbos.outline import Path, Place
from policyloop.cerbos.sources import Sources
from policyloop.events import DecisionProof, Gave, Proof, RuleProof
from policyloop.findings import AssertionId, Ran, Report, Result
from policyloop.specification import Spec, trace
from policyloop.specification.model import Rule

_GAVE: dict[Result, Gave] = {
    Result.PASSED: "passed",
    Result.FAILED: "failed",
    Result.ERRORED: "errored",
    Result.SKIPPED: "skipped",
}


def proofs(spec: Spec, bundle: Bundle, report: Report | None) -> tuple[RuleProof, ...]:
    """A row for each rule, in the order of the spec. Without a report nothing has run."""
    sources = Sources(bundle)
    ran = {one.id: one for one in report.ran} if report else {}
    passed = report.passed_in_both() if report else frozenset()
    rows: dict[str, list[DecisionProof]] = {rule.id: [] for rule in spec.rules}
    for one in trace(spec):
        if one.decision:
            given = tuple(_proof(name, ran.get(name), name in passed) for name in one.assertions)
            rows[one.rule].append(DecisionProof(one.decision, given))
    found = []
    for rule in spec.rules:
        file, line = _place(rule, sources)
        found.append(RuleProof(rule.id, file, line, tuple(rows[rule.id])))
    return tuple(found)


def _proof(name: AssertionId, ran: Ran | None, passed: bool) -> Proof:  # noqa: FBT001  (two views of one thing)
    gave: Gave = "not run"
    if ran is not None:
        gave = _GAVE[ran.result]
        # Passed in the normal pass alone is not passed.
        if gave == "passed" and not passed:
            gave = "failed"
    effect = ran.effect if ran else None
    return Proof(name.file, name.suite, name.test, name.principal, name.resource, name.action, gave, effect)


def _place(rule: Rule, sources: Sources) -> tuple[str | None, int | None]:
    """The policy rule of that name, else the policy of its resource."""
    policy: tuple[str | None, int | None] = (None, None)
    for file in sources.policies:
        text = sources.bundle[file]
        if rule.id not in text and (rule.resource or "") not in text:
            continue
        places = sources.outline(file)
        line = _named(places, rule.id)
        if line is not None:
            return file, line
        stated = places.get(("resourcePolicy", "resource"))
        if policy[0] is None and stated and stated.value == rule.resource:
            policy = (file, stated.line)
    return policy


def _named(places: "dict[Path, Place] | object", name: str) -> int | None:
    """The line of the rule, or action rule, that is called so."""
    assert hasattr(places, "items")
    for path, place in places.items():
        if path[-1:] == ("name",) and "rules" in path and place.value == name:
            line: int = place.line
            return line
    return None
