"""What nothing is decided about: values of a `one_of`, scopes, roles and actions within a scope, all other actions.

A value, a scope or a role counts as decided by a request that is allowed with it, or by a denial in which it alone
makes the difference: a denial for another reason says nothing about it. Combinations are looked at in pairs (a rule's
action with each value, a scope with each role, a scope with each action), not all of them. What a person is told to be
`irrelevant` is left out.
"""

from collections.abc import Iterator, Sequence

from policyloop.specification.cases import Case, Cases
from policyloop.specification.gap import Gaps, listed
from policyloop.specification.irrelevant import Cell, is_irrelevant
from policyloop.specification.isolation import ROLES, SCOPE, Isolation, conditions_of, looks_at, needed_roles, touches
from policyloop.specification.model import Rule, Spec
from policyloop.specification.paste import Paste
from policyloop.specification.vocabulary import EVERYONE, Attribute, Path
from policyloop.specification.whom_and_where import concerns


def check_undecided(spec: Spec, cases: Cases, isolations: Sequence[Isolation], gaps: Gaps) -> None:
    """The gaps of every resource that has rules."""
    for kind in spec.resources:
        rules = [rule for rule in spec.rules if rule.resource == kind and rule.actions and rule.subjects]
        if rules:
            _Undecided(spec, kind, rules, cases, isolations, gaps).check()


