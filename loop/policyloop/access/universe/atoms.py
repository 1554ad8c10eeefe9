"""One comparison, membership or test of a condition: values for its fields that make it true, and that make it false.

Guesses, made to be asked: the PDP alone says what a condition gives. What is not understood here gets the constants
that stand near it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from policyloop.access.cel import Call, Const, ListOf, Name, Node, Select, walk
from policyloop.access.universe.fields import ABSENT, NOW, PRESENT, WHO, Assignment, Path, merged, path_of, settable
from policyloop.access.universe.patterns import matching
from policyloop.access.universe.patterns import near as near_texts
from policyloop.access.universe.solve import solve, together
from policyloop.access.universe.values import (
    OTHER,
    SHARED,
    addresses,
    around,
    compared,
    instant,
    json_of,
    lasting,
    sized,
)

Guesses = tuple[list[Assignment], list[Assignment]]
"""Assignments that should make an atom true, and such that should make it false."""

_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_SAME_VALUE = frozenset(("int", "double", "uint", "bool", "string", "lowerAscii", "upperAscii", "trim", "dyn"))
_KIN = frozenset(
    ["ancestorOf", "descendentOf", "siblingOf", "overlaps", "immediateChildOf", "immediateParentOf", "commonAncestors"]
)
_MOST_CONSTANTS = 12


@dataclass(frozen=True, slots=True)
class Near:
    """What guessing may go by: the moment, and the constants that each field is compared with somewhere."""

    now: datetime
    constants: Mapping[Path, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class _Term:
    """A field behind a function: `inverse` gives the field's values for a wanted value of the whole."""

    path: Path
    inverse: Callable[[Any], Iterator[Any]]

    def assigned(self, value: Any) -> list[Assignment]:
        """What makes the whole `value`."""
        return [{self.path: raw} for raw in self.inverse(value)]


def _itself(value: Any) -> Iterator[Any]:
    yield json_of(value)


def constant(node: Node) -> tuple[bool, Any]:
    """Whether an expression is a constant, and its value; times and durations as Python has them."""
    match node:
        case Const(value=value):
            return True, value
        case ListOf(items=items):
            values = [constant(item) for item in items]
            return all(known for known, _ in values), [value for _, value in values]
        case Call(function="timestamp", args=(Const(value=str(text)),), target=None):
            return instant(text) is not None, instant(text)
        case Call(function="duration", args=(Const(value=str(text)),), target=None):
            return lasting(text) is not None, lasting(text)
    return False, None


def guess(node: Node, near: Near) -> Guesses:
    """Assignments under which the atom `node` should be true, and false."""
    match node:
        case Call(function="has", args=(inner,)) if (path := path_of(inner)) and settable(path):
            return [{path: PRESENT}, {path: True}], [{path: ABSENT}]
        case Call(function="==" | "!=" | "<" | "<=" | ">" | ">=" as operator, args=(left, right)):
            found = _comparison(operator, left, right, near)
        case Call(function="in", args=(left, right)):
            found = _membership(left, right, near)
        case Call(function="hasIntersection" | "has_intersection" | "isSubset" | "is_subset" as name):
            found = _sets(name, _operands(node))
        case Call(function="matches", args=(Const(value=str(pattern)),), target=left) if left is not None:
            found = _matched(pattern, left)
        case Call(function="matches", args=(left, Const(value=str(pattern))), target=None):
            found = _matched(pattern, left)
        case Call(function="startsWith" | "endsWith" | "contains" | "matches" as name, args=(right,), target=left):
            found = _text(name, left, right) if left is not None else None
        case Call(function=name, args=(right,), target=left) if name in _KIN and left is not None:
            found = _kin(left, right)
        case Call(function="inIPAddrRange", args=(Const(value=str(network)),), target=left):
            path = path_of(left) if left is not None else None
            inside, outside = addresses(network)
            found = ([{path: a} for a in inside], [{path: a} for a in outside]) if path and inside else None
        case _:
            path = path_of(node)
            found = ([{path: True}], [{path: False}]) if path and settable(path) else None
    return found or _nearby(node)


def _operands(node: Call) -> tuple[Node, ...]:
    return node.args if node.target is None else (node.target, *node.args)


def _term(node: Node) -> _Term | None:
    """An expression as a function of one field."""
    path = path_of(node)
    if path is not None:
        return _Term(path, _itself) if settable(path) else None
    match node:
        case Call(function="now", args=(), target=None):
            return _Term(NOW, _itself)
        case (
            Call(function="size", args=(inner,), target=None) | Call(function="size", args=(), target=Select() as inner)
        ):
            found = _term(inner)
            return _Term(found.path, sized) if found else None
        case Call(function="[]", args=(inner, Const(value=int(index)))) if index in (0, 1):
            found = _term(inner)
            return _Term(found.path, lambda value: iter([[*[OTHER] * index, json_of(value)]])) if found else None
        case Call(function="timestamp" | "duration", args=(inner,), target=None):
            return _term(inner)
        case Call(function="timeSince", args=(), target=inner) if inner is not None:
            return _term(Call("-", (Call("now", ()), inner)))
        case Call(function=name, args=(inner,), target=None) if name in _SAME_VALUE:
            return _term(inner)
        case Call(function=name, args=(), target=inner) if name in _SAME_VALUE and inner is not None:
            return _term(inner)
        case Call(function="+" | "-" as sign, args=(left, right)):
            return _shifted(sign, left, right)
    return None


