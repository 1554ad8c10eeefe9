"""What is worth asking about: each rule of a bundle with all that it depends on, names resolved."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from policyloop.access.cel import Call, Const, ListOf, MapOf, Name, Node, NotCel, Select, children, parse
from policyloop.access.source import Definition, Doubtful, Expression, Policy, Rule, policies_of
from policyloop.access.source import Node as Written
from policyloop.bundle import Bundle

ANY = "*"
_MOST_DEPTH = 20
_MOST_LEVELS = 150
_ROOTS = {"V": "variables", "variables": "variables", "C": "constants", "constants": "constants"}
_TRUE = Const(value=True)


@dataclass(frozen=True, slots=True)
class Goal:
    """One way in which one rule can apply: its actions, roles, and the condition of the rule and of a derived role.

    `kind` is `*` for a rule about any resource. `principal` is set for a rule of a principal policy. `roles` are empty
    where no role matters.
    """

    file: str
    rule: str
    line: int
    kind: str
    version: str
    scope: str
    actions: tuple[str, ...]
    roles: tuple[str, ...]
    condition: Node
    denies: bool
    principal: str = ""


class Goals:
    """Every goal of a bundle, and the names that it uses."""

    def __init__(self, bundle: Bundle) -> None:
        self.policies = policies_of(bundle)
        self._exported = {
            what: {one.name: one for one in self.policies if one.what == what} for what in ("variables", "constants")
        }
        self.all = tuple(self._goals())
        self.versions = {(one.what, one.name): one.version for one in self.policies if one.version != "default"}

    def _goals(self) -> Iterator[Goal]:
        definitions = {
            definition.name: (policy, definition) for policy in self.policies for definition in policy.definitions
        }
        for policy in self.policies:
            names = self._names(policy)
            for rule in policy.rules:
                condition = _resolved(_condition(rule.node), names, _text(rule.conditions))
                yield from self._of(policy, rule, condition, definitions)

    def _of(
        self, policy: Policy, rule: Rule, condition: Node, definitions: Mapping[str, tuple[Policy, Definition]]
    ) -> Iterator[Goal]:
        principal = policy.name if policy.what == "principal" else ""

        def goal(roles: tuple[str, ...], whole: Node) -> Goal:
            return Goal(
                policy.file,
                rule.name,
                rule.line,
                rule.resource or ANY,
                policy.version,
                policy.scope,
                rule.actions,
                tuple(role for role in roles if role != ANY),
                whole,
                rule.denies,
                principal,
            )

        if rule.roles or not rule.derived_roles:
            yield goal(rule.roles, condition)
        for name in rule.derived_roles:
            if name in definitions:
                holder, definition = definitions[name]
                of_role = _resolved(_condition(definition.node), self._names(holder), _text(definition.conditions))
                whole = of_role if condition == _TRUE else Call("&&", (of_role, condition))
                yield goal(definition.parent_roles, condition if of_role == _TRUE else whole)

    def _names(self, policy: Policy) -> Mapping[tuple[str, str], Node]:
        """What `V.x` and `C.x` stand for in a policy: what it imports, and its own."""
        found: dict[tuple[str, str], Node] = {}
        for kind in ("variables", "constants"):
            held = policy.body.get(kind)
            imported = [item.text for item in held.listed("import")] if held is not None else []
            for one in (*(self._exported[kind].get(name) for name in imported), policy):
                if one is None:
                    continue
                if kind == "variables":
                    found.update({(kind, v.of): _parsed(v.text) or _unread(v.text) for v in one.variables})
                else:
                    found.update({(kind, key.text): _literal(value) for key, value in one.constants})
        return found


def _condition(holder: Written) -> Node:
    """The condition of a rule or a derived role as one expression; true where there is none."""
    match = holder.at("condition", "match")
    return _match(match, 0) if match is not None else _TRUE


def _match(match: Written, depth: int) -> Node:
    expression = match.get("expr")
    if expression is not None:
        return _parsed(expression.text) or _unread(expression.text)
    for operator, sign in (("all", "&&"), ("any", "||"), ("none", "||")):
        held = match.at(operator, "of")
        if held is not None and depth < _MOST_DEPTH:
            parts = [_match(part, depth + 1) for part in held.items]
            whole = _folded(sign, parts)
            return Call("!", (whole,)) if operator == "none" else whole
    return Name("?")


def _folded(sign: str, parts: Sequence[Node]) -> Node:
    whole = parts[0] if parts else _TRUE
    for part in parts[1:]:
        whole = Call(sign, (whole, part))
    return whole


def _parsed(text: str) -> Node | None:
    try:
        return parse(text)
    except NotCel:
        return None


def _text(expressions: Sequence[Expression]) -> str:
    return "\n".join(one.text for one in expressions)


def _unread(text: str) -> Name:
    """What cannot be read: no name of CEL, and the same only where the text is."""
    return Name(f"?{text}")


def _literal(value: Written) -> Node:
    """A constant as Cerbos keeps it; unknown where it may keep it otherwise."""
    try:
        return _constant(value.data())
    except Doubtful:
        return _unread(value.text)


def _constant(value: Any) -> Node:
    if isinstance(value, list):
        return ListOf(tuple(_constant(item) for item in value))
    if isinstance(value, dict):
        return MapOf(tuple((Const(key), _constant(item)) for key, item in value.items()))
    return Const(value)


def _resolved(node: Node, names: Mapping[tuple[str, str], Node], text: str) -> Node:
    """As `resolved`, but unknown where that is nested too deep to be walked."""
    try:
        found = resolved(node, names)
    except RecursionError:
        return _unread(text)
    level, depth = [found], 0
    while level and depth <= _MOST_LEVELS:
        level, depth = [child for one in level for child in children(one)], depth + 1
    return _unread(text) if level else found


def resolved(node: Node, names: Mapping[tuple[str, str], Node], depth: int = 0) -> Node:
    """`node` with variables and constants put in place of their names."""
    if depth > _MOST_DEPTH:
        return node
    match node:
        case Select(of=Name(name=root), field=field) if root in _ROOTS:
            found = names.get((_ROOTS[root], field))
            return node if found is None else resolved(found, names, depth + 1)
        case Select(of=of, field=field):
            inner = resolved(of, names, depth)
            if isinstance(inner, MapOf):
                for key, value in inner.pairs:
                    if key == Const(field):
                        return value
            return replace(node, of=inner)
        case Call(function=function, args=args, target=target):
            inner_args = tuple(resolved(arg, names, depth) for arg in args)
            match function, inner_args:
                case "+", (Const(value=str(first)), Const(value=str(second))):
                    return Const(first + second)
            return Call(function, inner_args, resolved(target, names, depth) if target else None)
        case ListOf(items=items):
            return replace(node, items=tuple(resolved(item, names, depth) for item in items))
    return node
