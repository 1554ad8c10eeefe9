"""The mutants of a bundle: each differs from it in one small mistake that a person or a model could make."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from policyloop.access.mutate.expressions import changes, negated
from policyloop.access.source import Definition, Node, Policy, Rule, Splice, policies_of, spliced
from policyloop.access.source.policies import Expression, Listed
from policyloop.access.source.splice import as_list, rewritten, without_item, without_pair
from policyloop.bundle import Bundle, Write
from policyloop.guard.demand import ALLOW, DENY

OPERATORS: dict[str, str] = {
    "effect-flipped": "an allow became a deny, or the other way round",
    "rule-removed": "a rule that allows is gone",
    "deny-removed": "a rule that denies is gone",
    "condition-dropped": "a rule holds without its condition",
    "condition-negated": "a rule holds where its condition does not",
    "term-dropped": "one term of a condition is gone",
    "connective": "`&&` became `||`, or the other way round",
    "boundary": "`<` became `<=`, and its like",
    "equality": "`==` became `!=`, or the other way round",
    "constant": "a number is one higher or lower, a duration a second longer",
    "match": "`all` became `any`, `any` became `all`, `none` became `any`",
    "role-swapped": "a rule is about another role",
    "actions-widened": "a rule is about every action",
    "derived-role-unconditional": "a derived role holds without its condition",
    "derived-role-negated": "a derived role holds where its condition does not",
}
"""Every operator, and what it does."""

_FLIPPED = {ALLOW: DENY, DENY: ALLOW}
_MATCH = {"all": "any", "any": "all", "none": "any"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed file. `line` counts from 1 and is the same before and after; `where` names the rule or the role."""

    operator: str
    file: str
    line: int
    where: str
    words: str
    text: str

    def of(self, bundle: Bundle) -> Bundle:
        """The bundle with this one mistake."""
        return bundle.apply([Write(self.file, self.text)])


def mutants_of(bundle: Bundle, *, only: str | None = None) -> tuple[Mutant, ...]:
    """Every mutant, by file and line, each text once. `only`: of this file alone."""
    policies = policies_of(bundle)
    names = _Names.of(policies)
    found: dict[tuple[str, str], Mutant] = {}
    for policy in policies:
        if only in (None, policy.file):
            text = bundle[policy.file]
            for one in _of_policy(policy, text, names):
                if one.text != text:
                    found.setdefault((one.file, one.text), one)
    return tuple(sorted(found.values(), key=lambda one: (one.file, one.line)))


@dataclass(frozen=True, slots=True)
class _Names:
    """The roles and the derived roles that the bundle names, sorted."""

    roles: tuple[str, ...]
    derived: tuple[str, ...]

    @classmethod
    def of(cls, policies: Sequence[Policy]) -> "_Names":
        rules = [rule for policy in policies for rule in policy.rules]
        definitions = [one for policy in policies for one in policy.definitions]
        roles = {role for one in rules for role in one.roles}
        roles |= {role for one in definitions for role in one.parent_roles}
        used = {role for one in rules for role in one.derived_roles}
        return cls(tuple(sorted(roles - {"*", ""})), tuple(sorted(used | {one.name for one in definitions})))


def _of_policy(policy: Policy, text: str, names: _Names) -> Iterator[Mutant]:
    for rule in policy.rules:
        make = _maker(rule.file, f"rule {rule.name}", text)
        yield from _of_rule(rule, text, names, make)
        yield from _of_condition(rule.node, rule.conditions, text, make)
    for one in policy.definitions:
        make = _maker(one.file, f"derived role {one.name}", text)
        yield from _of_definition(one, text, names, make)
        yield from _of_condition(one.node, one.conditions, text, make, of="derived-role-negated")
    for variable in policy.variables:
        make = _maker(policy.file, f"variable {variable.of}", text)
        yield from _of_expression(variable, text, make, "condition-negated")
    for key, value in policy.constants:
        make = _maker(policy.file, f"constant {key.text}", text)
        for change in changes(value.text) if value.plain and value.text[:1].isdigit() else ():
            yield make("constant", value, change.words, Splice(value.start, value.end, change.text))