def _shifted(sign: str, left: Node, right: Node) -> _Term | None:
    """A field plus or minus a constant."""
    if sign == "+" and isinstance(right, Const) and isinstance(right.value, str):
        return _followed(left, right.value)
    for inner, other, swapped in ((left, right, False), (right, left, True)):
        known, by = constant(other)
        found = _term(inner)
        if known and found and isinstance(by, int | float | timedelta | datetime) and not isinstance(by, bool):

            def undone(value: Any, *, by: Any = by, swapped: bool = swapped, found: _Term = found) -> Iterator[Any]:
                try:
                    wanted = value - by if sign == "+" else by - value if swapped else value + by
                except (TypeError, OverflowError):
                    return
                yield from found.inverse(wanted)

            return replace(found, inverse=undone)
    return None


def _followed(left: Node, ending: str) -> _Term | None:
    """A text and a fixed ending: mostly a date that is made a time of."""
    found = _term(left)
    if found is None:
        return None

    def undone(value: Any) -> Iterator[Any]:
        text = json_of(value)
        if isinstance(value, datetime) and ending.startswith("T"):
            yield from found.inverse(text.partition("T")[0])
        elif isinstance(text, str) and text.endswith(ending):
            yield from found.inverse(text.removesuffix(ending))

    return replace(found, inverse=undone)


def _comparison(operator: str, left: Node, right: Node, near: Near) -> Guesses | None:
    for one, other, sign in ((left, right, operator), (right, left, _FLIPPED[operator])):
        known, value = constant(other)
        if known:
            return _with_constant(one, sign, value, near)
    return _between(operator, left, right, near)


def _with_constant(node: Node, operator: str, value: Any, near: Near) -> Guesses | None:
    since = _age(node)
    if since is not None and isinstance(value, timedelta):
        return _aged(since, operator, value, near)
    found, holds = _term(node), compared(operator)
    if holds is None:
        return None
    undo = found.assigned if found else lambda wanted: solve(node, wanted)
    true: list[Assignment] = []
    false: list[Assignment] = []
    for candidate in around(value):
        try:
            into = true if holds(candidate, value) else false
        except TypeError:
            into = true if operator == "!=" else false
        into.extend(undo(candidate))
    if value is None and found:
        (true if operator == "!=" else false).append({found.path: "x"})
    return (true, false) if true or false else None


def _age(node: Node) -> tuple[Path, int] | None:
    """`now() - timestamp(field)` as the field and 1, the other way round as the field and -1."""
    match node:
        case Call(function="timeSince", args=(), target=inner) if inner is not None:
            node = Call("-", (Call("now", ()), inner))
    match node:
        case Call(function="-", args=(left, right)):
            first, second = _term(left), _term(right)
            if first and second and NOW in (first.path, second.path) and first.path != second.path:
                return (second.path, 1) if first.path == NOW else (first.path, -1)
    return None


def _margin(span: timedelta) -> timedelta:
    """Far enough from the moment that an answer some minutes later is the same."""
    return max(timedelta(minutes=10), abs(span) / 20)


def _aged(since: tuple[Path, int], operator: str, span: timedelta, near: Near) -> Guesses:
    path, sign = since
    holds = compared(operator)
    true: list[Assignment] = []
    false: list[Assignment] = []
    for age in (span - _margin(span), span + _margin(span), span * 10, timedelta()):
        try:
            value = json_of(near.now - sign * age)
        except OverflowError:
            continue
        (true if holds and holds(age, span) else false).append({path: value})
    return true, false


