"""An expression with everything put in that is known before the resource is: the principal, variables, constants.

What is left speaks of the resource's attributes alone, so two expressions that say the same of it often are the same.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from policyloop.access.ask.request import Attributes, Principal, canonical
from policyloop.access.prove.syntax import (
    AND,
    IN,
    INDEX,
    NOT,
    OR,
    RELATIONS,
    Attribute,
    Call,
    Entries,
    Fails,
    Items,
    Known,
    Literal,
    Name,
    ResourceId,
    Select,
    Tree,
    Unreadable,
    parse,
)

MAX_UNROLLED = 50
"""The longest known list that `exists` and `all` are written out for."""
MAX_SIZE = 5_000
"""The most parts of one expression once its variables are put in."""

_ROOTS = {
    "R": "resource",
    "P": "principal",
    "request": "request",
    "V": "variables",
    "variables": "variables",
    "C": "constants",
    "constants": "constants",
    "runtime": "runtime",
}
_GLOBALS = ("G", "globals")
_ALIKE = {"policy_version": "policyVersion"}
_TRUE, _FALSE = Known("true"), Known("false")


@dataclass(frozen=True, slots=True)
class Asker:
    """What a condition can see besides the resource's id and attributes."""

    principal: Principal
    kind: str
    policy_version: str = ""
    scope: str = ""
    claims: Attributes = field(default_factory=dict)
    anybody: bool = False
    """Whether nothing is known of who asks: then what a condition sees of them may be anything."""


@dataclass(frozen=True, slots=True)
class Names:
    """What `V` and `C` stand for where an expression is written. A constant that is None could not be read."""

    variables: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, Known | None] = field(default_factory=dict)


def resolve(text: str, names: Names, asker: Asker) -> Tree:
    """The expression as it is for this asker. Raises `Unreadable` when its meaning is not known here."""
    return _Resolver(names, asker).whole(text)


@dataclass(frozen=True, slots=True)
class _Root:
    """A message that is only looked into, never taken as a value."""

    name: str