class _Undecided:
    """The gaps of one resource."""

    def __init__(
        self,
        spec: Spec,
        kind: str,
        rules: Sequence[Rule],
        cases: Cases,
        isolations: Sequence[Isolation],
        gaps: Gaps,
    ) -> None:
        self._spec, self._kind, self._rules, self._gaps = spec, kind, rules, gaps
        self._cases = cases
        self._allowed = [case for case in cases if case.request.kind == kind and case.allowed]
        self._isolations = [one for one in isolations if one.denial.request.kind == kind]
        self._paste = Paste(spec, cases, kind, gaps.names)

    def check(self) -> None:
        fields = dict(self._choices())
        looked_at = {field: [rule for rule in self._rules if self._looks(rule, field)] for field in fields}
        for field, declared in fields.items():
            if looked_at[field]:
                for rule in looked_at[field]:
                    self._values_of_rule(rule, field, declared)
            elif field.startswith("resource."):
                self._values(field, declared)
        for scope in self._spec.resources[self._kind].scopes:
            self._roles_in(scope)
            self._actions_in(scope)
        self._everything_else()

    # --- values ---------------------------------------------------------------------------------------------------

    def _choices(self) -> Iterator[tuple[str, Attribute]]:
        """The fields that can only be one of some texts."""
        tables = (
            ("resource.attr", self._spec.resources[self._kind].attributes),
            ("principal.attr", self._spec.principals.attributes),
            ("claims", self._spec.principals.claims),
        )
        for prefix, table in tables:
            for name, declared in table.items():
                if declared.one_of:
                    yield f"{prefix}.{name}", declared

    def _looks(self, rule: Rule, field: str) -> bool:
        return any(touches(field, looks_at(one)) for one in conditions_of(rule, self._spec).values())

    def _values_of_rule(self, rule: Rule, field: str, declared: Attribute) -> None:
        """Each value with each action of a rule that looks at the field."""
        path: Path = ("rules", self._spec.rules.index(rule))
        for value in declared.one_of:
            decided = {case.action for case in self._deciding(rule, field, value)}
            actions = [
                action
                for action in rule.actions
                if action not in decided and not self._irrelevant(Cell(field, value, action=action))
            ]
            if not actions:
                continue
            condition = next(one for one in conditions_of(rule, self._spec).values() if touches(field, looks_at(one)))
            message = f"nobody said whether {listed(actions)} holds when {field} is `{value}`"
            add = f"Add a decision with that value (a denial: `shows: {{condition: {condition.id}}}`)" + _OR_IRRELEVANT
            told = [f"value {value} of {field}, {action}" for action in actions]
            paste = self._paste.value(rule, actions, field, value, condition.id)
            self._gaps.add("value-not-decided", path, message, add, undecided=told, paste=paste)

    def _deciding(self, rule: Rule, field: str, value: str) -> Iterator[Case]:
        """The cases that say what the rule makes of a value."""
        for case in self._allowed:
            mine = case.decision.rule == rule.id or (rule.decision == "deny" and concerns(rule, case, self._spec))
            if mine and case.request.field(field) == value:
                yield case
        for one in self._isolations:
            mine = one.denial.decision.rule == rule.id
            telling = rule.decision == "deny" or touches(one.difference.path, (field,))
            if mine and telling and one.denial.request.field(field) == value:
                yield one.denial

    def _values(self, field: str, declared: Attribute) -> None:
        """Each value once, where no rule looks at the field."""
        path: Path = ("resources", self._kind)
        seen = {case.request.field(field) for case in self._allowed if _is_text(case.request.field(field))}
        seen |= {
            one.denial.request.field(field)
            for one in self._isolations
            if one.difference.path == field and _is_text(one.denial.request.field(field))
        }
        for value in declared.one_of:
            if value in seen or self._irrelevant(Cell(field, value)):
                continue
            message = f"nobody said what holds when {field} is `{value}`"
            add = "Add a decision with that value" + _OR_IRRELEVANT
            paste = self._paste.any_value(field, value)
            self._gaps.add(
                "value-not-decided", path, message, add, undecided=[f"value {value} of {field}"], paste=paste
            )

    # --- scopes ---------------------------------------------------------------------------------------------------

    def _roles_in(self, scope: str) -> None:
        """Each role in a scope: somebody allowed by it there, or a denial where it, or the scope, is the difference."""
        needed = {
            role for rule in self._rules for subject in rule.subjects for role in needed_roles(subject, self._spec)
        }
        if needed == {EVERYONE} and all(rule.person is None for rule in self._rules):
            return
        decided: set[str] = set()
        for case in self._allowed:
            if case.request.resource_scope == scope:
                decided |= self._acting(case)
        for one in self._isolations:
            if one.denial.request.resource_scope == scope and one.difference.path in (ROLES, SCOPE):
                decided |= one.denial.request.roles
        if decided and not any(case.request.resource_scope == scope for case in self._allowed):
            # Nobody may do anything there, so there is no control for somebody who may do nothing elsewhere, either.
            decided |= self._spec.roles.keys() - needed
        roles = [
            role
            for role in self._spec.roles
            if role not in decided and not self._irrelevant(Cell(scope=scope, role=role))
        ]
        if not roles:
            return
        message = f"in `{scope}`, nothing is decided about {listed(roles)}"
        add = "Add a decision there for each, or one denial for somebody who has all that may not" + _OR_IRRELEVANT
        told = [f"role {role} in scope {scope}" for role in roles]
        paste = self._paste.roles_in(scope, roles)
        self._gaps.add(
            "role-not-decided-in-scope", ("resources", self._kind), message, add, undecided=told, paste=paste
        )

    def _acting(self, case: Case) -> frozenset[str]:
        """The roles of which it is said that they are allowed: all where one would do, else the one that counts."""
        rule = self._cases.rules.get(case.decision.rule)
        if rule is None or rule.person is not None:
            return frozenset()
        needed = {role for subject in rule.subjects for role in needed_roles(subject, self._spec)}
        acting = case.request.roles if EVERYONE in needed else case.request.roles & needed
        shows = case.decision.shows
        if shows is not None and shows.role in acting:
            return frozenset((shows.role,))
        return acting if len(acting) == 1 or EVERYONE in needed else frozenset()

    def _actions_in(self, scope: str) -> None:
        """Each action in a scope, of those about which something is decided at all."""
        anywhere = {case.action for case in self._allowed} | {one.denial.action for one in self._isolations}
        decided = {case.action for case in self._allowed if case.request.resource_scope == scope}
        decided |= {one.denial.action for one in self._isolations if one.denial.request.resource_scope == scope}
        actions = [
            action
            for action in self._spec.resources[self._kind].actions
            if action in anywhere - decided and not self._irrelevant(Cell(scope=scope, action=action))
        ]
        if not actions:
            return
        message = f"in `{scope}`, nothing is decided about doing {listed(actions)}"
        add = "Add a decision there" + _OR_IRRELEVANT
        told = [f"action {action} in scope {scope}" for action in actions]
        paste = self._paste.actions_in(scope, actions)
        path: Path = ("resources", self._kind)
        self._gaps.add("action-not-decided-in-scope", path, message, add, undecided=told, paste=paste)

    # --- all other actions ----------------------------------------------------------------------------------------

    def _everything_else(self) -> None:
        if self._spec.resources[self._kind].everything_else is None:
            return
        if any(one.denial.decision.shows and one.denial.decision.shows.unknown_action for one in self._isolations):
            return
        add = "Add a denial of one action that is not listed: `shows: {unknown_action: ...}`."
        message = "it says that everything else is denied, but no decision shows it"
        told = ["action that is not listed"]
        paste = self._paste.everything_else()
        path: Path = ("resources", self._kind)
        self._gaps.add("everything-else-not-decided", path, message, add, undecided=told, paste=paste)

    def _irrelevant(self, cell: Cell) -> bool:
        return is_irrelevant(self._spec, self._kind, cell)


_OR_IRRELEVANT = ", or say under `irrelevant` that it makes no difference, and why."


def _is_text(value: object) -> bool:
    return isinstance(value, str)
