"""The policies of a bundle, as far as their texts say it plainly: rules, derived roles, variables, each with its nodes.

What a policy means is the PDP's to say; this is for finding places worth asking about, and for changing one of them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from policyloop.access.source.tree import Node, tree
from policyloop.bundle import Bundle
from policyloop.effects import ALLOW, DENY
from policyloop.layout import Kind, kind

What = Literal["resource", "principal", "role", "derived", "variables", "constants"]

TOP: Mapping[str, tuple[What, str]] = {
    "resourcePolicy": ("resource", "resource"),
    "principalPolicy": ("principal", "principal"),
    "rolePolicy": ("role", "role"),
    "derivedRoles": ("derived", "name"),
    "exportVariables": ("variables", "name"),
    "exportConstants": ("constants", "name"),
}
"""Key of a policy -> what it is, and the key of its name."""
_MOST_READ = 2_048
"""The texts of so many policies are kept as they were taken apart."""
OPERATORS = ("all", "any", "none")
"""What puts the expressions of a condition together."""


@dataclass(frozen=True, slots=True)
class Expression:
    """One CEL expression. `role`: `condition` (of a rule or derived role), `variable` or `output`; `of` names it."""

    node: Node
    role: Literal["condition", "variable", "output"]
    of: str

    @property
    def text(self) -> str:
        """The expression itself, as Cerbos reads it where `doubt` is empty."""
        return self.node.text

    @property
    def doubt(self) -> str:
        """Why it is not certain that Cerbos reads this text, beginning with the line; empty when it is."""
        return self.node.doubt


@dataclass(frozen=True, slots=True)
class Listed:
    """Something in a list of a policy: the list's key, the list, and the position in it."""

    key: Node
    node: Node
    index: int

    @property
    def item(self) -> Node:
        """The thing itself."""
        return self.node.items[self.index]

    @property
    def doubt(self) -> str:
        """The first doubt in the thing, and in that it stands there; empty when all of it is certain."""
        return self.key.doubt or self.node.doubt or self.item.doubts


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. That of a role policy allows; that of a principal policy is one of its actions.

    `resource` is the kind it is about, `*` for any; `name` is its own or what the compiler calls it.
    """

    file: str
    policy: What
    name: str
    resource: str
    effect: str
    actions: tuple[str, ...]
    roles: tuple[str, ...]
    derived_roles: tuple[str, ...]
    place: Listed
    conditions: tuple[Expression, ...]

    @property
    def node(self) -> Node:
        """The whole rule."""
        return self.place.item

    @property
    def line(self) -> int:
        """Where it begins."""
        return self.node.line

    @property
    def doubt(self) -> str:
        """Why it is not certain that Cerbos reads this rule so, beginning with the line; empty when it is."""
        return self.place.doubt

    @property
    def conditional(self) -> bool:
        """Whether it depends on more than roles and the action."""
        return self.node.get("condition") is not None

    @property
    def denies(self) -> bool:
        """Whether it takes away."""
        return self.effect == DENY


@dataclass(frozen=True, slots=True)
class Definition:
    """A derived role."""

    file: str
    name: str
    parent_roles: tuple[str, ...]
    place: Listed
    conditions: tuple[Expression, ...]

    @property
    def node(self) -> Node:
        """The whole definition."""
        return self.place.item

    @property
    def doubt(self) -> str:
        """Why it is not certain that Cerbos reads this derived role so, beginning with the line; empty when it is."""
        return self.place.doubt


@dataclass(frozen=True, slots=True)
class Heading:
    """What a policy is about. `name` is the resource, principal or role, or the name of an export."""

    file: str
    what: What
    name: str
    version: str
    scope: str


@dataclass(frozen=True, slots=True)
class Policy(Heading):
    """One file's policy, as it is written."""

    body: Node
    rules: tuple[Rule, ...] = ()
    definitions: tuple[Definition, ...] = ()
    variables: tuple[Expression, ...] = ()
    constants: tuple[tuple[Node, Node], ...] = ()
    outputs: tuple[Expression, ...] = field(default=())
    doubt: str = ""
    """The first thing in all of the file that Cerbos may read otherwise, beginning with its line.

    Empty when every name, condition, variable and constant of it is certain.
    """

    def expressions(self) -> Iterator[Expression]:
        """Every CEL expression in it."""
        yield from (one for rule in self.rules for one in rule.conditions)
        yield from (one for definition in self.definitions for one in definition.conditions)
        yield from self.variables
        yield from self.outputs


def policies_of(bundle: Bundle) -> tuple[Policy, ...]:
    """Every policy of the bundle that is not disabled, by file. A text that cannot be taken apart gives none."""
    read = (_read(path, text)[1] for path, text in bundle.files.items() if kind(path) is Kind.POLICY)
    return tuple(policy for policy in read if policy is not None)


@dataclass(frozen=True, slots=True)
class Unread:
    """A policy file of which something is not read, or not with certainty: where that is, and why."""

    file: str
    line: int
    why: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} cannot be read with certainty ({self.why})"


