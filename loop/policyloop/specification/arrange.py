"""Which decision is tested where.

One suite for a resource, and in it one test for a rule; a rule has several only where one could not hold its decisions:
at another moment, with another token, or where the cross product of one test would demand more than was decided.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from policyloop.errors import UsageError
from policyloop.specification.cases import Case, Cases
from policyloop.specification.model import Rule, Spec
from policyloop.yaml_text.writing import flow, ordered

FOLDER = "tests/spec"
"""Where the suites go, relative to the policy directory."""

_UNFIT = re.compile(r"[^A-Za-z0-9_.@+-]")


@dataclass(frozen=True, slots=True)
class Test:
    """One entry of `tests`: decisions whose principals, resources and actions are a whole cross product."""

    name: str
    rule: Rule
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Suite:
    name: str
    kind: str
    tests: tuple[Test, ...]


def sound(spec: Spec) -> Cases:
    """The cases of a spec. Raises `UsageError` when one is not whole, or when two of them contradict each other."""
    cases = Cases(spec)
    for what, entries in (("rule", spec.rules), ("decision", spec.decisions)):
        ids = [entry.id for entry in entries]
        twice = next((name for name in ids if ids.count(name) > 1), None)
        if twice is not None:
            raise UsageError(f"No tests can be written: two {what}s are called `{twice}`.", "Rename one of them.")
    for number, decision in enumerate(spec.decisions, 1):
        if decision.id not in cases.by_decision or decision.rule not in cases.rules:
            what = f"decision {number} `{decision.id}` names something that is not there"
            raise UsageError(f"No tests can be written: {what}.", "`policyloop spec check` tells what.")
    effects: dict[str, str] = {}
    for case in cases:
        if effects.setdefault(case.request.key, case.decision.expect) != case.decision.expect:
            what = f"decision `{case.decision.id}` is the same request as another, with the other effect"
            raise UsageError(f"No tests can be written: {what}.", "`policyloop spec check` tells which.")
    return cases


def arranged(spec: Spec, cases: Cases, folder: str) -> Mapping[str, Suite]:
    """Path -> suite, a resource each."""
    kinds = sorted({case.request.kind for case in cases})
    stems: dict[str, str] = {}
    for kind in kinds:
        stem = base = _UNFIT.sub("_", kind).lstrip(".@+-") or "resource"
        number = 2
        while stem.casefold() in stems:
            stem, number = f"{base}_{number}", number + 1
        stems[stem.casefold()] = kind
        stems[kind] = stem
    return {
        f"{folder}/{stems[kind]}_spec_test.yaml": Suite(f"spec: {kind}", kind, tuple(_tests(spec, cases, kind)))
        for kind in kinds
    }


def _tests(spec: Spec, cases: Cases, kind: str) -> Iterator[Test]:
    taken: set[str] = set()
    for rule in spec.rules:
        mine = [case for case in cases.by_rule.get(rule.id, ()) if case.request.kind == kind]
        groups = list(_groups(mine))
        for group in groups:
            name = rule.id if len(groups) == 1 else f"{rule.id}: {group[0].decision.id}"
            while name in taken:
                name += " again"
            taken.add(name)
            yield Test(name, rule, group)


def ids_of(group: Iterable[Case]) -> str:
    """The ids of the decisions of some cases."""
    return ", ".join(dict.fromkeys(case.decision.id for case in group))


def _groups(cases: Sequence[Case]) -> Iterator[tuple[Case, ...]]:
    """Cases that fit into one test each: the same circumstances, and a whole cross product."""
    by_circumstances: dict[str, list[Case]] = {}
    for case in cases:
        one = case.decision
        outputs = flow([[out.src, out.value] for out in one.outputs])
        key = flow([case.request.now, one.claims, ordered(one.globals)])
        cell = (one.principal, one.resource, case.action)
        taken = {(c.decision.principal, c.decision.resource, c.action) for c in by_circumstances.get(key, ())}
        while cell in taken:
            key += f"\n{outputs}"
            taken = {(c.decision.principal, c.decision.resource, c.action) for c in by_circumstances.get(key, ())}
        by_circumstances.setdefault(key, []).append(case)
    for group in by_circumstances.values():
        yield from _rectangles(group)


def _rectangles(cases: Sequence[Case]) -> Iterator[tuple[Case, ...]]:
    """As few whole cross products of principals, resources and actions as are easily found."""
    rows: dict[tuple[str, str], list[str]] = {}
    for case in cases:
        rows.setdefault((case.decision.resource, case.decision.principal), []).append(case.action)
    by_resource: dict[str, dict[frozenset[str], list[str]]] = {}
    for (resource, principal), actions in rows.items():
        by_resource.setdefault(resource, {}).setdefault(frozenset(actions), []).append(principal)
    merged: dict[tuple[frozenset[str], frozenset[str]], set[str]] = {}
    for resource, found in by_resource.items():
        for asked, principals in found.items():
            merged.setdefault((asked, frozenset(principals)), set()).add(resource)
    for (asked, who), resources in merged.items():
        yield tuple(
            case
            for case in cases
            if case.action in asked and case.decision.principal in who and case.decision.resource in resources
        )
