"""A bundle with every condition reduced to one attribute, `R.attr.c3`. Asked of the real PDP, it shows what follows
from which conditions: roles, scopes, derived roles, role and principal policies and their order, as the PDP has it.

The PDP's query plan does not show that. Seen with Cerbos 0.55.0: it folds `has()` into true; a denied `x == 1`, `none`
of it and `!(x == 1)` give one plan, though they differ where x is absent; the denial of one role cuts what another
allows, which a check does not do; a whole number and a double look the same.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from policyloop.access.prove.resolve import Asker, Names, known
from policyloop.access.prove.syntax import Known
from policyloop.access.source import Definition, Node, Policy, Rule, Splice, policies_of, spliced, tree
from policyloop.bundle import Bundle
from policyloop.layout import Kind, kind

_INT = re.compile(r"[-+]?\d+\Z")
_DOUBLE = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?\Z")
_ODD = re.compile(r"0[xXoObB]|[-+]?0\d|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)|[\d_:-]*_|\d{4}-\d\d|\d+:")


class Hidden(Exception):
    """A bundle whose conditions cannot all be found in its texts; the message says where."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One `expr` of a rule or a derived role: the attribute that stands for it, its text, its names and its place."""

    attribute: str
    text: str
    names: Names
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Shape:
    """The reduced bundle, and the conditions by their attributes."""

    bundle: Bundle
    conditions: Mapping[str, Condition]
    _policies: tuple[Policy, ...] = field(repr=False)
    _at: Mapping[tuple[str, int], str] = field(repr=False)

    def deciding(self, asker: Asker, action: str) -> tuple[Condition, ...]:
        """Every condition that the decision can depend on, and maybe some more."""
        found: dict[str, None] = {}
        roles = None if any(policy.what == "role" for policy in self._policies) else asker.principal.roles
        for policy in self._policies:
            if not _concerns(policy, asker):
                continue
            for rule in policy.rules:
                if _fits(rule.resource, asker.kind, policy) and any(_like(one, action) for one in rule.actions):
                    found.update(self._of(rule, roles))
        return tuple(self.conditions[name] for name in found)

    def of_derived_role(self, name: str) -> tuple[Condition, ...]:
        """Every condition of the derived roles of that name."""
        return tuple(
            self.conditions[self._at[definition.file, expression.node.start]]
            for definition in self._definitions()
            if definition.name == name
            for expression in definition.conditions
        )

    def near(self, asker: Asker) -> frozenset[str]:
        """Every condition that anything says of this kind of resource, by its attribute."""
        found: set[str] = set()
        for policy in self._policies:
            for rule in policy.rules:
                if _fits(rule.resource, asker.kind, policy):
                    found.update(name for name, _ in self._of(rule, None))
        return frozenset(found)

    def _of(self, rule: Rule, roles: Sequence[str] | None) -> Iterator[tuple[str, None]]:
        used = [one for one in self._definitions() if one.name in rule.derived_roles]
        own = rule.policy != "resource" or _held(rule.roles, roles)
        used = [one for one in used if _held(one.parent_roles, roles)]
        holders: list[Rule | Definition] = [*((rule,) if own or used else ()), *used]
        for holder in holders:
            for one in holder.conditions:
                yield self._at[holder.file, one.node.start], None

    def _definitions(self) -> Iterator[Definition]:
        for policy in self._policies:
            yield from policy.definitions

    def schemas(self, of: str) -> tuple[object, ...]:
        """What decides which resources of a kind are taken at all, where the PDP enforces schemas."""
        return tuple(
            (policy.version, policy.scope, _plain(schemas) if schemas is not None else None)
            for policy in self._policies
            if policy.what == "resource" and _sanitized(policy.name) == _sanitized(of)
            for schemas in (policy.body.get("schemas"),)
        )