def unread(bundle: Bundle) -> tuple[Unread, ...]:
    """Every policy file in which a name, a condition, a constant or all of it may be otherwise than `policies_of` says,
    with the first such place. Empty: all that Cerbos reads in this bundle's policies was read alike.
    """
    places: list[Unread] = []
    for path, text in bundle.files.items():
        if kind(path) is not Kind.POLICY:
            continue
        root, policy = _read(path, text)
        if root is None:
            places.append(Unread(path, 1, "it cannot be taken apart"))
        elif root.doubts:
            line, _, why = root.doubts.removeprefix("line ").partition(": ")
            places.append(Unread(path, int(line), why))
        elif not _disabled(root) and policy is None:
            places.append(Unread(path, root.line, "it is no policy that is known here"))
    return tuple(places)


def _disabled(root: Node) -> bool:
    disabled = root.get("disabled")
    return disabled is not None and disabled.value is True


@lru_cache(maxsize=_MOST_READ)
def _read(path: str, text: str) -> tuple[Node | None, Policy | None]:
    """The document in a text, and the policy that it is; none of a text that cannot be taken apart, or is disabled.

    To take a text apart takes longer than the compiler does; most are asked for several times in one command.
    """
    root = tree(text)
    return root, None if root is None or _disabled(root) else _policy(path, root)


def _policy(path: str, root: Node) -> Policy | None:
    for top, (what, named) in TOP.items():
        body = root.get(top)
        if body is not None and body.shape == "map":
            rules = tuple(_rules(path, what, body))
            outputs = tuple(
                Expression(value, "output", rule.name)
                for rule in rules
                for value in _scalars(rule.node.get("output"))
                if value.text
            )
            return Policy(
                path,
                what,
                body.said(named),
                body.said("version", "default") or "default",
                body.said("scope").removeprefix("."),
                body,
                rules,
                tuple(_definitions(path, body)) if what == "derived" else (),
                tuple(_variables(root, body, what)),
                tuple(_constants(body, what)),
                outputs,
                root.doubts,
            )
    return None


def _rules(path: str, what: What, body: Node) -> Iterator[Rule]:
    found = body.pair("rules")
    if found is None or found[1].shape != "list":
        return
    key, rules = found
    for index, node in enumerate(rules.items):
        place = Listed(key, rules, index)
        if what == "resource":
            yield _rule(path, what, place, body.said("resource"), _texts(node, "roles"))
        elif what == "role":
            yield _rule(path, what, place, node.said("resource"), (body.said("role"),))
        elif what == "principal" and (actions := node.pair("actions")) is not None:
            for number, _ in enumerate(actions[1].items):
                yield _rule(path, what, Listed(*actions, number), node.said("resource"), ())


def _rule(path: str, what: What, place: Listed, resource: str, roles: tuple[str, ...]) -> Rule:
    node = place.item
    name = node.said("name") or f"rule-{place.index + 1:03}"
    actions = {
        "resource": _texts(node, "actions"),
        "role": _texts(node, "allowActions"),
    }.get(what, (node.said("action"),))
    return Rule(
        path,
        what,
        name,
        resource,
        ALLOW if what == "role" else _effect(node),
        actions,
        roles,
        _texts(node, "derivedRoles"),
        place,
        tuple(_conditions(node, name)),
    )


def _effect(node: Node) -> str:
    """The effect of a rule by its name; Cerbos takes its number too."""
    effect = node.get("effect")
    if effect is None or isinstance(effect.value, bool):
        return ""
    return {1: ALLOW, 2: DENY}.get(effect.value, effect.text) if isinstance(effect.value, int) else effect.text


def _definitions(path: str, body: Node) -> Iterator[Definition]:
    found = body.pair("definitions")
    if found is None or found[1].shape != "list":
        return
    for index, node in enumerate(found[1].items):
        name = node.said("name")
        place = Listed(*found, index)
        yield Definition(path, name, _texts(node, "parentRoles"), place, tuple(_conditions(node, name)))


def _conditions(node: Node, name: str) -> Iterator[Expression]:
    match = node.at("condition", "match")
    if match is not None:
        for found in _leaves(match):
            yield Expression(found, "condition", name)


def _leaves(match: Node) -> Iterator[Node]:
    expression = match.get("expr")
    if expression is not None and expression.shape == "scalar":
        yield expression
    for operator in OPERATORS:
        parts = match.at(operator, "of")
        for part in parts.items if parts is not None else ():
            yield from _leaves(part)


def _variables(root: Node, body: Node, what: What) -> Iterator[Expression]:
    holders = [body.at("variables", "local"), root.get("variables")]
    if what == "variables":
        holders.append(body.get("definitions"))
    for holder in holders:
        for key, value in holder.pairs if holder is not None else ():
            if value.shape == "scalar":
                yield Expression(value, "variable", key.text)


def _constants(body: Node, what: What) -> Iterator[tuple[Node, Node]]:
    holders = [body.at("constants", "local"), body.get("definitions") if what == "constants" else None]
    for holder in holders:
        yield from holder.pairs if holder is not None else ()


def _texts(node: Node, name: str) -> tuple[str, ...]:
    return tuple(item.text for item in node.listed(name))


def _scalars(node: Node | None) -> Iterator[Node]:
    for found in node.below() if node is not None else ():
        if found.shape == "scalar":
            yield found
