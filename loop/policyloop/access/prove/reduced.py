"""The policies of a bundle as the PDP reads them: their rules, with an attribute in place of each condition."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policyloop.access.prove.resolve import Names, known
from policyloop.access.source import Definition as WrittenDefinition
from policyloop.access.source import Rule as WrittenRule
from policyloop.access.source import policies_of
from policyloop.access.source.alike import Kept, Place, confused, permissions_of
from policyloop.access.source.policies import OPERATORS, TOP, Heading, What
from policyloop.bundle import Bundle

Read = Mapping[str, Mapping[str, Any]]
"""Policies by file, as the PDP reads them."""

_BESIDE = frozenset({"apiVersion", "description", "name", "disabled", "variables", "jsonSchema", "$schema"})
DEFAULT = "default"
"""The version of a policy, and of a request, that names none."""


class Hidden(Exception):
    """A bundle that holds something which is not known here; the message says what and where."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One `expr` of a rule or a derived role: the attribute that stands for it, its text, its names and its place.

    `line` is 0 where our own reading of the file does not find it there.
    """

    attribute: str
    text: str
    names: Names
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, or one action of a principal policy's rule. `conditions` are named by their attributes."""

    resource: str
    actions: tuple[str, ...]
    roles: tuple[str, ...]
    derived_roles: tuple[str, ...]
    conditions: tuple[str, ...]
    number: int
    """No other rule of the bundle has it."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A derived role."""

    name: str
    parent_roles: tuple[str, ...]
    conditions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy(Heading):
    """One policy, as the PDP reads it."""

    rules: tuple[Rule, ...] = ()
    definitions: tuple[Definition, ...] = ()
    parents: tuple[str, ...] = ()
    """The roles from which a role policy's role inherits."""
    schemas: str = ""


@dataclass(frozen=True, slots=True)
class _Written:
    """A rule with what its policy says of it. `form`: how its expressions are put together."""

    file: str
    what: What
    effect: str
    permissions: str
    form: str
    rule: Rule