def shape(bundle: Bundle) -> Shape:
    """The shape of a bundle. Raises `Hidden`."""
    policies = policies_of(bundle)
    conditions: dict[str, Condition] = {}
    at: dict[tuple[str, int], str] = {}
    splices: dict[str, list[Splice]] = {}
    for policy in policies:
        names = _names(policy, policies)
        holders: list[Rule | Definition] = [*policy.rules, *policy.definitions]
        for holder in holders:
            for one in holder.conditions:
                place = (policy.file, one.node.start)
                if place in at:
                    continue
                attribute = f"c{len(at)}"
                at[place] = attribute
                conditions[attribute] = Condition(attribute, one.text, names, policy.file, one.node.line)
                lines = "\n" * bundle[policy.file].count("\n", one.node.start, one.node.end)
                splices.setdefault(policy.file, []).append(
                    Splice(one.node.start, one.node.end, f'"R.attr.{attribute}"{lines}')
                )
    kept = {path: text for path, text in bundle.files.items() if kind(path) in (Kind.POLICY, Kind.SCHEMA)}
    reduced = Bundle({path: spliced(text, splices.get(path, ())) for path, text in kept.items()})
    _check(reduced, {policy.file for policy in policies})
    return Shape(reduced, conditions, policies, at)


def _check(reduced: Bundle, read: set[str]) -> None:
    """Nothing may be left in the bundle that decides and that is no attribute of ours."""
    for path, text in reduced.files.items():
        if kind(path) is not Kind.POLICY:
            continue
        root = tree(text)
        if root is None:
            raise Hidden(f"{path} cannot be taken apart")
        if path not in read and root.said("disabled") != "true":
            raise Hidden(f"{path} is no policy that is known here")
        for node in root.below():
            for key, value in node.pairs:
                if key.text == "condition" and root.said("disabled") != "true":
                    _check_condition(path, value)


def _check_condition(path: str, condition: Node) -> None:
    for node in condition.below():
        for key, value in node.pairs:
            if value.shape == "scalar" and not (key.text == "expr" and re.fullmatch(r"R\.attr\.c\d+", value.text)):
                raise Hidden(f"{path}:{key.line} holds a condition that is not found there")


def _concerns(policy: Policy, asker: Asker) -> bool:
    match policy.what:
        case "resource":
            version = asker.policy_version or "default"
            scope, own = asker.scope.removeprefix("."), policy.scope
            return _sanitized(policy.version) == _sanitized(version) and (
                not own or scope == own or scope.startswith(f"{own}.")
            )
        case "principal":
            return policy.name == asker.principal.id
        case "role":
            return True
    return False


def _fits(resource: str, asked: str, policy: Policy) -> bool:
    return (policy.what != "resource" and "*" in resource) or _sanitized(resource) == _sanitized(asked)


def _like(pattern: str, text: str) -> bool:
    return "*" in pattern or pattern == text


def _held(roles: Sequence[str], held: Sequence[str] | None) -> bool:
    return held is None or any("*" in role or role in held for role in roles)


def _sanitized(name: str) -> str:
    return re.sub(r"[^\w.]+", "_", name, flags=re.ASCII)


def _names(policy: Policy, policies: Sequence[Policy]) -> Names:
    imported = {
        what: {item.text for item in (found.listed("import") if found is not None else ())}
        for what in ("variables", "constants")
        for found in (policy.body.get(what),)
    }
    variables = {one.of: one.text for one in policy.variables}
    constants = {key.text: _constant(value) for key, value in policy.constants}
    for other in policies:
        if other.what in imported and other.name in imported[other.what]:
            variables.update((one.of, one.text) for one in other.variables)
            constants.update((key.text, _constant(value)) for key, value in other.constants)
    return Names(variables, constants)


def _constant(node: Node) -> Known | None:
    """A constant as Cerbos reads it; None where its YAML leaves doubt."""
    try:
        return known(_plain(node))
    except ValueError:
        return None


def _plain(node: Node) -> object:
    if node.shape == "list":
        return [_plain(item) for item in node.items]
    if node.shape == "map":
        return {key.text: _plain(value) for key, value in node.pairs}
    if not node.plain:
        return node.text
    if node.text in ("", "~", "null", "Null", "NULL"):
        return None
    if node.text.lower() in ("true", "false"):
        return node.text.lower() == "true"
    if _ODD.match(node.text):
        raise ValueError(node.text)
    if _INT.match(node.text) or _DOUBLE.match(node.text):
        return float(json.loads(node.text.lstrip("+"))) if _INT.match(node.text) else float(node.text)
    return node.text