class _Resolver:
    def __init__(self, names: Names, asker: Asker) -> None:
        self._names = names
        self._asker = asker
        self._open: list[str] = []
        self._done: dict[str, Tree] = {}
        self._left = MAX_SIZE

    def whole(self, text: str) -> Tree:
        return self._tree(parse(text), {})

    def _tree(self, tree: Tree, bound: Mapping[str, Tree]) -> Tree:
        found = self._part(tree, bound)
        if isinstance(found, _Root):
            raise Unreadable(f"{found.name} is taken as a whole")
        return found

    def _part(self, tree: Tree, bound: Mapping[str, Tree]) -> Tree | _Root:
        self._left -= 1
        if self._left < 0:
            raise Unreadable("it is too long once its variables are put in")
        match tree:
            case Literal(kind="string", text=text):
                return known(text)
            case Literal(kind="bool" | "null", text=text):
                return Known(text)
            case Name(name=name):
                return self._name(name, bound)
            case Select():
                return self._select(self._part(tree.of, bound), tree.field, test=tree.test)
            case Items(items=items):
                return Items(tuple(self._tree(item, bound) for item in items))
            case Entries(entries=entries):
                return Entries(tuple((self._tree(key, bound), self._tree(value, bound)) for key, value in entries))
            case Call():
                return self._call(tree, bound)
        return tree

    def _name(self, name: str, bound: Mapping[str, Tree]) -> Tree | _Root:
        if name in bound:
            return bound[name]
        if name in _GLOBALS:
            return Name(_GLOBALS[0])
        return _Root(_ROOTS[name]) if name in _ROOTS else Name(name)

    def _select(self, of: Tree | _Root, name: str, *, test: bool) -> Tree | _Root:
        match of:
            case _Root():
                return self._field(of.name, name, test=test)
            case Attribute(path=path):
                return Select(of, name, test=True) if test else Attribute((*path, name))
            case Known():
                return _known_field(json.loads(of.json), name, test=test)
            case Fails():
                return of
        return Select(of, name, test)

    def _field(self, root: str, name: str, *, test: bool) -> Tree | _Root:
        """A field of one of the messages that every condition is given."""
        asker = self._asker
        if root == "variables" and not test:
            return self._variable(name)
        if root == "constants":
            constant = self._names.constants.get(name)
            if constant is None:
                raise Unreadable(f"the constant {name} is not read here")
            return _TRUE if test else constant
        if test and (root, name) != ("claims", "jwt"):
            raise Unreadable(f"has() asks for {root}.{name}")
        found: dict[tuple[str, str], Tree | _Root] = {
            ("request", "resource"): _Root("resource"),
            ("request", "principal"): _Root("principal"),
            ("request", "auxData"): _Root("claims"),
            ("request", "aux_data"): _Root("claims"),
            ("claims", "jwt"): known(dict(asker.claims)),
            ("resource", "attr"): Attribute(()),
            ("resource", "id"): ResourceId(),
            ("resource", "kind"): known(asker.kind),
            ("resource", "scope"): known(asker.scope.removeprefix(".")),
            ("resource", "policyVersion"): known(asker.policy_version),
            ("resource", "policy_version"): known(asker.policy_version),
            ("principal", "id"): known(asker.principal.id),
            ("principal", "roles"): known(list(asker.principal.roles)),
            ("principal", "attr"): known(dict(asker.principal.attr)),
            ("principal", "scope"): known(asker.principal.scope.removeprefix(".")),
            ("principal", "policyVersion"): known(asker.principal.policy_version),
            ("principal", "policy_version"): known(asker.principal.policy_version),
        }
        if asker.anybody and root in ("principal", "claims") and (root, name) in found and not test:
            # A name that no expression can have, so that it is the same thing wherever it is said.
            return Name(f"{root}.{_ALIKE.get(name, name)}")
        if test or (root, name) not in found:
            raise Unreadable(f"{root}.{name} is not read here")
        return found[root, name]

    def _variable(self, name: str) -> Tree:
        if name in self._done:
            return self._done[name]
        text = self._names.variables.get(name)
        if text is None or name in self._open:
            raise Unreadable(f"the variable {name} is not read here")
        self._open.append(name)
        found = self._tree(parse(text), {})
        self._open.pop()
        # Only a list that is written where it is used is folded away by the compiler.
        found = known([]) if found == Items(()) else found
        self._done[name] = found
        return found

    def _call(self, call: Call, bound: Mapping[str, Tree]) -> Tree:
        if call.on is not None and call.arguments and isinstance(call.arguments[0], Name):
            if call.function in ("exists", "all") and len(call.arguments) == 2:
                return self._over_all(call, call.arguments[0].name, self._tree(call.on, bound), bound)
            if call.function in _MACROS:
                return self._macro(call, bound)
        on = None if call.on is None else self._tree(call.on, bound)
        arguments = tuple(self._tree(argument, bound) for argument in call.arguments)
        if call.function in ("dyn", "id") and on is None and len(arguments) == 1 and arguments[0] != Items(()):
            return arguments[0]
        if call.function == INDEX:
            return _indexed(*arguments)
        return Call(call.function, arguments, on)

    def _over_all(self, call: Call, variable: str, over: Tree, bound: Mapping[str, Tree]) -> Tree:
        """`exists` and `all`: written out over a known list, as `in` when they look for one value."""
        some = call.function == "exists"
        items = _items(over)
        if items is not None and len(items) <= MAX_UNROLLED:
            bodies = [self._tree(call.arguments[1], {**bound, variable: item}) for item in items]
            found: Tree = _FALSE if some else _TRUE
            for body in bodies:
                found = Call(OR if some else AND, (found, body))
            # Seen with Cerbos 0.55.0: a macro over one element may come to what its body is, also where that is null.
            if all(_is_truth(body) for body in bodies):
                return found
        inner = _with_variable(variable, bound)
        mark, body = inner[variable], self._tree(call.arguments[1], inner)
        if isinstance(over, Attribute) and isinstance(body, Call) and body.function == ("==" if some else "!="):
            left, right = body.arguments
            wanted = right if left == mark else left if right == mark else None
            if isinstance(wanted, Known | Literal):
                held = Call(IN, (wanted, over))
                return held if some else Call(NOT, (held,))
        return Call(call.function, (mark, body), over)

    def _macro(self, call: Call, bound: Mapping[str, Tree]) -> Tree:
        count = _MACROS[call.function] or len(call.arguments) - 1
        inner = bound
        for argument in call.arguments[:count]:
            if not isinstance(argument, Name) or argument.name in _ROOTS or argument.name in _GLOBALS:
                raise Unreadable(f"what {call.function} has for a variable")
            inner = _with_variable(argument.name, inner)
        on = None if call.on is None else self._tree(call.on, bound)
        variables = tuple(self._tree(argument, inner) for argument in call.arguments[:count])
        # What `bind` binds is said where its variable is not yet known.
        first = bound if call.function == "bind" else inner
        rest = [self._tree(argument, inner if n else first) for n, argument in enumerate(call.arguments[count:])]
        return Call(call.function, (*variables, *rest), on)


