"""What must be decided for every resource: strangers, other tenants, other scopes, every action."""

from collections.abc import Mapping, Sequence

from policyloop.specification.cases import Case, Cases
from policyloop.specification.gap import Gaps, listed
from policyloop.specification.irrelevant import Cell, is_irrelevant
from policyloop.specification.isolation import Isolation
from policyloop.specification.model import Rule, Spec
from policyloop.specification.paste import Paste
from policyloop.specification.vocabulary import Path


def check_resources(spec: Spec, cases: Cases, isolations: Sequence[Isolation], gaps: Gaps) -> None:
    """The gaps of every resource."""
    by_kind: Mapping[str, list[Case]] = {kind: [] for kind in spec.resources}
    for case in cases:
        if case.request.kind in by_kind:
            by_kind[case.request.kind].append(case)
    for kind, resource in spec.resources.items():
        path: Path = ("resources", kind)
        rules = [rule for rule in spec.rules if rule.resource == kind]
        if not rules:
            add = "Add a rule, or take the resource out."
            gaps.add("resource-without-rule", path, "no rule is about it", add)
            continue
        if not all(rule.actions for rule in rules):
            continue
        _actions(kind, rules, by_kind[kind], cases, gaps)
        if not any(_strangers(case, spec) for case in by_kind[kind]):
            add = "Add a denial for somebody with one role that is not declared: `shows: {unknown_role: ...}`."
            gaps.add("unknown-role-not-decided", path, "nothing says what becomes of an unknown role", add)
        mine = [one for one in isolations if one.denial.request.kind == kind]
        if resource.tenant and not _shown(mine, "tenant"):
            add = f"Add a denial in which only {resource.tenant} is another: `shows: {{tenant: ...}}`."
            gaps.add("other-tenant-not-decided", path, "nothing says what becomes of another tenant", add)
        if resource.scopes:
            _scopes(kind, by_kind[kind], mine, spec, gaps)


def _actions(kind: str, rules: Sequence[Rule], mine: Sequence[Case], cases: Cases, gaps: Gaps) -> None:
    spec = cases.spec
    resource = spec.resources[kind]
    if not resource.actions:
        gaps.add("missing-actions", ("resources", kind), "it has no actions", "Say what can be done with it.")
    known = {action for rule in rules for action in rule.actions} | {case.action for case in mine}
    unused = [
        action
        for action in resource.actions
        if action not in known and not is_irrelevant(spec, kind, Cell(action=action))
    ]
    if unused:
        add = "Add it to a rule, or a denial: `shows: {action: ...}`."
        told = [f"action {action}" for action in unused]
        paste = Paste(spec, cases, kind, gaps.names).actions(unused)
        message = f"nothing is decided about {listed(unused)}"
        gaps.add("action-without-rule", ("resources", kind), message, add, undecided=told, paste=paste)


def _strangers(case: Case, spec: Spec) -> bool:
    return not case.request.roles & spec.roles.keys()


def _shown(isolations: Sequence[Isolation], kind: str) -> bool:
    return any(o.denial.decision.shows is not None and o.denial.decision.shows.what[0] == kind for o in isolations)


def _scopes(kind: str, cases: Sequence[Case], isolations: Sequence[Isolation], spec: Spec, gaps: Gaps) -> None:
    path: Path = ("resources", kind)
    used = {case.request.resource_scope for case in cases}
    scopes = spec.resources[kind].scopes
    silent = [scope for scope in scopes if scope not in used and not is_irrelevant(spec, kind, Cell(scope=scope))]
    if silent:
        told = [f"scope {scope}" for scope in silent]
        message, add = f"nothing is decided in {listed(silent)}", "Add a decision in that scope."
        gaps.add("scope-not-decided", path, message, add, undecided=told)
    if not _shown(isolations, "scope"):
        add = "Add a denial in which only the scope is another: `shows: {scope: ...}`."
        gaps.add("other-scope-not-decided", path, "nothing says what becomes of another scope", add)