def _between(operator: str, left: Node, right: Node, near: Near) -> Guesses | None:
    """Two fields."""
    one, other, holds = _term(left), _term(right), compared(operator)
    if holds is None:
        return None
    if one is None or other is None:
        return _both_solved(left, right, holds, near)
    if NOW in (one.path, other.path):
        return _moments(one, other, holds, near)
    true: list[Assignment] = []
    false: list[Assignment] = []
    if operator in ("==", "!="):
        # Who asks stays the same as far as can be: then one call asks about many resources.
        whose = [path for path in (one.path, other.path) if path == WHO]
        for value in _known(WHO, near) if whose else (*_known(one.path, near), *_known(other.path, near), SHARED):
            true.append({one.path: value, other.path: value})
            false += [
                {path: OTHER if path == moved else value for path in (one.path, other.path)}
                for moved in (one.path, other.path)
                if moved != WHO
            ]
        return (true, false) if operator == "==" else (false, true)
    for base in (*(v for v in (*_known(one.path, near), *_known(other.path, near)) if type(v) in (int, float)), 5):
        for step in (0, 1, -1):
            (true if holds(base + step, base) else false).append({one.path: base + step, other.path: base})
    for first, second in (("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"), ("2026-01-01T00:00:00Z",) * 2):
        (true if holds(first, second) else false).append({one.path: first, other.path: second})
        (true if holds(second, first) else false).append({one.path: second, other.path: first})
    return true, false


def _both_solved(left: Node, right: Node, holds: Callable[[Any, Any], bool], near: Near) -> Guesses | None:
    """Two expressions that are not fields: both made the same value, and values beside it."""
    true: list[Assignment] = []
    false: list[Assignment] = []
    hour = timedelta(hours=1)
    bases: tuple[tuple[Any, tuple[Any, ...]], ...] = (
        (10, (10, 11, 9, 20, 1)),
        (SHARED, (SHARED, OTHER)),
        (near.now, (near.now, near.now + hour, near.now - hour)),
        ([SHARED], ([SHARED], [OTHER], [])),
    )
    for base, beside in bases:
        for value in beside:
            try:
                into = true if holds(base, value) else false
            except TypeError:
                continue
            into.extend(islice(together([_made(left, base)[:4], _made(right, value)[:4]]), 6))
    return (true, false) if true or false else None


def _moments(one: _Term, other: _Term, holds: Callable[[Any, Any], bool], near: Near) -> Guesses:
    """A field and the moment."""
    true: list[Assignment] = []
    false: list[Assignment] = []
    field = other if one.path == NOW else one
    for step in (timedelta(hours=-1), timedelta(hours=1), timedelta(days=-400), timedelta(days=400)):
        when = near.now + step
        first, second = (near.now, when) if one.path == NOW else (when, near.now)
        for raw in field.inverse(when):
            (true if holds(first, second) else false).append({field.path: raw})
    return true, false


def _known(path: Path, near: Near) -> tuple[Any, ...]:
    return near.constants.get(path, ())[:_MOST_CONSTANTS]


def _membership(left: Node, right: Node, near: Near) -> Guesses | None:
    """`left in right`."""
    known_left, needle = constant(left)
    known_right, hay = constant(right)
    one, other = _term(left), _term(right)
    if known_right and isinstance(hay, list) and hay:
        others = (*_beside(hay), OTHER, "") if isinstance(hay[0], str) else _beside(hay)
        true = [one for v in hay[:_MOST_CONSTANTS] for one in _made(left, json_of(v))]
        false = [one for v in others for one in _made(left, v)]
        return (true, false) if true or false else None
    if known_left and other is None and not known_right:
        value = json_of(needle)
        inside = [one for held in ([value], [OTHER, value], {str(value): 1}) for one in solve(right, held)]
        return (inside, [one for held in ([], [OTHER]) for one in solve(right, held)]) if inside else None
    if known_left and other:
        value = json_of(needle)
        holding: list[Assignment] = [{other.path: [value]}, {other.path: [OTHER, value]}, {other.path: {str(value): 1}}]
        return holding, [{other.path: []}, {other.path: [OTHER]}]
    if one and other:
        values = _known(WHO, near) if one.path == WHO else (*_known(one.path, near), SHARED)
        return (
            [{one.path: v, other.path: [v]} for v in values],
            [{one.path: values[0], other.path: [OTHER]}, {one.path: values[0], other.path: []}],
        )
    if other or (one and isinstance(right, ListOf)):
        return _listed(one, right, near)
    return None


def _made(node: Node, value: Any) -> list[Assignment]:
    """What makes an expression a value: by its one field, or else by undoing it."""
    found = _term(node)
    return found.assigned(value) if found else solve(node, value)


def _beside(values: Sequence[Any]) -> list[Any]:
    """Values of the same type that are not in a list of constants: all small numbers, for hours and weekdays."""
    if all(type(value) is int for value in values):
        return [n for n in range(-1, 25) if n not in values]
    return []


def _listed(one: _Term | None, right: Node, near: Near) -> Guesses | None:
    """A field in a list whose items are fields and constants."""
    if one is None or not isinstance(right, ListOf):
        return None
    true: list[Assignment] = []
    for item in right.items:
        found = _comparison("==", Name("#") if one is None else _path_node(one.path), item, near)
        true += found[0][:2] if found else []
    return true, [{one.path: OTHER}]


def _path_node(path: Path) -> Node:
    node: Node = Name(path[0])
    for name in path[1:]:
        node = Select(node, name)
    return node