_Make = Callable[[str, Node, str, Splice], Mutant]


def _maker(file: str, where: str, text: str) -> _Make:
    def make(operator: str, at: Node, words: str, splice: Splice) -> Mutant:
        return Mutant(operator, file, at.line, where, words, spliced(text, [splice]))

    return make


def _of_rule(rule: Rule, text: str, names: _Names, make: _Make) -> Iterator[Mutant]:
    place, node = rule.place, rule.node
    effect = node.get("effect")
    if effect is not None and effect.text in _FLIPPED:
        other = _FLIPPED[effect.text]
        yield make("effect-flipped", effect, f"{effect.text} became {other}", rewritten(text, effect, other))
    operator = "deny-removed" if rule.denies else "rule-removed"
    yield make(operator, node, f"{rule.name} was removed", without_item(text, place.key, place.node, place.index))
    for key, _ in [pair for name in ("actions", "allowActions", "action") if (pair := node.pair(name))]:
        yield from _widened(node, key, text, make)
    yield from _swapped(node, "roles", names.roles, text, make)
    yield from _swapped(node, "derivedRoles", names.derived, text, make)


def _widened(node: Node, key: Node, text: str, make: _Make) -> Iterator[Mutant]:
    value = node.get(key.text)
    if value is None:
        return
    splice = rewritten(text, value, "*") if value.shape == "scalar" else as_list(text, key, value, ["*"])
    yield make("actions-widened", key, "its actions became `*`", splice)


def _swapped(node: Node, key: str, known: Sequence[str], text: str, make: _Make) -> Iterator[Mutant]:
    listed = node.listed(key)
    free = [name for name in known if name not in {item.text for item in listed}]
    for number, item in enumerate(listed):
        if free and item.text != "*":
            other = free[number % len(free)]
            yield make("role-swapped", item, f"{item.text} became {other}", rewritten(text, item, other))


def _of_definition(one: Definition, text: str, names: _Names, make: _Make) -> Iterator[Mutant]:
    pair = one.node.pair("condition")
    if pair is not None:
        splice = without_pair(text, one.node, *pair)
        yield make("derived-role-unconditional", pair[0], "its condition was dropped", splice)
    yield from _swapped(one.node, "parentRoles", names.roles, text, make)


def _of_condition(
    node: Node, leaves: Iterable[Expression], text: str, make: _Make, of: str = "condition-negated"
) -> Iterator[Mutant]:
    pair = node.pair("condition")
    if pair is None:
        return
    if of == "condition-negated":
        yield make("condition-dropped", pair[0], "its condition was dropped", without_pair(text, node, *pair))
    for leaf in leaves:
        yield from _of_expression(leaf, text, make, of)
    for found in pair[1].below():
        yield from _of_match(found, text, make)


def _of_expression(leaf: Expression, text: str, make: _Make, negation: str) -> Iterator[Mutant]:
    node = leaf.node
    yield make(negation, node, f"`{leaf.text.strip()}` was negated", rewritten(text, node, negated(leaf.text)))
    for change in changes(leaf.text):
        yield make(change.operator, node, change.words, rewritten(text, node, change.text))


def _of_match(found: Node, text: str, make: _Make) -> Iterator[Mutant]:
    for operator, other in _MATCH.items():
        pair = found.pair(operator)
        parts = pair[1].pair("of") if pair is not None else None
        if pair is None or parts is None or parts[1].shape != "list":
            continue
        several = len(parts[1].items) > 1
        if several or operator == "none":
            yield make("match", pair[0], f"`{operator}` became `{other}`", rewritten(text, pair[0], other))
        for index in range(len(parts[1].items) if several else 0):
            place = Listed(*parts, index)
            words = f"part {index + 1} of `{operator}` was dropped"
            yield make("term-dropped", place.item, words, without_item(text, place.key, place.node, index))
