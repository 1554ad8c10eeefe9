"""What must be decided for every rule: by whom it is met, and by whom, for each of its parts, it is not."""

from collections.abc import Iterable, Iterator, Sequence

from policyloop.specification.boundary import edges, problem_of, side_of
from policyloop.specification.case_request import MISSING
from policyloop.specification.cases import Case, Cases
from policyloop.specification.gap import Gaps, listed
from policyloop.specification.irrelevant import Cell, is_irrelevant
from policyloop.specification.isolation import (
    ROLES,
    Isolation,
    conditions_of,
    decisive_role,
    looks_at,
    needed_roles,
    touches,
)
from policyloop.specification.model import Rule, Spec
from policyloop.specification.names import attributes_for
from policyloop.specification.paste import Paste
from policyloop.specification.vocabulary import ALWAYS, EVERYONE, Condition, Path
from policyloop.specification.whom_and_where import check_whom_and_where


def check_rules(spec: Spec, cases: Cases, isolations: Sequence[Isolation], gaps: Gaps) -> None:
    """The six elements of every rule, and the decisions that it needs."""
    for number, rule in enumerate(spec.rules):
        path: Path = ("rules", number)
        _elements(rule, spec, gaps, path)
        if not any(decision.rule == rule.id for decision in spec.decisions):
            add = "Add an allowed decision, and a denial for each of its roles and conditions."
            gaps.add("no-decisions", path, "no decision belongs to it", add)
        elif rule.decision and rule.subjects and rule.actions and rule.resource in spec.resources:
            _RuleCoverage(rule, path, cases, isolations, gaps).check()


def _elements(rule: Rule, spec: Spec, gaps: Gaps, path: Path) -> None:
    wanted: tuple[tuple[str, object, str], ...] = (
        ("subject", rule.subjects, "Say for which roles or derived roles it is, `*` for everyone, or which `person`."),
        ("actions", rule.actions, "Say what may be done."),
        ("resource", rule.resource, "Say with what it may be done."),
        ("condition", rule.condition.strip(), f"Say in words when it holds; `{ALWAYS}` when it always does."),
        ("decision", rule.decision, "Say `allow` or `deny`."),
        ("purpose", rule.purpose.strip(), "Say why, so that the next person can judge it."),
    )
    for name, value, add in wanted:
        if not value:
            gaps.add(f"missing-{name}", path, f"it has no {name}", add)
    said = rule.condition.strip().lower()
    found = conditions_of(rule, spec)
    if said and said != ALWAYS and not found:
        add = "List its parts under `conditions`, each with an id, words and the fields it looks at."
        gaps.add("condition-not-split", path, f"its condition ({rule.condition.strip()}) has no parts to test", add)
    if said == ALWAYS and rule.conditions:
        gaps.add("condition-not-said", path, "it has conditions, but in words it always holds", "Say them in words.")
    for condition in found.values():
        if not looks_at(condition):
            add = "Name the fields that decide it, such as resource.attr.owner and principal.id."
            gaps.add("no-fields", path, f"condition `{condition.id}` looks at no field", add)
    for name in rule.subjects:
        derived = spec.derived_roles.get(name)
        if derived and not derived.parents:
            add = "Name the roles one of which is needed to begin with; `*` for any."
            gaps.add("no-parents", ("derived_roles", name), "it has no parents", add)
        if derived and not derived.conditions:
            add = "List what makes somebody this role, each with an id, words and the fields it looks at."
            gaps.add("condition-not-split", ("derived_roles", name), "it has no conditions", add)