def _sets(name: str, operands: tuple[Node, ...]) -> Guesses | None:
    if len(operands) != 2:
        return None
    subset = name.lower().replace("_", "") == "issubset"
    (known_left, left), (known_right, right) = constant(operands[0]), constant(operands[1])
    one, other = _term(operands[0]), _term(operands[1])
    for found, known, values in ((one, known_right, right), (other, known_left, left)):
        if found and known and isinstance(values, list):
            items = [json_of(value) for value in values[:_MOST_CONSTANTS]]
            each: list[Assignment] = [{found.path: [item]} for item in items]
            mixed: list[Assignment] = [{found.path: [OTHER, item]} for item in items[:2]]
            none: list[Assignment] = [{found.path: []}]
            foreign: list[Assignment] = [{found.path: [OTHER]}]
            if subset and found is one:
                return [{found.path: items}, *each, *none], [*foreign, *mixed]
            return [{found.path: items}, *each, *mixed], [*none, *foreign]
    if one and other:
        return (
            [
                {one.path: [SHARED], other.path: [SHARED]},
                {one.path: [SHARED], other.path: [OTHER, SHARED]},
                {one.path: [OTHER, SHARED], other.path: [SHARED]},
            ],
            [{one.path: [SHARED], other.path: [OTHER]}, {one.path: [], other.path: [OTHER]}],
        )
    return None


def _text(name: str, left: Node, right: Node) -> Guesses | None:
    known, part = constant(right)
    if not known or not isinstance(part, str):
        return _two_texts(name, left, right)
    holds = {"startsWith": str.startswith, "endsWith": str.endswith}.get(name, str.__contains__)
    true: list[Assignment] = []
    false: list[Assignment] = []
    for text in (part, f"{part}x", f"x{part}", f"x{part}x", part[:-1], part[1:], part.swapcase(), OTHER, ""):
        (true if holds(text, part) else false).extend(_made(left, text))
    return (true, false) if true or false else None


def _two_texts(name: str, left: Node, right: Node) -> Guesses | None:
    """Whether a text begins with, ends with or holds another one, neither of them a constant."""
    true: list[Assignment] = []
    false: list[Assignment] = []
    longer = {"startsWith": f"{SHARED}x", "endsWith": f"x{SHARED}"}.get(name, f"x{SHARED}x")
    for whole, part, into in (
        (SHARED, SHARED, true),
        (longer, SHARED, true),
        (SHARED, "", true),
        (SHARED, OTHER, false),
    ):
        for first in _made(left, whole)[:3]:
            both = (merged(first, second) for second in _made(right, part)[:3])
            into.extend(one for one in both if one is not None)
    return (true, false) if true or false else None


def _matched(pattern: str, left: Node) -> Guesses | None:
    """Texts that a pattern takes, and texts beside them; which of these it takes as well is for the PDP to say."""
    inside = matching(pattern)
    loose = [*(f"x{text}" for text in inside[:2]), *(f"{text}x" for text in inside[:2])]
    true = [one for text in (*inside, *loose) for one in _made(left, text)]
    false = [one for text in (OTHER, "", *near_texts(inside)) for one in _made(left, text)]
    if not true:
        plain = pattern.strip("^$").replace("\\", "").replace(".*", "").replace(".+", "x")
        return _text("contains", left, Const(plain))
    return true, false


def _kin(left: Node, right: Node) -> Guesses | None:
    """`hierarchy(a).ancestorOf(hierarchy(b))` and its like: places in a tree, with a dot between them."""
    known, place = constant(right.args[0]) if isinstance(right, Call) and right.args else (False, None)
    places = [("a", "a.b"), ("a.b", "a"), ("a", "a.b.c"), ("a.b.c", "a"), ("a.b", "a.c"), ("a.b", "a.b")]
    if known:
        above = str(place).rpartition(".")[0] or str(place)
        places = [(text, str(place)) for text in (above, str(place), f"{place}.x", f"{place}.x.y", f"{above}.z")]
    either: list[Assignment] = []
    for first, second in places:
        for one in _made(left, first)[:2]:
            both = (merged(one, other) for other in (_made(right, second)[:2] or [{}]))
            either.extend(each for each in both if each is not None)
    return (either, list(either)) if either else None


def _nearby(node: Node) -> Guesses:
    """What is not understood: each field in it gets each constant in it, and whatever is around that."""
    paths = dict.fromkeys(path for part in walk(node) if (path := path_of(part)) and settable(path))
    constants = [value for part in walk(node) for known, value in (constant(part),) if known and value is not None]
    found: list[Assignment] = []
    for value in constants[:_MOST_CONSTANTS]:
        for near in (*around(value), [value]):
            found.extend({path: json_of(near)} for path in paths)
    found += [{path: value} for path in paths for value in (SHARED, True, [SHARED])]
    return found, list(found)
