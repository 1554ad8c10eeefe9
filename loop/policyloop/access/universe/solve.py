"""Assignments under which an expression should give a wanted value: each function undone, from the outside in.

Guesses, like everything here: what is not known to be undone gives nothing.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from policyloop.access.cel import Call, Const, ListOf, Name, Node, Select
from policyloop.access.universe.fields import NOW, ROLES, Assignment, merged, path_of, settable
from policyloop.access.universe.inverses import arguments
from policyloop.access.universe.operands import missing, pairs
from policyloop.access.universe.parts_of_time import PARTS, moments
from policyloop.access.universe.values import OTHER, SHARED, instant, json_of, lasting

MOST = 24
"""The most assignments for one wanted value."""
_MOST_DEPTH = 12
_MOST_SIZE = 400
_SIGNS = frozenset(("+", "-", "*", "/", "%"))
_SOME_DAY = datetime(2026, 1, 4, 12, 30, 30, tzinfo=UTC)
_SLOT = re.compile(r"%(?:\.\d+)?[sdfbxXoe]")


def solve(node: Node, value: Any, depth: int = 0) -> list[Assignment]:
    """Assignments under which `node` should give `value`; none where nobody knows how."""
    if depth > _MOST_DEPTH:
        return []
    try:
        return list(islice(_solved(node, value, depth + 1), MOST))
    except (OverflowError, ValueError, TypeError, ZeroDivisionError):
        return []


def _solved(node: Node, value: Any, depth: int) -> Iterator[Assignment]:
    path = path_of(node)
    if path is not None and (path == ROLES or settable(path)):
        if path != ROLES:
            yield {path: json_of(value)}
        elif isinstance(value, list) and value and all(isinstance(role, str) and role for role in value):
            yield {ROLES: tuple(value)}
        return
    match node:
        case Const(value=known):
            if type(known) is type(value) and known == value:
                yield {}
        case Select(of=of, field=field):
            yield from solve(of, {field: json_of(value)}, depth)
        case ListOf(items=items) if isinstance(value, list) and len(items) == len(value):
            yield from together([solve(item, wanted, depth) for item, wanted in zip(items, value, strict=True)])
        case Call(target=None):
            yield from _solved_sign(node, value, depth)
        case Call():
            yield from _solved_method(node, value, depth)


def _solved_method(call: Call, value: Any, depth: int) -> Iterator[Assignment]:
    """A function after what it is about."""
    match call.function, call.args:
        case (("filter" | "map"), (Name(name=variable), body)) if call.target is not None:
            yield from _of_elements(call.function, variable, body, call.target, value, depth)
        case "size", () if call.target is not None:
            yield from _sized(call.target, value, depth)
        case _:
            yield from _undone(call, value, depth)


def _solved_sign(call: Call, value: Any, depth: int) -> Iterator[Assignment]:
    """An operator, or a function before its arguments."""
    match call.function, call.args:
        case "now", ():
            if isinstance(value, datetime):
                yield {NOW: json_of(value)}
        case "[]" | "[?]", (of, key):
            yield from _indexed(of, key, value, depth)
        case sign, (left, right) if sign in _SIGNS:
            yield from _calculated(sign, left, right, value, depth)
        case "-", (inner,):
            yield from solve(inner, -value, depth)
        case "?:", (_, first, second):
            yield from solve(first, value, depth)
            yield from solve(second, value, depth)
        case "size", (inner,):
            yield from _sized(inner, value, depth)
        case _:
            yield from _undone(call, value, depth)


def together(each: Sequence[Sequence[Assignment]]) -> Iterator[Assignment]:
    """One of each that agree; the first of all others where one is varied."""
    if not all(each):
        return
    for at, options in enumerate(each):
        for option in options:
            whole: Assignment | None = option
            for other, rest in enumerate(each):
                if other != at and whole is not None:
                    whole = next((both for one in rest if (both := merged(whole, one)) is not None), None)
            if whole is not None:
                yield whole


def _indexed(of: Node, key: Node, value: Any, depth: int) -> Iterator[Assignment]:
    match key:
        case Const(value=bool()):
            return
        case Const(value=int(index)) if 0 <= index < 64:
            for held in ([*[OTHER] * index, value], [*[OTHER] * index, value, OTHER], [value] * (index + 1)):
                yield from solve(of, held, depth)
        case Const(value=str(name)):
            yield from solve(of, {name: json_of(value)}, depth)
        case _:
            for name in (SHARED, "x", OTHER):
                yield from together([solve(key, name, depth), solve(of, {name: json_of(value)}, depth)])
            for index in (0, 1):
                yield from together([solve(key, index, depth), solve(of, [*[OTHER] * index, value], depth)])


def _constant(node: Node) -> Any:
    """The value of a constant, None for anything else."""
    match node:
        case Const(value=value):
            return value
        case ListOf(items=items):
            values = [_constant(item) for item in items]
            return None if None in values else values
        case Call(function="timestamp", args=(Const(value=str(text)),), target=None):
            return instant(text)
        case Call(function="duration", args=(Const(value=str(text)),), target=None):
            return lasting(text)
    return None


def _calculated(sign: str, left: Node, right: Node, value: Any, depth: int) -> Iterator[Assignment]:
    first, second = _constant(left), _constant(right)
    if first is not None:
        yield from solve(right, missing(sign, value, first, known_left=True), depth)
    elif second is not None:
        yield from solve(left, missing(sign, value, second, known_left=False), depth)
    else:
        for one, other in pairs(sign, value):
            yield from together([solve(left, one, depth), solve(right, other, depth)])


def _sized(inner: Node, value: Any, depth: int) -> Iterator[Assignment]:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST_SIZE:
        return
    match inner:
        case Call(function="filter", args=(Name(name=variable), body), target=whole) if whole is not None:
            for element in _elements(variable, body, want=True):
                for more in ([], *([other] for other in _elements(variable, body, want=False)[:1])):
                    yield from solve(whole, [*[element] * value, *more], depth)
        case Call(function="split", args=(Const(value=str(by)), *_)):
            yield from solve(inner, by.join(["x"] * max(value, 1)).split(by) if by else ["x"] * value, depth)
        case _:
            yield from solve(inner, [f"e{n}" for n in range(value)], depth)
            yield from solve(inner, "x" * value, depth)
            yield from solve(inner, {f"k{n}": 1 for n in range(value)}, depth)


def _of_elements(name: str, variable: str, body: Node, whole: Node, value: Any, depth: int) -> Iterator[Assignment]:
    if not isinstance(value, list):
        return
    if name == "filter":
        yield from solve(whole, value, depth)
        return
    from policyloop.access.universe.models import element_of, renamed

    root = f"#{variable}"
    inner = renamed(body, variable, root)
    rows = [solve(inner, wanted, depth)[:1] for wanted in value]
    if all(rows):
        yield from solve(whole, [element_of(row[0], root) for row in rows], depth)


def _elements(variable: str, body: Node, *, want: bool) -> list[Any]:
    """Some elements of a list for which the body of a macro should be `want`."""
    from policyloop.access.universe.models import element_of, models, renamed
    from policyloop.access.universe.near import Near

    root = f"#{variable}"
    found = models(renamed(body, variable, root), Near(_SOME_DAY, {}), want=want)
    return [element_of(one, root) for one in found[:4]]


def _undone(call: Call, value: Any, depth: int) -> Iterator[Assignment]:
    """A function whose argument, or target, can be told from what it gives."""
    inner = call.target if call.target is not None and not _is_library(call.target) else None
    if inner is None:
        inner = call.args[0] if call.args else None
    if inner is None:
        return
    if call.function == "format":
        yield from _formatted(call, value, depth)
        return
    if call.function in PARTS:
        zone = next((one.value for one in call.args if isinstance(one, Const) and isinstance(one.value, str)), "")
        for moment in moments(call.function, value, zone):
            yield from solve(inner, moment, depth)
        return
    for wanted in arguments(call, value):
        yield from solve(inner, wanted, depth)


def _is_library(node: Node) -> bool:
    """Whether `x` in `x.f(y)` is no value but a library's name."""
    return isinstance(node, Name) and node.name in ("base64", "math", "sets", "strings", "lists", "regex")


def _formatted(call: Call, value: Any, depth: int) -> Iterator[Assignment]:
    """`"%s-%s".format([a, b])`."""
    if not (isinstance(call.target, Const) and isinstance(call.target.value, str) and isinstance(value, str)):
        return
    template, arguments = call.target.value, call.args[0] if call.args else None
    if not isinstance(arguments, ListOf):
        return
    pattern = "(.*)".join(map(re.escape, _SLOT.split(template)))
    match = re.fullmatch(pattern, value, re.DOTALL)
    if match is None or len(match.groups()) != len(arguments.items):
        return
    each = []
    for item, text in zip(arguments.items, match.groups(), strict=True):
        number = [int(text)] if re.fullmatch(r"-?\d{1,15}", text) else []
        each.append([found for wanted in (*number, text) for found in solve(item, wanted, depth)])
    yield from together(each)