class Maker:
    """Reduces one policy after the other. `reduced` are the policies that then are served."""

    def __init__(self, read: Read, lines: Mapping[str, Sequence[tuple[str, int]]]) -> None:
        self._lines = lines
        self._rules: list[_Written] = []
        self._definitions: dict[str, list[tuple[Definition, str]]] = {}
        self._seen: Counter[str] = Counter()
        self.conditions: dict[str, Condition] = {}
        self.reduced: list[dict[str, Any]] = []
        self._exported = {
            (top, str(one[top].get("name", ""))): one[top]
            for one in read.values()
            for top in ("exportVariables", "exportConstants")
            if top in one
        }

    def policy(self, file: str, whole: Mapping[str, Any]) -> Policy:
        """One policy; the same with its conditions replaced is kept in `reduced`."""
        tops = [key for key in whole if key not in _BESIDE]
        if len(tops) != 1 or tops[0] not in TOP:
            raise Hidden(f"{file} is no policy that is known here")
        top = tops[0]
        what, named = TOP[top]
        body: Mapping[str, Any] = whole[top]
        names = self._names(whole, body)
        fewer = {key: value for key, value in body.items() if key not in ("variables", "constants")}
        rules: list[Rule] = []
        definitions: list[Definition] = []
        if what == "derived":
            fewer["definitions"] = [
                self._definition(file, one, names, definitions) for one in _list(body, "definitions")
            ]
        elif what in ("variables", "constants"):
            fewer = dict(body)
        else:
            held = [self._rule(file, what, body, one, names, rules) for one in _list(body, "rules")]
            fewer |= {"rules": held} if held else {}
        self.reduced.append({"apiVersion": whole["apiVersion"], top: fewer})
        return Policy(
            file,
            what,
            str(body.get(named, "")),
            str(body.get("version", "")) or DEFAULT,
            str(body.get("scope", "")).removeprefix("."),
            tuple(rules),
            tuple(definitions),
            _texts(body, "parentRoles"),
            json.dumps(body["schemas"], sort_keys=True) if "schemas" in body else "",
        )

    def _rule(
        self, file: str, what: What, body: Mapping[str, Any], rule: Mapping[str, Any], names: Names, rules: list[Rule]
    ) -> dict[str, Any]:
        resource = str(body["resource"] if what == "resource" else rule["resource"])
        if what == "principal":
            actions = []
            for one in _list(rule, "actions"):
                fewer, conditions = self._without(file, one, names)
                held = Rule(resource, (str(one["action"]),), (), (), conditions, len(self._rules))
                rules.append(self._noted(file, what, body, one, held))
                actions.append(fewer)
            return {**rule, "actions": actions}
        fewer, conditions = self._without(file, rule, names)
        roles = (str(body["role"]),) if what == "role" else _texts(rule, "roles")
        listed = _texts(rule, "allowActions" if what == "role" else "actions")
        held = Rule(resource, listed, roles, _texts(rule, "derivedRoles"), conditions, len(self._rules))
        rules.append(self._noted(file, what, body, rule, held))
        return fewer

    def _noted(self, file: str, what: What, body: Mapping[str, Any], written: Mapping[str, Any], rule: Rule) -> Rule:
        """The rule, of which is remembered what Cerbos may take it for another by."""
        permissions = permissions_of(str(body.get("scopePermissions", "")))
        effect = str(written.get("effect", ""))
        self._rules.append(_Written(file, what, effect, permissions, _form(written), rule))
        return rule

    def _definition(
        self, file: str, one: Mapping[str, Any], names: Names, definitions: list[Definition]
    ) -> dict[str, Any]:
        fewer, conditions = self._without(file, one, names)
        held = Definition(str(one["name"]), _texts(one, "parentRoles"), conditions)
        definitions.append(held)
        self._definitions.setdefault(held.name, []).append((held, _form(one)))
        return fewer

    def _without(self, file: str, holder: Mapping[str, Any], names: Names) -> tuple[dict[str, Any], tuple[str, ...]]:
        """What holds a condition, with attributes in place of it and without output; and those attributes."""
        # Output decides nothing, and its expressions would need attributes of their own.
        fewer = {key: value for key, value in holder.items() if key != "output"}
        held: list[str] = []
        if "condition" in fewer:
            condition = fewer["condition"]
            # A form that is not known may decide in a way that is not known.
            if set(condition) != {"match"}:
                raise Hidden(f"{file} holds a condition of a form that is not known here")
            fewer["condition"] = {"match": self._match(file, condition["match"], names, held)}
        return fewer, tuple(held)

    def confused(self) -> tuple[dict[str, str], dict[int, str]]:
        """The conditions, by their attributes, and the rules, by their numbers, that Cerbos takes for others; with the
        files of these.
        """
        attributes: dict[str, str] = {}
        numbers: dict[int, str] = {}
        for group in confused(self._kept()):
            files = ", ".join(sorted({rule.place.file for rule in group})[:3])
            attributes.update((name, files) for rule in group for name in rule.attributes)
            numbers.update((rule.place.line, files) for rule in group)
        return attributes, numbers

    def _kept(self) -> Iterator[Kept]:
        """Each rule as Cerbos keeps it, by its number; variables, constants and output are not looked at here, so that
        some are held for alike that are not.
        """
        for written in self._rules:
            rule = written.rule
            place = Place(written.file, rule.number, "")
            holders = [held for name in rule.derived_roles for held in self._definitions.get(name, ())]
            actions = [frozenset(rule.actions)] if written.what == "role" else list(rule.actions)
            for action in actions:
                looked_at = (written.what, written.effect, action, bool(written.form))
                if rule.roles or not rule.derived_roles:
                    texts = self._texts_of(rule.conditions)
                    yield Kept(place, (*looked_at, None, texts), (written.form, written.permissions), rule.conditions)
                for definition, form in holders:
                    both = (*rule.conditions, *definition.conditions)
                    forms = f"{written.form}|{form}", written.permissions
                    yield Kept(place, (*looked_at, bool(form), self._texts_of(both)), forms, both)

    def _texts_of(self, attributes: Iterable[str]) -> tuple[str, ...]:
        return tuple(self.conditions[name].text for name in attributes)

    def _match(self, file: str, match: Mapping[str, Any], names: Names, held: list[str]) -> dict[str, Any]:
        key = next(iter(match), "")
        value: Any = match.get(key)
        if len(match) != 1 or (key != "expr" and (key not in OPERATORS or set(value) - {"of"})):
            raise Hidden(f"{file} holds a condition of a form that is not known here")
        if key != "expr":
            return {key: {"of": [self._match(file, part, names, held) for part in _list(value, "of")]}}
        attribute = f"c{len(self.conditions)}"
        self.conditions[attribute] = Condition(attribute, str(value), names, file, self._line(file, str(value)))
        held.append(attribute)
        # The whole condition as one attribute: true, false, or absent, which is its error.
        return {"expr": f"R.attr.{attribute}"}

    def _line(self, file: str, text: str) -> int:
        """Where the next condition of a file stands: only where the same text stands there."""
        lines = self._lines.get(file, ())
        at = self._seen[file]
        self._seen[file] += 1
        return lines[at][1] if at < len(lines) and lines[at][0] == text else 0

    def _names(self, whole: Mapping[str, Any], body: Mapping[str, Any]) -> Names:
        variables: dict[str, str] = dict(whole.get("variables") or {})
        constants: dict[str, Any] = {}
        for key, top, into in (
            ("variables", "exportVariables", variables),
            ("constants", "exportConstants", constants),
        ):
            said = body.get(key) or {}
            for name in said.get("import") or ():
                into.update(self._exported.get((top, name), {}).get("definitions") or {})
            into.update(said.get("local") or {})
        return Names(variables, {name: known(value) for name, value in constants.items()})


def lines_of(bundle: Bundle) -> dict[str, list[tuple[str, int]]]:
    """The texts and lines of all conditions by file, in order, as far as our own reading finds them. To be shown."""
    lines: dict[str, list[tuple[str, int]]] = {}
    for policy in policies_of(bundle):
        holders: list[WrittenRule | WrittenDefinition] = [*policy.rules, *policy.definitions]
        lines[policy.file] = [(one.text, one.node.line) for holder in holders for one in holder.conditions]
    return lines


def _list(holder: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    return list(holder.get(key) or ())


def _texts(holder: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return tuple(str(one) for one in holder.get(key) or ())


def _form(holder: Mapping[str, Any]) -> str:
    """How the expressions of a rule's or derived role's condition are put together; empty where it has none."""
    return _put_together(holder["condition"]["match"]) if "condition" in holder else ""


def _put_together(match: Mapping[str, Any]) -> str:
    """`all` and `any` of one part are that part."""
    operator = next(iter(match), "")
    if operator == "expr":
        return "expr"
    parts = [_put_together(part) for part in _list(match[operator], "of")]
    return parts[0] if len(parts) == 1 and operator != "none" else f"{operator}({','.join(parts)})"
