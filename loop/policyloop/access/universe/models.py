"""Whole conditions: assignments that should make one true or false, each part of it being what decides once.

For `a && b && c` to be false, each of the three is made false while the others are true; for it to be true, each is
made true in every way that is known while the others hold. That is how a condition is told from one that lacks a part.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from policyloop.access.cel import Call, Const, ListOf, Name, Node, Select
from policyloop.access.universe.atoms import guess
from policyloop.access.universe.fields import ABSENT, ANYTHING, PRESENT, Assignment, merged
from policyloop.access.universe.near import Near
from policyloop.access.universe.solve import solve

MOST = 40
"""The most assignments for one condition and one outcome."""
_STEPS = 400
"""The most combinations that are tried for one of them."""
_MACROS = ("exists", "all", "exists_one", "existsOne", "filter", "map")
_MOST_DEPTH = 30


def models(node: Node, near: Near, *, want: bool, depth: int = 0) -> list[Assignment]:
    """Assignments under which `node` should be `want`; the most telling ones first."""
    if depth > _MOST_DEPTH:
        return []
    match node:
        case Const(value=bool(value)):
            return [{}] if value is want else []
        case Call(function="!", args=(inner,)):
            return models(inner, near, want=not want, depth=depth + 1)
        case Call(function="&&" | "||" as operator):
            parts = list(_parts(node, operator))
            return _joined(parts, near, conjunction=operator == "&&", want=want, depth=depth)
        case Call(function="?:", args=(condition, first, second)):
            one = Call("&&", (condition, first))
            other = Call("&&", (Call("!", (condition,)), second))
            return models(Call("||", (one, other)), near, want=want, depth=depth + 1)
        case Call(function="==" | "!=" as sign, args=(inner, Const(value=bool(value)))) if isinstance(inner, Call):
            return models(inner, near, want=want is ((sign == "==") is value), depth=depth + 1)
        case Call(function=name, args=(Name(name=variable), body), target=whole) if name in _MACROS and whole:
            if found := _elements(name, variable, body, whole, near, want=want, depth=depth):
                return _unlike(found)
    true, false = guess(node, near)
    return _unlike(true if want else false)


def _parts(node: Node, operator: str) -> Iterator[Node]:
    if isinstance(node, Call) and node.function == operator:
        for part in node.args:
            yield from _parts(part, operator)
    else:
        yield node


def _joined(parts: Sequence[Node], near: Near, *, conjunction: bool, want: bool, depth: int) -> list[Assignment]:
    """`&&` is decided by any part that is false, `||` by any that is true; the other outcome needs all of them."""
    rest = [models(part, near, want=conjunction, depth=depth + 1) for part in parts]
    deciding = rest
    if conjunction is not want:
        deciding = [models(part, near, want=want, depth=depth + 1) for part in parts]
    found: list[Assignment] = []
    share = max(3, MOST // len(parts))
    for n, options in enumerate(deciding):
        others = [*rest[:n], *rest[n + 1 :]]
        for option in options[:share]:
            together = _consistent(option, others)
            if together is None and conjunction is not want:
                together = option
            if together is not None:
                found.append(together)
    return _unlike(found)[:MOST]


def _consistent(start: Assignment, others: Sequence[Sequence[Assignment]]) -> Assignment | None:
    """`start` and one of each of `others` that agree with each other; the fewest options first."""
    ordered = sorted((options for options in others if options), key=len)
    left = _STEPS

    def place(so_far: Assignment, n: int) -> Assignment | None:
        nonlocal left
        if n == len(ordered):
            return so_far
        for option in ordered[n]:
            left -= 1
            if left < 0:
                return None
            together = merged(so_far, option)
            if together is not None and (found := place(together, n + 1)) is not None:
                return found
        return None

    return place(start, 0)


def _elements(
    name: str, variable: str, body: Node, whole: Node, near: Near, *, want: bool, depth: int
) -> list[Assignment]:
    """A macro over a list: elements of which the body is true, and of which it is false."""
    root = f"#{variable}"
    inner = renamed(body, variable, root)
    true = [_element(one, root) for one in models(inner, near, want=True, depth=depth + 1)[:8]]
    false = [_element(one, root) for one in models(inner, near, want=False, depth=depth + 1)[:8]]
    mixed = [_both(one, other) for one, other in zip(true, false, strict=False)]
    twice = [_both(one, one) for one in true[:2]]
    empty: _Elements = ({}, [])
    if name == "all":
        lists = [*true, empty, *twice] if want else [*false, *mixed]
    elif name in ("exists_one", "existsOne"):
        lists = [*true, *mixed] if want else [empty, *false, *twice]
    else:
        lists = [*true, *mixed, *twice] if want else [empty, *false]
    return [
        together
        for rest, elements in lists
        for one in solve(whole, elements)[:2]
        if (together := merged(rest, one)) is not None
    ]


def renamed(node: Node, name: str, to: str) -> Node:
    """The variable of a macro under a name that no field has."""
    match node:
        case Name(name=found) if found == name:
            return Name(to)
        case Select(of=of):
            return replace(node, of=renamed(of, name, to))
        case Call(function=function, args=args, target=target):
            inner = tuple(renamed(arg, name, to) for arg in args)
            return Call(function, inner, renamed(target, name, to) if target else None)
        case ListOf(items=items):
            return replace(node, items=tuple(renamed(item, name, to) for item in items))
    return node


_Elements = tuple[Assignment, list[Any]]
"""What is assigned beside a list, and the list's elements."""


def _element(one: Assignment, root: str) -> _Elements:
    """A list with one element, made of what is assigned to the variable."""
    return {where: value for where, value in one.items() if where[0] != root}, [element_of(one, root)]


def element_of(one: Assignment, root: str) -> Any:
    """The element of a list that is made of what is assigned to the variable `root` and to what is below it."""
    mine = {where: value for where, value in one.items() if where[0] == root}
    if (root,) in mine:
        return ANYTHING if mine[root,] in (PRESENT, ABSENT) else mine[root,]
    element: dict[str, object] = {}
    for where, value in mine.items():
        here = element
        for key in where[1:-1]:
            below = here.setdefault(key, {})
            here = below if isinstance(below, dict) else {}
        if value is not ABSENT:
            here[where[-1]] = ANYTHING if value is PRESENT else value
    return element


def _both(one: _Elements, other: _Elements) -> _Elements:
    return {**other[0], **one[0]}, [*other[1], *one[1]]


def _unlike(found: Sequence[Assignment]) -> list[Assignment]:
    """Each assignment once."""
    return list({repr(sorted(one.items(), key=repr)): one for one in found}.values())
