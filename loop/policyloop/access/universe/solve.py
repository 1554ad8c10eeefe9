"""Assignments under which an expression should give a wanted value: each function undone, from the outside in.

Guesses, like everything here: what is not known to be undone gives nothing.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from policyloop.access.cel import Call, Const, ListOf, Name, Node, Select
from policyloop.access.universe.fields import NOW, ROLES, Assignment, merged, path_of, settable
from policyloop.access.universe.values import OTHER, SHARED, instant, json_of, lasting

MOST = 24
"""The most assignments for one wanted value."""
_MOST_DEPTH = 12
_MOST_SIZE = 400
_MOST_SPLITS = 12
_SAME = frozenset(
    [
        "int",
        "double",
        "uint",
        "bool",
        "string",
        "bytes",
        "dyn",
        "timestamp",
        "duration",
        "lowerAscii",
        "upperAscii",
        "trim",
        "orValue",
        "value",
        "first",
        "last",
        "distinct",
        "sort",
        "flatten",
        "hierarchy",
        "spiffeID",
        "id",
        "name",
        "abs",
        "ceil",
        "floor",
        "round",
        "greatest",
        "least",
        "sqrt",
    ]
)
"""Functions that give some value back as it is, so that it is worth a try as the argument."""
_SIGNS = frozenset(("+", "-", "*", "/", "%"))
_DURATION_PARTS = {"getHours": 3600.0, "getMinutes": 60.0, "getSeconds": 1.0, "getMilliseconds": 0.001}
_DAY = datetime(2026, 1, 4, 12, 30, 30, tzinfo=UTC)
"""A Sunday, the first day of a week of CEL."""
_OFFSET = re.compile(r"([+-]?)(\d\d):(\d\d)\Z")
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
    if path is not None and path == ROLES:
        if isinstance(value, list) and value and all(isinstance(role, str) and role for role in value):
            yield {ROLES: tuple(value)}
        return
    if path is not None and settable(path):
        yield {path: json_of(value)}
        return
    match node:
        case Call(function="now", args=(), target=None) if isinstance(value, datetime):
            yield {NOW: json_of(value)}
        case Const(value=known):
            if type(known) is type(value) and known == value:
                yield {}
        case Select(of=of, field=field):
            yield from solve(of, {field: json_of(value)}, depth)
        case ListOf(items=items) if isinstance(value, list) and len(items) == len(value):
            yield from together([solve(item, wanted, depth) for item, wanted in zip(items, value, strict=True)])
        case Call(function="[]" | "[?]", args=(of, key), target=None):
            yield from _indexed(of, key, value, depth)
        case Call(function=sign, args=(left, right), target=None) if sign in _SIGNS:
            yield from _calculated(sign, left, right, value, depth)
        case Call(function="-", args=(inner,), target=None):
            yield from solve(inner, -value, depth)
        case Call(function="?:", args=(_, first, second)):
            yield from solve(first, value, depth)
            yield from solve(second, value, depth)
        case Call(function="filter" | "map", args=(Name(name=variable), body), target=whole) if whole is not None:
            yield from _of_elements(node.function, variable, body, whole, value, depth)
        case Call(function="size", args=(inner,), target=None):
            yield from _sized(inner, value, depth)
        case Call(function="size", args=(), target=whole) if whole is not None:
            yield from _sized(whole, value, depth)
        case Call():
            yield from _undone(node, value, depth)


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
        yield from solve(right, _missing(sign, value, first, known_left=True), depth)
    elif second is not None:
        yield from solve(left, _missing(sign, value, second, known_left=False), depth)
    else:
        for one, other in _pairs(sign, value):
            yield from together([solve(left, one, depth), solve(right, other, depth)])


def _missing(sign: str, value: Any, known: Any, *, known_left: bool) -> Any:
    """The other operand. Raises `ValueError` where there is none."""
    match sign:
        case "+" if isinstance(value, str) and isinstance(known, str):
            if not (value.startswith(known) if known_left else value.endswith(known)):
                raise ValueError(value)
            return value.removeprefix(known) if known_left else value.removesuffix(known)
        case "+" if isinstance(value, datetime) and isinstance(known, str):
            return json_of(value).partition("T")[0]
        case "+" if isinstance(value, list) and isinstance(known, list):
            return value[len(known) :] if known_left else value[: len(value) - len(known)]
        case "+":
            return value - known
        case "-":
            return known - value if known_left else value + known
        case "*":
            return value / known
        case "/":
            return known / value if known_left else value * known
    return value if abs(value) < abs(known) else value % known


def _pairs(sign: str, value: Any) -> Iterator[tuple[Any, Any]]:
    """Two operands, neither of them known."""
    match sign, value:
        case "+", str():
            yield from ((value[:at], value[at:]) for at in range(min(len(value), _MOST_SPLITS) + 1))
        case "+", list():
            yield from ((value[:at], value[at:]) for at in (len(value), 0, 1))
        case "+", datetime():
            yield value - timedelta(hours=1), timedelta(hours=1)
        case "+", int() | float():
            yield from ((value - 1, 1), (value, 0), (value / 2, value / 2), (0, value))
        case "-", timedelta():
            yield from ((moment + value, moment) for moment in (_DAY,))
        case "-", datetime():
            yield value + timedelta(hours=1), timedelta(hours=1)
        case "-", int() | float():
            yield from ((value + 1, 1), (value, 0))
        case "*", int() | float():
            yield from ((value, 1), (1, value), (value / 2, 2), (2, value / 2))
        case "/", int() | float():
            yield from ((value, 1), (value * 2, 2))
        case "%", int() | float():
            yield value, value + 1


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
    from policyloop.access.universe.atoms import Near
    from policyloop.access.universe.models import element_of, models, renamed

    root = f"#{variable}"
    found = models(renamed(body, variable, root), Near(_DAY, {}), want=want)
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
    if call.function in _PARTS:
        yield from _moments(call, inner, value, depth)
        return
    for wanted in _arguments(call, value):
        yield from solve(inner, wanted, depth)


def _is_library(node: Node) -> bool:
    """Whether `x` in `x.f(y)` is no value but a library's name."""
    return isinstance(node, Name) and node.name in ("base64", "math", "sets", "strings", "lists", "regex")


