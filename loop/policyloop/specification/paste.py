"""Lines that close a gap: examples and decisions beside those that are there, for a person to look at.

They say what grants less, a denial; only where no rule could deny it they say that it is allowed.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from policyloop.specification.cases import Case, Cases
from policyloop.specification.document import read_document
from policyloop.specification.gap import Gap
from policyloop.specification.isolation import needed_roles
from policyloop.specification.model import Rule, Spec
from policyloop.specification.vocabulary import EVERYONE
from policyloop.yaml_text.writing import block, flow

_HEAD = "# A denial is proposed. Where it may be: `expect: allow`, without `control` and `shows`.\n"
_OR = "# Or, where it makes no difference:\n"
_ENTRY = "#   - "
_UNFIT = re.compile(r"[^A-Za-z0-9]+")


def paste_of(gaps: Iterable[Gap]) -> str:
    """All lines that the gaps propose, each section once; "" where there are none."""
    lines, entries = _Lines(), []
    for gap in gaps:
        if gap.paste:
            data = read_document(gap.paste, "lines").data
            for section, examples in data.get("examples", {}).items():
                lines.examples(section).update(examples)
            lines.decisions.extend(data["decisions"])
            entries += [line for line in gap.paste.splitlines() if line.startswith(_ENTRY)]
    text = lines.text(None)
    return text + (f"{_OR}# irrelevant:\n" + "\n".join(dict.fromkeys(entries)) + "\n" if entries else "")


class Paste:
    """Lines for the gaps of one resource. `taken`: names that are in use; those of the lines are added to them."""

    def __init__(self, spec: Spec, cases: Cases, kind: str, taken: set[str]) -> None:
        self._spec, self._cases, self._kind = spec, cases, kind
        self._taken = taken
        mine = [case for case in cases if case.request.kind == kind and case.allowed]
        self._allowed = [case for case in mine if case.decision.rule in cases.rules]

    def value(self, rule: Rule, actions: Sequence[str], field: str, value: str, condition: str) -> str:
        """A denial with that value for each action, beside a request that is allowed with another one."""
        lines = _Lines()
        for action in actions:
            near = self._first(case for case in self._of(action) if self._fits(rule, case))
            if near is None:
                continue
            changed = self._with_value(near, field, value, lines)
            denied = {"expect": "deny", "control": near.decision.id, "shows": {"condition": condition}}
            self._decide(lines, f"{action}-{value}", rule.id, near, changed, action, denied)
        return lines.text({"resource": self._kind, "attribute": field, "value": value})

    def any_value(self, field: str, value: str) -> str:
        """An allowed request with a value that no rule looks at."""
        near, lines = self._first(self._allowed), _Lines()
        if near is None:
            return ""
        changed = self._with_value(near, field, value, lines)
        self._decide(
            lines, f"{near.action}-{value}", near.decision.rule, near, changed, near.action, {"expect": "allow"}
        )
        return lines.text({"resource": self._kind, "attribute": field, "value": value})

    def roles(self, rule: Rule, action: str, roles: Sequence[str]) -> str:
        """A denial of an action for each role, beside somebody whom the rule allows it."""
        lines = _Lines()
        there = self._first(
            case for case in self._of(action) if case.decision.rule == rule.id and self._counting(case) is not None
        )
        for role in roles:
            if there is None:
                break
            self._instead(lines, f"{role}-{action}-not", there, role)
        return lines.text({"resource": self._kind, "role": roles[0], "action": action}, more=len(roles) > 1)

    def actions(self, actions: Sequence[str]) -> str:
        """A denial of each action, beside another one that is allowed."""
        near, lines = self._first(self._allowed), _Lines()
        for action in actions:
            if near is None:
                break
            denied = {"expect": "deny", "control": near.decision.id, "shows": {"action": action}}
            self._decide(lines, f"no-{action}", near.decision.rule, near, {}, action, denied)
        return lines.text({"resource": self._kind, "action": actions[0]}, more=len(actions) > 1)

    def roles_in(self, scope: str, roles: Sequence[str]) -> str:
        """A denial for each role in a scope, beside somebody who is allowed there, or beside themselves elsewhere."""
        lines = _Lines()
        there = self._first(case for case in self._within(scope) if self._counting(case) is not None)
        for role in roles:
            elsewhere = self._first(case for case in self._allowed if self._counting(case) == role)
            if there is not None:
                self._instead(lines, f"{role}-in-{scope}", there, role)
            elif elsewhere is not None:
                self._elsewhere(lines, f"{role}-in-{scope}", elsewhere, scope, elsewhere.action)
        return lines.text({"resource": self._kind, "scope": scope, "role": roles[0]}, more=len(roles) > 1)

    def actions_in(self, scope: str, actions: Sequence[str]) -> str:
        """A denial for each action in a scope, beside the same elsewhere, or beside another action there."""
        lines = _Lines()
        for action in actions:
            elsewhere = self._first(self._of(action))
            there = self._first(case for case in self._within(scope) if action not in self._rule(case).actions)
            if elsewhere is not None:
                self._elsewhere(lines, f"{action}-in-{scope}", elsewhere, scope, action)
            elif there is not None:
                denied = {"expect": "deny", "control": there.decision.id, "shows": {"action": action}}
                self._decide(lines, f"{action}-in-{scope}", there.decision.rule, there, {}, action, denied)
        return lines.text({"resource": self._kind, "scope": scope, "action": actions[0]}, more=len(actions) > 1)

    def everything_else(self) -> str:
        """A denial of an action that is not listed, beside one that is."""
        near, lines = self._first(self._allowed), _Lines()
        if near is None:
            return ""
        known, name = self._spec.resources[self._kind].actions, "something_else"
        while name in known:
            name += "_again"
        denied = {"expect": "deny", "control": near.decision.id, "shows": {"unknown_action": name}}
        self._decide(lines, f"no-{name}", near.decision.rule, near, {}, name, denied)
        return lines.text(None)

    # --- parts ----------------------------------------------------------------------------------------------------

    def _first(self, cases: Iterable[Case]) -> Case | None:
        return next(iter(cases), None)

    def _of(self, action: str) -> list[Case]:
        return [case for case in self._allowed if case.action == action]

    def _within(self, scope: str) -> list[Case]:
        return [case for case in self._allowed if case.request.resource_scope == scope]

    def _rule(self, case: Case) -> Rule:
        return self._cases.rules[case.decision.rule]

    def _fits(self, rule: Rule, case: Case) -> bool:
        """Whether what is allowed is a control for a denial of the rule."""
        if rule.decision != "deny":
            return case.decision.rule == rule.id
        needed = {role for subject in rule.subjects for role in needed_roles(subject, self._spec)}
        mine = rule.person in (None, case.request.principal)
        return mine and (EVERYONE in needed or not case.request.roles.isdisjoint(needed))

    def _counting(self, case: Case) -> str | None:
        """The one role for which somebody is allowed; None where it is not one."""
        rule = self._rule(case)
        needed = {role for subject in rule.subjects for role in needed_roles(subject, self._spec)}
        acting = case.request.roles & needed
        return next(iter(acting)) if len(acting) == 1 and EVERYONE not in needed and rule.person is None else None

    def _subject(self, case: Case) -> str:
        """The subject of a rule that somebody is by the role that counts."""
        counting = self._counting(case)
        subjects = self._rule(case).subjects
        return next(name for name in subjects if counting in needed_roles(name, self._spec))

    def _instead(self, lines: "_Lines", name: str, near: Case, role: str) -> None:
        """The same as in `near`, for somebody with that role instead of the one that counts."""
        others = [other for other in sorted(near.request.roles) if other not in (self._counting(near), role)]
        who = self._name(f"{near.decision.principal}_as_{role}")
        lines.examples("principals")[who] = {"like": near.decision.principal, "roles": [role, *others]}
        denied = {"expect": "deny", "control": near.decision.id, "shows": {"role": self._subject(near)}}
        self._decide(lines, name, near.decision.rule, near, {"principal": who}, near.action, denied)

    def _elsewhere(self, lines: "_Lines", name: str, near: Case, scope: str, action: str) -> None:
        what = self._name(f"{near.decision.resource}_in_{scope}")
        lines.examples("resources")[what] = {"like": near.decision.resource, "scope": scope}
        denied = {"expect": "deny", "control": near.decision.id, "shows": {"scope": scope}}
        self._decide(lines, name, near.decision.rule, near, {"resource": what}, action, denied)

    def _with_value(self, near: Case, field: str, value: str, lines: "_Lines") -> dict[str, str]:
        """The example that is like the one of `near` but for a field; by the key under which a decision names it."""
        root, _, path = field.partition(".attr." if ".attr." in field else ".")
        request, decision = near.request, near.decision
        given = {"resource": request.resource_attr, "principal": request.principal_attr, "claims": request.claims}[root]
        like = {"resource": decision.resource, "principal": decision.principal, "claims": decision.claims}[root]
        section = {"resource": "resources", "principal": "principals", "claims": "claims"}[root]
        name = self._name(f"{like or 'token'}_{value}")
        changed = _put(given, path.split("."), value)
        top = path.split(".")[0]
        start = {"like": like} if like is not None else {}
        lines.examples(section)[name] = {**start, "values" if root == "claims" else "attr": {top: changed[top]}}
        return {root: name}

    def _decide(
        self,
        lines: "_Lines",
        name: str,
        rule: str,
        near: Case,
        changed: Mapping[str, str],
        action: str,
        said: Mapping[str, Any],
    ) -> None:
        one = near.decision
        named = {"principal": one.principal, "resource": one.resource} | ({"claims": one.claims} if one.claims else {})
        circumstances = one.model_dump(mode="json", exclude_defaults=True, include={"now", "globals"})
        lines.decisions.append(
            {
                "id": self._name(name, "-"),
                "rule": rule,
                **named,
                **changed,
                "actions": [action],
                **said,
                **circumstances,
            }
        )

    def _name(self, wish: str, blank: str = "_") -> str:
        plain = _UNFIT.sub(blank, wish).strip(blank).lower()[:60]
        name = base = plain if plain[:1].isalpha() else f"x{blank}{plain}"
        number = 2
        while name in self._taken:
            name, number = f"{base}{blank}{number}", number + 1
        self._taken.add(name)
        return name


class _Lines:
    """Examples and decisions that are put together."""

    def __init__(self) -> None:
        self._examples: dict[str, dict[str, Any]] = {}
        self.decisions: list[dict[str, Any]] = []

    def examples(self, section: str) -> dict[str, Any]:
        """The examples of that section."""
        return self._examples.setdefault(section, {})

    def text(self, irrelevant: Mapping[str, str] | None, *, more: bool = False) -> str:
        """The lines of YAML; "" where there are none. `more`: one of several things that may be irrelevant."""
        if not self.decisions:
            return ""
        data: dict[str, Any] = {"examples": self._examples} if self._examples else {}
        text = _HEAD + "\n".join(block({**data, "decisions": self.decisions}, open_levels=2)) + "\n"
        if irrelevant is None:
            return text
        each = " (an entry for each)" if more else ""
        entry = flow({**irrelevant, "because": "..."})
        return f"{text}{_OR.replace(':', each + ':')}# irrelevant:\n{_ENTRY}{entry}\n"


def _put(given: Mapping[str, Any], path: Sequence[str], value: str) -> dict[str, Any]:
    inner = given.get(path[0])
    if len(path) == 1:
        return {**given, path[0]: value}
    return {**given, path[0]: _put(inner if isinstance(inner, Mapping) else {}, path[1:], value)}