_TRUTHS = frozenset({*RELATIONS, AND, OR, NOT, "startsWith", "endsWith", "contains", "exists", "all"})


def _is_truth(tree: Tree) -> bool:
    """Whether an expression is surely a truth value or an error."""
    match tree:
        case Known():
            return tree in (_TRUE, _FALSE)
        case Select(test=test):
            return test
        case Call(function=function):
            return function in _TRUTHS
    return isinstance(tree, Fails)


_MACROS: Mapping[str, int] = {
    **dict.fromkeys(("exists", "all", "exists_one", "existsOne"), 0),
    **dict.fromkeys(("map", "filter", "sortBy", "bind"), 1),
    **dict.fromkeys(("transformList", "transformMap", "transformMapEntry"), 2),
}
"""Macros, and how many of their arguments are variables; 0 for all but the last."""


def _with_variable(name: str, bound: Mapping[str, Tree]) -> Mapping[str, Tree]:
    """`bound` with the variable of a macro, under a name that no other one around it has, also when it hides one."""
    mark = Name(f"@{len(bound)}")
    return {**bound, mark.name: mark, name: mark}


def known(value: Any) -> Known:
    """A JSON value as part of an expression."""
    return Known(canonical(value))


def _known_field(value: Any, name: str, *, test: bool) -> Tree:
    if isinstance(value, dict):
        if test:
            return _TRUE if name in value else _FALSE
        return known(value[name]) if name in value else Fails()
    return _FALSE if test and not isinstance(value, list) else Fails()


def _indexed(of: Tree, key: Tree) -> Tree:
    text = json.loads(key.json) if isinstance(key, Known) else None
    if isinstance(of, Attribute) and isinstance(text, str):
        return Attribute((*of.path, text))
    if isinstance(of, Known):
        value = json.loads(of.json)
        if isinstance(value, dict) and isinstance(text, str):
            return _known_field(value, text, test=False)
        if isinstance(value, list) and isinstance(key, Literal) and key.kind == "int":
            index = int(key.text)
            return known(value[index]) if 0 <= index < len(value) else Fails()
    return Fails() if isinstance(of, Fails) or isinstance(key, Fails) else Call(INDEX, (of, key))


def _items(over: Tree) -> list[Tree] | None:
    """What a macro runs over, when that is known; the keys of a map."""
    if isinstance(over, Items) and all(isinstance(item, Known | Literal) for item in over.items):
        return list(over.items)
    if isinstance(over, Known):
        value = json.loads(over.json)
        return [known(item) for item in value] if isinstance(value, list | dict) else None
    return None
