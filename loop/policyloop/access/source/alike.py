"""Rules that Cerbos 0.55.0 takes for each other.

Seen, with the server and with `cerbos compile`: a rule is kept once for all that have its effect, its action, its
output, the variables and constants of its policy, and the same expressions in the same order. Overlooked is whether
these stand under `all`, `any` or `none`, where the condition ends and that of the derived role begins, and what the
policy says of `scopePermissions`. Which of them is kept is drawn at each start; within one policy it is the first.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from policyloop.access.source.policies import OPERATORS, Definition, Policy, Rule
from policyloop.access.source.tree import Node

_NAMED = re.compile(r"""\b(V|variables|C|constants)\s*(?:\.\s*(\w+)|\[\s*["'](\w+)["']\s*\])""")
_USUAL = ("", "SCOPE_PERMISSIONS_UNSPECIFIED")
_MOST_NAMED = 3
_Parameters = frozenset[tuple[str, str, str]]
_OVERRIDE = "SCOPE_PERMISSIONS_OVERRIDE_PARENT"


@dataclass(frozen=True, slots=True)
class Place:
    """A rule, where it begins, and how it can be called in a sentence."""

    file: str
    line: int
    rule: str

    def __str__(self) -> str:
        return f"{self.rule} ({self.file}:{self.line})"


@dataclass(frozen=True, slots=True)
class Kept:
    """A rule as Cerbos keeps it: `looked_at` tells it from others, `overlooked` should. `attributes`: those that stand
    for its conditions, where they were replaced.
    """

    place: Place
    looked_at: tuple[object, ...]
    overlooked: tuple[str, str]
    """How its expressions are put together, and its policy's `scopePermissions`."""
    attributes: tuple[str, ...] = ()


def confused(rules: Iterable[Kept]) -> list[tuple[Kept, ...]]:
    """The rules that are taken for each other though they are not the same, together, each place once."""
    alike: dict[tuple[object, ...], dict[Place, Kept]] = {}
    for rule in rules:
        alike.setdefault(rule.looked_at, {}).setdefault(rule.place, rule)
    groups: dict[frozenset[Place], tuple[Kept, ...]] = {}
    for held in alike.values():
        if len({rule.overlooked for rule in held.values()}) > 1:
            groups.setdefault(frozenset(held), tuple(held[place] for place in sorted(held, key=_order)))
    return list(groups.values())


def taken_for_each_other(policies: Sequence[Policy]) -> list[tuple[Kept, ...]]:
    """The rules of a bundle that Cerbos 0.55.0 takes for each other, as far as their texts could be read."""
    return confused(_kept(policies))


def in_words(group: Sequence[Kept]) -> str:
    """What is the matter with rules that are taken for each other."""
    first, *others = (str(rule.place) for rule in group)
    more = f" and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
    named = " and ".join(others[:_MOST_NAMED]) + more
    if len({rule.overlooked[0] for rule in group}) > 1:
        why = "they hold the same expressions in the same order under other all, any or none"
    else:
        why = "they differ in nothing but the scopePermissions of their policies"
    drawn = len({rule.place.file for rule in group}) > 1
    which = "one of them, drawn at each start, decides for all" if drawn else "the first of them decides for all"
    return f"Cerbos 0.55 takes {first} for {named}: {why}, and {which}; a test of it can pass by luck"


def put_together(match: Node | None) -> str:
    """How the parts of a condition stand together, without their texts; `all` and `any` of one part are that part."""
    if match is None:
        return ""
    for operator in OPERATORS:
        parts = match.at(operator, "of")
        if parts is not None:
            inner = [put_together(part) for part in parts.items]
            return inner[0] if len(inner) == 1 and operator != "none" else f"{operator}({','.join(inner)})"
    return "expr"


def permissions_of(said: str) -> str:
    """The `scopePermissions` of a policy; where it says nothing it overrides its parent."""
    return _OVERRIDE if said in _USUAL else said


def _order(place: Place) -> tuple[str, int]:
    return place.file, place.line


@dataclass(slots=True)
class _Reader:
    """What rules need of the other policies."""

    roles: dict[str, list[tuple[Policy, Definition]]] = field(default_factory=dict)
    exports: dict[tuple[str, str], Policy] = field(default_factory=dict)

    def parameters(self, policy: Policy) -> _Parameters:
        """The variables and constants that any expression of the policy uses, with what they are."""
        known: dict[tuple[str, str], str] = {}
        imported = [self.exports.get(("variables", name)) for name in _imported(policy, "variables")]
        imported += [self.exports.get(("constants", name)) for name in _imported(policy, "constants")]
        for held in (*imported, policy):
            if held is not None:
                known.update({("V", one.of): one.text for one in held.variables})
                known.update({("C", key.text): repr(value.value) for key, value in held.constants})
        used: dict[tuple[str, str], None] = {}
        own = [one.text for one in policy.expressions() if one.role != "variable"]
        while own:
            for which, name, other in _NAMED.findall(own.pop()):
                key = which[0].upper(), name or other
                if key not in used:
                    used[key] = None
                    own += [known[key]] if key[0] == "V" and key in known else []
        return frozenset((*key, known.get(key, "")) for key in used)


def _kept(policies: Sequence[Policy]) -> Iterator[Kept]:
    reader = _Reader()
    for policy in policies:
        for definition in policy.definitions:
            reader.roles.setdefault(definition.name, []).append((policy, definition))
        if policy.what in ("variables", "constants"):
            reader.exports[policy.what, policy.name] = policy
    for policy in policies:
        if policy.what in ("resource", "principal", "role"):
            parameters = reader.parameters(policy)
            for rule in policy.rules:
                yield from _of_rule(policy, rule, parameters, reader)


def _of_rule(policy: Policy, rule: Rule, parameters: _Parameters, reader: _Reader) -> Iterator[Kept]:
    permissions = permissions_of(policy.body.said("scopePermissions"))
    output = tuple(node.text for node in _scalars(rule.node.get("output")))
    texts = tuple(one.text for one in rule.conditions)
    form = put_together(rule.node.at("condition", "match"))
    place = Place(rule.file, rule.line, f"{rule.name} of {policy.name}")
    actions: list[object] = [frozenset(rule.actions)] if policy.what == "role" else list(rule.actions)
    holders = [definition for name in rule.derived_roles for definition in reader.roles.get(name, ())]
    for action in actions:
        looked_at = (policy.what, rule.effect, action, output, parameters, bool(form))
        if rule.roles or not rule.derived_roles:
            yield Kept(place, (*looked_at, None, texts), (form, permissions))
        for where, definition in holders:
            match = definition.node.at("condition", "match")
            both = (*texts, *(one.text for one in definition.conditions))
            beside = (reader.parameters(where), match is not None)
            forms = f"{form}|{put_together(match)}"
            yield Kept(place, (*looked_at, beside, both), (forms, permissions))


def _imported(policy: Policy, what: str) -> list[str]:
    held = policy.body.get(what)
    return [item.text for item in held.listed("import")] if held is not None and held.shape == "map" else []


def _scalars(node: Node | None) -> Iterator[Node]:
    for held in node.below() if node is not None else ():
        if held.shape == "scalar":
            yield held