def _arguments(call: Call, value: Any) -> Iterator[Any]:
    """What the argument may be where a function gives `value`."""
    fixed = [one.value for one in call.args if isinstance(one, Const)]
    match call.function, value:
        case "charAt", str() if fixed and isinstance(fixed[0], int):
            yield from ("x" * fixed[0] + value, "x" * fixed[0] + value + "x")
        case "substring", str() if fixed and isinstance(fixed[0], int):
            yield from ("x" * fixed[0] + value, "x" * fixed[0] + value + "x")
        case "indexOf" | "lastIndexOf", int() if fixed and isinstance(fixed[0], str):
            yield "x" * max(value, 0) + (fixed[0] if value >= 0 else "")
        case "split", list() if fixed and isinstance(fixed[0], str) and all(isinstance(v, str) for v in value):
            yield fixed[0].join(value)
        case "join", str():
            yield value.split(fixed[0]) if fixed and isinstance(fixed[0], str) and fixed[0] else [value]
        case "reverse", str() | list():
            yield value[::-1]
        case "replace", str() if len(fixed) >= 2 and isinstance(fixed[0], str) and isinstance(fixed[1], str):
            yield from (value, *([value.replace(fixed[1], fixed[0])] if fixed[1] else [value + fixed[0]]))
        case "decode", str() | bytes():
            yield base64.b64encode(value.encode() if isinstance(value, str) else value).decode()
        case "encode", str():
            with suppress(binascii.Error, UnicodeDecodeError):
                yield base64.b64decode(value, validate=True).decode()
        case "path", str():
            yield f"spiffe://td.example{value}"
        case "trustDomain", str():
            yield from (f"spiffe://{value}/x", f"spiffe://{value}")
        case "slice", list():
            yield [*[OTHER] * (fixed[0] if fixed and isinstance(fixed[0], int) else 0), *value]
        case name, _ if name in _SAME:
            yield from _alike(name, value)


def _alike(name: str, value: Any) -> Iterator[Any]:
    yield value
    match name, value:
        case "lowerAscii" | "upperAscii", str():
            yield from (value.upper(), value.lower())
        case "trim", str():
            yield f" {value} "
        case "bytes" | "string", bytes():
            yield value.decode("latin-1")
        case "int" | "double" | "uint", int() | float():
            yield f"{value:g}"
        case "string", str():
            with suppress(ValueError):
                yield float(value) if "." in value else int(value)
        case "first" | "flatten", _:
            yield [value]
        case "last", _:
            yield [OTHER, value]
        case "abs", int() | float():
            yield -value
        case "id" | "name" | "spiffeID", str():
            yield f"spiffe://{value.removeprefix('spiffe://')}"


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


# --- parts of moments


_PARTS: dict[str, Callable[[int], Iterable[datetime]]] = {
    "getHours": lambda n: [_DAY.replace(hour=n, minute=m) for m in (30, 0, 59)],
    "getMinutes": lambda n: [_DAY.replace(minute=n)],
    "getSeconds": lambda n: [_DAY.replace(second=n)],
    "getMilliseconds": lambda n: [_DAY.replace(microsecond=n * 1000)],
    "getDayOfWeek": lambda n: [_DAY + timedelta(days=n)] if 0 <= n < 7 else [],
    "getDate": lambda n: [_DAY.replace(day=n)],
    "getDayOfMonth": lambda n: [_DAY.replace(day=n + 1)],
    "getDayOfYear": lambda n: [datetime(2026, 1, 1, 12, 30, tzinfo=UTC) + timedelta(days=n)] if 0 <= n < 366 else [],
    "getMonth": lambda n: [_DAY.replace(month=n + 1, day=15)],
    "getFullYear": lambda n: [_DAY.replace(year=n, day=15)],
}


def _moments(call: Call, inner: Node, value: Any, depth: int) -> Iterator[Assignment]:
    """`t.getHours("Asia/Tokyo")`, and the like of a duration."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    zone = next((one.value for one in call.args if isinstance(one, Const) and isinstance(one.value, str)), "")
    for moment in _PARTS[call.function](int(value)):
        yield from solve(inner, _as_utc(moment, zone), depth)
    if call.function in _DURATION_PARTS:
        yield from solve(inner, timedelta(seconds=float(value) * _DURATION_PARTS[call.function]), depth)


def _as_utc(moment: datetime, zone: str) -> datetime:
    """The moment at which a clock in `zone` shows `moment`."""
    if not zone or zone == "UTC":
        return moment
    if match := _OFFSET.match(zone):
        offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
        return moment + offset if match[1] == "-" else moment - offset
    try:
        return moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return moment
