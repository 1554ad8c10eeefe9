"""Whole conditions: assignments that should make one true or false, each part of it being what decides once.

For `a && b && c` to be false, each of the three is made false while the others are true; for it to be true, each is
made true in every way that is known while the others hold. That is how a condition is told from one that lacks a part.
"""

from collections.abc import Iterator, Sequence

from policyloop.access.cel import Call, Const, Name, Node, Select
from policyloop.access.universe.atoms import Near, guess
from policyloop.access.universe.fields import ABSENT, ANYTHING, PRESENT, Assignment, Path, merged, path_of, settable

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
            if (path := path_of(whole)) and settable(path):
                return _elements(name, variable, body, path, near, want=want, depth=depth)
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
    name: str, variable: str, body: Node, path: Path, near: Near, *, want: bool, depth: int
) -> list[Assignment]:
    """A macro over a list: elements of which the body is true, and of which it is false."""
    root = f"#{variable}"
    inner = _renamed(body, variable, root)
    true = [_element(one, root, path) for one in models(inner, near, want=True, depth=depth + 1)[:8]]
    false = [_element(one, root, path) for one in models(inner, near, want=False, depth=depth + 1)[:8]]
    empty: Assignment = {path: []}
    if name == "all":
        return [*true, empty] if want else false
    if want:
        return [*true, *(_both(one, other, path) for one, other in zip(true, false, strict=False))]
    return [empty, *false]


def _renamed(node: Node, name: str, to: str) -> Node:
    """The variable of a macro under a name that no field has."""
    match node:
        case Name(name=found) if found == name:
            return Name(to)
        case Select(of=of, field=field):
            return Select(_renamed(of, name, to), field)
        case Call(function=function, args=args, target=target):
            inner = tuple(_renamed(arg, name, to) for arg in args)
            return Call(function, inner, _renamed(target, name, to) if target else None)
    return node


def _element(one: Assignment, root: str, path: Path) -> Assignment:
    """A list with one element, made of what is assigned to the variable."""
    rest = {where: value for where, value in one.items() if where[0] != root}
    mine = {where: value for where, value in one.items() if where[0] == root}
    if (root,) in mine:
        return {**rest, path: [ANYTHING if mine[root,] is PRESENT else mine[root,]]}
    element: dict[str, object] = {}
    for where, value in mine.items():
        here = element
        for key in where[1:-1]:
            below = here.setdefault(key, {})
            here = below if isinstance(below, dict) else {}
        if value is not ABSENT:
            here[where[-1]] = ANYTHING if value is PRESENT else value
    return {**rest, path: [element]}


def _both(one: Assignment, other: Assignment, path: Path) -> Assignment:
    return {**other, **one, path: [*other.get(path, ()), *one.get(path, ())]}


def _unlike(found: Sequence[Assignment]) -> list[Assignment]:
    """Each assignment once."""
    return list({repr(sorted(one.items(), key=repr)): one for one in found}.values())