class _RuleCoverage:
    """The decisions that one rule needs, action by action."""

    def __init__(self, rule: Rule, path: Path, cases: Cases, isolations: Sequence[Isolation], gaps: Gaps) -> None:
        self._rule, self._path, self._cases, self._gaps = rule, path, cases, gaps
        self._spec = cases.spec
        self._isolations_of_all = isolations
        self._isolations = [one for one in isolations if one.denial.decision.rule == rule.id]
        self._mine = cases.by_rule.get(rule.id, ())
        self._conditions = conditions_of(rule, cases.spec)
        self._allows = rule.decision == "allow"

    def check(self) -> None:
        if self._allows:
            self._subjects()
            self._others()
        else:
            self._bites()
        self._roles()
        check_whom_and_where(self._rule, self._path, self._cases, self._isolations_of_all, self._gaps)
        for condition in self._conditions.values():
            self._condition(condition)
            if condition.boundary is not None and problem_of(condition) is None:
                self._boundary(condition)
        self._absent()
        self._output()
        self._now()

    def _subjects(self) -> None:
        """An allowed decision for each subject and action."""
        if not any(case.allowed for case in self._mine):
            add = "Add a decision with `expect: allow`."
            self._gaps.add("no-allowed-decision", self._path, "no decision shows that it allows anything", add)
            return
        for subject in self._rule.subjects:
            shown = {c.action for c in self._mine if c.allowed and self._acts_as(c) == subject}
            named = "everyone" if self._rule.person is None else f"`{self._rule.person}`"
            who = named if subject == EVERYONE else f"`{subject}`"
            self._missing(
                "subject-not-allowed",
                shown,
                f"no decision allows {{actions}} for {who} alone",
                "Add one with somebody who is no other subject of the rule, or say `shows: {role: ...}`.",
            )

    def _others(self) -> None:
        """A denial for each role that no rule lets do this."""
        spec = self._spec
        for action in self._rule.actions:
            rules = [
                rule
                for rule in spec.rules
                if rule.resource == self._rule.resource and action in rule.actions and rule.person is None
            ]
            needed = {role for rule in rules for subject in rule.subject for role in needed_roles(subject, spec)}
            if EVERYONE in needed:
                continue
            denied = {r for o in self._isolations if o.denial.action == action for r in o.denial.request.roles}
            kind = self._rule.resource or ""
            others = [
                role
                for role in spec.roles
                if role not in needed | denied and not is_irrelevant(spec, kind, Cell(role=role, action=action))
            ]
            if others:
                message = f"no denial of `{action}` shows that {listed(others)} may not"
                add = "Add a denial for somebody who has them all, and as control the same with a role that may."
                told = [f"role {role}, {action}" for role in others]
                paste = Paste(spec, self._cases, kind, self._gaps.names).roles(self._rule, action, others)
                self._gaps.add("other-role-not-denied", self._path, message, add, undecided=told, paste=paste)

    def _bites(self) -> None:
        """A denial with an allowed control for each action."""
        shown = {one.denial.action for one in self._isolations}
        self._missing(
            "no-denied-decision",
            shown,
            "no denial with an allowed control shows that it denies {actions}",
            "Add a denial, and as its control the nearest request that is allowed.",
        )

    def _acts_as(self, case: Case) -> str | None:
        """The one subject that can be the reason why a case is allowed."""
        fitting = [name for name in self._rule.subjects if self._is(case, name)]
        shows = case.decision.shows
        if shows is not None and shows.role in fitting:
            return shows.role
        return fitting[0] if len(fitting) == 1 else None

    def _is(self, case: Case, subject: str) -> bool:
        needed = needed_roles(subject, self._spec)
        return EVERYONE in needed or not case.request.roles.isdisjoint(needed)

    def _roles(self) -> None:
        """For each role that is needed, a denial in which it makes the difference."""
        for subject in self._rule.subjects:
            for role in needed_roles(subject, self._spec):
                if role == EVERYONE:
                    continue
                shown = {
                    one.denial.action
                    for one in self._isolations
                    if one.difference.path == ROLES and decisive_role(one.difference, self._rule) == role
                }
                of = f", a parent of `{subject}`" if role != subject else ""
                lacking = "somebody without it" if self._allows else "somebody with it, and as control the same without"
                self._missing(
                    "role-not-isolated",
                    shown,
                    f"no denial of {{actions}} shows that role `{role}`{of} makes the difference",
                    f"Add a denial for {lacking}: `shows: {{role: {role}}}`.",
                )

    def _condition(self, condition: Condition) -> None:
        shown = {one.denial.action for one in self._isolations if self._isolates(one, condition)}
        if not looks_at(condition):
            return
        fields = listed(looks_at(condition), "or")
        self._missing(
            "condition-not-isolated",
            shown,
            f"no denial of {{actions}} shows that condition `{condition.id}` makes the difference",
            f"Add a denial that differs from its control in {fields} only: `shows: {{condition: {condition.id}}}`.",
        )

    def _isolates(self, one: Isolation, condition: Condition) -> bool:
        """Whether it is this condition that fails, and not merely its field that is missing."""
        shows = one.denial.decision.shows
        difference = one.difference
        if not touches(difference.path, looks_at(condition)):
            return False
        if MISSING in (difference.before, difference.after) and not condition.presence:
            return False
        if shows is not None and shows.condition is not None:
            return shows.condition == condition.id
        others = (other for other in self._conditions.values() if other.id != condition.id)
        return not any(touches(difference.path, looks_at(other)) for other in others)

    def _boundary(self, condition: Condition) -> None:
        """A pair of decisions at the very edge: one on each side, with nothing else different."""
        shown = set()
        for one in self._isolations:
            inside, outside = (one.control, one.denial) if self._allows else (one.denial, one.control)
            holds, fails = side_of(condition, inside.request), side_of(condition, outside.request)
            if holds and fails and holds.holds and holds.edge and not fails.holds and fails.edge:
                shown.add(one.denial.action)
        self._missing(
            "boundary-one-sided",
            shown,
            f"no decisions on {{actions}} stand on both sides of the boundary of `{condition.id}`",
            f"Add a denial and its control with {edges(condition)}, and nothing else different.",
        )

    def _absent(self) -> None:
        """For each attribute that may be missing, a decision in which it is."""
        fields = dict.fromkeys(field for one in self._conditions.values() for field in looks_at(one))
        for field in fields:
            declared, _ = attributes_for(self._spec, field, self._rule.resource)
            if declared is None or not declared.optional:
                continue
            shown = {case.action for case in self._without(field)}
            self._missing(
                "absent-not-decided",
                shown,
                f"nothing says what becomes of {{actions}} when {field} is absent",
                f"Add a decision for it: `shows: {{absent: {field}}}`.",
            )

    def _without(self, field: str) -> Iterator[Case]:
        """The decisions about the absence of a field; for a rule that denies, also those that others allow."""
        yield from (o.denial for o in self._isolations if o.difference.path == field and o.difference.after is MISSING)
        for case in self._cases:
            mine = case.decision.rule == self._rule.id or (not self._allows and self._concerns(case))
            if case.allowed and mine and case.request.field(field) is MISSING:
                yield case

    def _concerns(self, case: Case) -> bool:
        return case.request.kind == self._rule.resource and any(self._is(case, name) for name in self._rule.subjects)

    def _output(self) -> None:
        outputs = any(case.decision.outputs for case in self._mine)
        if self._rule.output and not outputs:
            add = "Add `outputs` to one of its decisions."
            self._gaps.add("output-not-decided", self._path, "no decision says what its output is", add)
        if outputs and not self._rule.output:
            add = "Say under `output` in words what the answer carries along."
            self._gaps.add("output-not-said", self._path, "its decisions expect outputs, but it has none", add)

    def _now(self) -> None:
        if self._spec.now is not None or not any("now" in looks_at(one) for one in self._conditions.values()):
            return
        for number in sorted({case.number for case in self._mine if case.decision.now is None}):
            add = "Give the decision (or the whole spec) a `now`."
            self._gaps.add("now-missing", ("decisions", number), "its rule looks at the time, but it has no `now`", add)

    def _missing(self, code: str, shown: Iterable[str], message: str, add: str) -> None:
        """A gap for the actions of the rule that are not among `shown`."""
        found = set(shown)
        actions = [action for action in self._rule.actions if action not in found]
        if actions:
            self._gaps.add(code, self._path, message.replace("{actions}", listed(actions)), add)
