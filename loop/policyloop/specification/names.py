"""Nothing is named that does not exist, nothing stands there twice, and every value has the type it should have."""

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from policyloop.specification.boundary import problem_of
from policyloop.specification.case_request import shown
from policyloop.specification.cases import Cases
from policyloop.specification.document import MAX_NUMBER
from policyloop.specification.examples import AnyExample, chain_of
from policyloop.specification.gap import Gaps, listed
from policyloop.specification.isolation import conditions_of, looks_at
from policyloop.specification.model import Decision, Irrelevant, Rule, Spec
from policyloop.specification.times import day, moment
from policyloop.specification.vocabulary import EVERYONE, Attribute, Condition, Path


def check_names(spec: Spec, cases: Cases, gaps: Gaps) -> None:
    """Every name in the spec, in the order of its sections."""
    _Names(spec, cases, gaps).check()


class _Names:
    def __init__(self, spec: Spec, cases: Cases, gaps: Gaps) -> None:
        self._spec, self._cases, self._gaps = spec, cases, gaps
        self._strange_roles = {d.shows.unknown_role for d in spec.decisions if d.shows and d.shows.unknown_role}
        self._strange_scopes = {d.shows.scope for d in spec.decisions if d.shows and d.shows.scope}
        self._scopes = {scope for resource in spec.resources.values() for scope in resource.scopes}

    def check(self) -> None:
        spec = self._spec
        if spec.now is not None and moment(spec.now) is None:
            self._time(("now",), spec.now)
        for name, role in spec.derived_roles.items():
            self._derived(name, role.parents, role.conditions)
        for kind, resource in spec.resources.items():
            if resource.tenant is not None:
                self._known("attribute", resource.tenant, resource.attributes, ("resources", kind, "tenant"))
        for number, rule in enumerate(spec.rules):
            self._rule(rule, ("rules", number))
        self._unique()
        self._examples()
        for number, decision in enumerate(spec.decisions):
            self._decision(decision, ("decisions", number))
        for number, entry in enumerate(spec.irrelevant):
            self._irrelevant(entry, ("irrelevant", number))
        for number, release in enumerate(spec.releases):
            self._known("rule", release.replaced_by, self._cases.rules, ("releases", number, "replaced_by"))
        for number, outdated in enumerate(spec.outdated):
            self._known("rule", outdated.rule, self._cases.rules, ("outdated", number, "rule"))

    # --- rules ------------------------------------------------------------------------------------------------------

    def _rule(self, rule: Rule, path: Path) -> None:
        spec = self._spec
        if rule.scope and rule.resource in spec.resources:
            self._known("scope", rule.scope, spec.resources[rule.resource].scopes, (*path, "scope"))
        for subject in rule.subject:
            if subject != EVERYONE:
                self._known("role", subject, {**spec.roles, **spec.derived_roles}, (*path, "subject"))
        if rule.resource is not None:
            self._known("resource", rule.resource, spec.resources, (*path, "resource"))
        resource = spec.resources.get(rule.resource or "")
        for action in rule.actions if resource else ():
            self._known("action", action, resource.actions if resource else (), (*path, "actions"))
        self._conditions(rule.conditions, rule.resource, path)
        derived = [spec.derived_roles[name] for name in rule.subjects if name in spec.derived_roles]
        if len(conditions_of(rule, spec)) < len(rule.conditions) + sum(len(role.conditions) for role in derived):
            self._twice("condition", path)

    def _irrelevant(self, entry: Irrelevant, path: Path) -> None:
        spec = self._spec
        self._known("resource", entry.resource, spec.resources, path)
        resource = spec.resources.get(entry.resource)
        if resource is None:
            return
        if entry.scope is not None:
            self._known("scope", entry.scope, resource.scopes, path)
        if entry.role is not None:
            self._known("role", entry.role, spec.roles, path)
        if entry.action is not None:
            self._known("action", entry.action, resource.actions, path)
        if entry.attribute is not None:
            self._field(entry.attribute, entry.resource, path)
            declared, _ = attributes_for(spec, entry.attribute, entry.resource)
            if declared is not None and entry.value is not None:
                self._known("value", entry.value, declared.one_of, path)

    def _derived(self, name: str, parents: tuple[str, ...], conditions: tuple[Condition, ...]) -> None:
        path: Path = ("derived_roles", name)
        for parent in parents:
            if parent != EVERYONE:
                self._known("role", parent, self._spec.roles, (*path, "parents"))
        if name in self._spec.roles:
            self._twice("role", path)
        kinds = [rule.resource for rule in self._spec.rules if name in rule.subjects]
        for kind in dict.fromkeys(kinds):
            self._conditions(conditions, kind, path)

    def _conditions(self, conditions: tuple[Condition, ...], kind: str | None, path: Path) -> None:
        for number, condition in enumerate(conditions):
            here: Path = (*path, "conditions", number)
            for field in looks_at(condition):
                self._field(field, kind, here)
            problem = problem_of(condition)
            if problem:
                self._gaps.add("bad-boundary", here, f"condition `{condition.id}`: {problem}", "Correct the boundary.")

    def _field(self, field: str, kind: str | None, path: Path) -> None:
        found, declared = attributes_for(self._spec, field, kind)
        if found is None and declared is not None:
            names = list(declared)
            self._unknown("attribute", field, names, path)

    def _unique(self) -> None:
        for section in ("rules", "decisions", "questions"):
            ids = Counter(entry.id for entry in getattr(self._spec, section))
            for number, entry in enumerate(getattr(self._spec, section)):
                if ids[entry.id] > 1:
                    self._twice("id", (section, number))

    # --- examples ---------------------------------------------------------------------------------------------------

    def _examples(self) -> None:
        own = self._spec.examples
        sections: tuple[tuple[str, Mapping[str, AnyExample]], ...] = (
            ("principals", own.principals),
            ("resources", own.resources),
            ("claims", own.claims),
        )
        for section, written in sections:
            for name, example in written.items():
                self._like(example.like, name, written, ("examples", section, name))
        for name in own.principals:
            self._person(name)
        for name in own.resources:
            self._thing(name)
        for name, claims in self._cases.examples.claims.items():
            self._values(claims, self._spec.principals.claims, ("examples", "claims", name))

    def _like(self, like: str | None, name: str, written: Mapping[str, AnyExample], path: Path) -> None:
        if like is not None and like not in written:
            self._unknown("example", like, list(written), path)
        elif not chain_of(written, name):
            add = "Let it name a whole example."
            self._gaps.add("like-circle", path, "`like` leads in a circle or nowhere", add)

    def _person(self, name: str) -> None:
        path: Path = ("examples", "principals", name)
        person = self._cases.examples.principals.get(name)
        if person is None:
            if chain_of(self._spec.examples.principals, name):
                self._gaps.add("missing-roles", path, "it has no roles", "Give it at least one.")
            return
        for role in person.roles:
            if role not in self._strange_roles:
                self._known("role", role, self._spec.roles, path)
        self._values(person.attr, self._spec.principals.attributes, path)
        self._scope(person.scope, self._scopes, path)

    def _thing(self, name: str) -> None:
        path: Path = ("examples", "resources", name)
        thing = self._cases.examples.resources.get(name)
        if thing is None:
            if chain_of(self._spec.examples.resources, name):
                self._gaps.add("missing-kind", path, "it has no kind", "Say which resource it is one of.")
            return
        resource = self._spec.resources.get(thing.kind)
        if resource is None:
            self._known("resource", thing.kind, self._spec.resources, path)
            return
        self._values(thing.attr, resource.attributes, path)
        self._scope(thing.scope, set(resource.scopes), path)

    def _scope(self, scope: str, known: set[str], path: Path) -> None:
        if scope and scope not in known and scope not in self._strange_scopes:
            self._unknown("scope", scope, sorted(known), path)

    def _values(self, given: Mapping[str, Any], known: Mapping[str, Attribute], path: Path) -> None:
        for name, value in given.items():
            declared = known.get(name)
            if declared is not None:
                self._typed(name, value, declared, path)
            elif not any(other.startswith(f"{name}.") for other in known):
                self._unknown("attribute", name, list(known), path)
        for name, declared in known.items():
            if not declared.optional and not _there(given, name):
                add = "Give it a value, or declare the attribute `optional: true`."
                self._gaps.add("missing-attribute", path, f"it lacks `{name}`, which is not optional", add)

    def _typed(self, name: str, value: Any, declared: Attribute, path: Path) -> None:
        if not fits(value, declared):
            one_of = f" one of {listed(declared.one_of)}" if declared.one_of else ""
            message = f"`{name}` is {shown(value)}, which is not of type {declared.type}{one_of}"
            self._gaps.add("wrong-type", path, message, "Correct the value or the type.")

    # --- decisions --------------------------------------------------------------------------------------------------

    def _decision(self, decision: Decision, path: Path) -> None:
        spec, own = self._spec, self._spec.examples
        self._known("rule", decision.rule, self._cases.rules, path)
        self._known("example", decision.principal, own.principals, (*path, "principal"))
        self._known("example", decision.resource, own.resources, (*path, "resource"))
        if decision.claims is not None:
            self._known("example", decision.claims, own.claims, (*path, "claims"))
        if decision.now is not None and moment(decision.now) is None:
            self._time(path, decision.now)
        shows, rule = decision.shows, self._cases.rules.get(decision.rule)
        if rule is None:
            return
        if shows and shows.role is not None:
            self._known("role", shows.role, {**spec.roles, **spec.derived_roles}, path)
        if shows and shows.condition is not None:
            self._known("condition", shows.condition, conditions_of(rule, spec), path)
        thing = self._cases.examples.resources.get(decision.resource)
        if thing and rule.resource in spec.resources and thing.kind != rule.resource:
            message = f"`{decision.resource}` is a `{thing.kind}`, but rule `{rule.id}` is about `{rule.resource}`"
            self._gaps.add("wrong-kind", path, message, f"Use an example of kind `{rule.resource}`.")
            return
        resource = spec.resources.get(rule.resource or "")
        strange = shows.unknown_action if shows and decision.expect == "deny" else None
        for action in decision.actions if resource else ():
            if action == strange:
                continue
            self._known("action", action, resource.actions if resource else (), path)
            beyond = shows is not None and shows.action is not None and decision.expect == "deny"
            if (action in rule.actions) == beyond and resource and action in resource.actions:
                other = f"is one of rule `{rule.id}`" if beyond else f"is none of rule `{rule.id}`"
                add = "A denied action that a rule does not cover is shown by `shows: {action: ...}`."
                self._gaps.add("wrong-action", path, f"action `{action}` {other}", add)

    # --- in one way ---------------------------------------------------------------------------------------------------

    def _known(self, what: str, name: str, known: Iterable[str], path: Path) -> None:
        names = list(known)
        if name not in names:
            self._unknown(what, name, names, path)

    def _unknown(self, what: str, name: str, known: list[str], path: Path) -> None:
        near = difflib.get_close_matches(name, known, 1, 0.6)
        add = f"Did you mean `{near[0]}`?" if near else f"Declare it, or use one of: {', '.join(known) or 'none yet'}."
        self._gaps.add(f"unknown-{what}", path, f"{what} `{name}` does not exist", add)

    def _twice(self, what: str, path: Path) -> None:
        self._gaps.add(f"duplicate-{what}", path, f"the same {what} stands there twice", "Rename one of them.")

    def _time(self, path: Path, given: str) -> None:
        add = "Write it like 2026-01-31T08:00:00Z."
        self._gaps.add("bad-time", path, f"`now: {given}` is no moment with a time zone", add)


def attributes_for(spec: Spec, field: str, kind: str | None) -> tuple[Attribute | None, Mapping[str, Attribute] | None]:
    """What is declared for a field, and all that is declared beside it; (None, None) for what needs no declaration."""
    resource = spec.resources.get(kind or "")
    tables = {
        "principal.attr.": spec.principals.attributes,
        "claims.": spec.principals.claims,
        "resource.attr.": resource.attributes if resource else None,
    }
    for prefix, table in tables.items():
        if field.startswith(prefix):
            return (_declared(field.removeprefix(prefix), table) if table is not None else None), table
    return None, None


def fits(value: Any, declared: Attribute) -> bool:
    """Whether a value is of the declared type."""
    number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MAX_NUMBER
    ok = {
        "text": isinstance(value, str),
        "number": number,
        "integer": number and float(value).is_integer(),
        "boolean": isinstance(value, bool),
        "date": day(value) is not None,
        "timestamp": moment(value) is not None,
        "list": isinstance(value, list),
        "map": isinstance(value, dict),
    }
    return ok[declared.type] and (not declared.one_of or value in declared.one_of)


def _declared(name: str, table: Mapping[str, Attribute]) -> Attribute | None:
    """The attribute of that name, or the mapping that it lies in."""
    if name in table:
        return table[name]
    parts = name.split(".")
    outer = (table.get(".".join(parts[:n])) for n in range(len(parts) - 1, 0, -1))
    return next((found for found in outer if found is not None and found.type == "map"), None)


def _there(given: Mapping[str, Any], name: str) -> bool:
    node: Any = given
    for part in name.split("."):
        if not isinstance(node, Mapping) or part not in node:
            return False
        node = node[part]
    return True
