"""What an expression comes to, over all resources: CEL's own rules, errors included, as formulas for the solver.

Source of the rules: the CEL language definition, and Cerbos 0.55.0 where it could be asked. What is not known here for
sure becomes an unclear value under the name of the expression, so that the same expression is the same in both bundles.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import z3

from policyloop.access.prove.moments import FIRST_MOMENT, LAST_MOMENT, length_of, nanoseconds_of
from policyloop.access.prove.resource_values import Listed, Mapped, Places
from policyloop.access.prove.syntax import (
    AND,
    IF,
    IN,
    NEGATE,
    NOT,
    OR,
    Attribute,
    Call,
    Entries,
    Fails,
    Items,
    Known,
    Literal,
    ResourceId,
    Select,
    Tree,
)
from policyloop.access.prove.values import (
    EXACT,
    FAILED,
    INT_MAX,
    INT_MIN,
    NO,
    YES,
    Elements,
    Kind,
    Pairs,
    Value,
    both,
    chosen,
    decided,
    either,
    failing,
    member,
    moment,
    no,
    number,
    numeric,
    of_json,
    same,
    span,
    text,
    truth,
    unclear,
    unclear_when,
)

_FLIPPED = {">": "<", ">=": "<="}
_ORDERED: tuple[Kind, ...] = ("number", "string", "time", "span")


class Translator:
    """Expressions of one question, in both bundles: the same expression is translated once."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.unclear: dict[Tree, str] = {}
        """What is not modelled exactly, and the names of its values."""
        self._done: dict[Tree, Value] = {}

    def value(self, tree: Tree) -> Value:
        """The value of a resolved expression. Raises `Unreadable`."""
        # Not only for speed: the same expression must be the same value in both bundles, also where it is unclear.
        if tree not in self._done:
            self._done[tree] = self._value(tree)
        return self._done[tree]

    def unread(self, name: str) -> Value:
        """What may be anything, and is like nothing else."""
        return unclear(name)

    def _value(self, tree: Tree) -> Value:
        match tree:
            case Known(json=written):
                return self._known(json.loads(written))
            case Literal():
                return self._literal(tree)
            case Fails():
                return FAILED
            case Attribute(path=path):
                return self.places.attribute(path)
            case ResourceId():
                return self.places.id
            case Select(of=Attribute(path=path), field=field, test=True):
                return self.places.has(path, field)
            case Items(items=items):
                values = tuple(self.value(item) for item in items)
                return failing(Value(NO, {"list": YES}, {"list": Elements(values)}), *values)
            case Entries(entries=entries):
                return self._entries(tree, entries)
            case Call():
                return self._call(tree)
        return self._vague(tree)

    def _entries(self, tree: Tree, entries: Sequence[tuple[Tree, Tree]]) -> Value:
        keys = [_constant(key) for key, _ in entries]
        if len(set(map(repr, keys))) < len(keys) or not all(isinstance(key, str) for key in keys):
            return self._vague(tree)
        values = tuple(self.value(value) for _, value in entries)
        return failing(Value(NO, {"map": YES}, {"map": Pairs(dict(zip(keys, values, strict=True)))}), *values)

    def _known(self, value: Any) -> Value:
        if isinstance(value, str):
            self.places.note(value)
        return of_json(value)

    def _literal(self, literal: Literal) -> Value:
        match literal.kind:
            case "int" | "uint" as flavour if abs(int(literal.text)) <= EXACT:
                return number(Fraction(int(literal.text)), flavour)
            # Real numbers of the solver have neither.
            case "double" if literal.text.lstrip("-") not in ("inf", "nan"):
                return number(Fraction(float(literal.text)), "double")
        return self._vague(literal)

    def _vague(self, tree: Tree) -> Value:
        """A value that may be anything, but the same wherever the same is said."""
        return unclear(self.unclear.setdefault(tree, f"unclear{len(self.unclear)}"))

    def _vague_when(self, when: Any, value: Value, tree: Tree) -> Value:
        if z3.is_false(when):
            return value
        return unclear_when(when, value, self.unclear.setdefault(tree, f"unclear{len(self.unclear)}"))

    def _call(self, call: Call) -> Value:
        rule = _RULES.get((call.function, len(call.arguments) + (call.on is not None)))
        if rule is None or (call.on is not None and call.function not in _METHODS):
            return self._vague(call)
        return rule(self, call, *((call.on,) if call.on is not None else ()), *call.arguments)

    def _not(self, _: Call, one: Tree) -> Value:
        value = self.value(one)
        return decided(value.false, value.true)

    def _and(self, _: Call, one: Tree, other: Tree) -> Value:
        left, right = self.value(one), self.value(other)
        return decided(both(left.true, right.true), either(left.false, right.false))

    def _or(self, _: Call, one: Tree, other: Tree) -> Value:
        left, right = self.value(one), self.value(other)
        return decided(either(left.true, right.true), both(left.false, right.false))

    def _if(self, _: Call, condition: Tree, yes: Tree, otherwise: Tree) -> Value:
        when = self.value(condition)
        if z3.is_true(when.true) or z3.is_true(when.false):
            return self.value(yes if z3.is_true(when.true) else otherwise)
        found = chosen(when.true, self.value(yes), self.value(otherwise))
        return Value(either(no(either(when.true, when.false)), found.error), found.kinds, found.held, found.number)

    def _equal(self, call: Call, one: Tree, other: Tree) -> Value:
        left, right = self.value(one), self.value(other)
        equal, vague = same(left, right)
        if not z3.is_false(vague):
            for place, written in ((one, other), (other, one)):
                whole = _constant(written)
                if isinstance(place, Attribute) and place.path and isinstance(whole, list | dict):
                    name = f"{place.path} is {json.dumps(whole, sort_keys=True)}"
                    kind: Kind = "list" if isinstance(whole, list) else "map"
                    atom = self.places.is_whole(place.path, whole, name)
                    equal, vague = both(self.places.attribute(place.path).kinds[kind], atom), NO
        found = truth(equal, either(left.error, right.error))
        if z3.is_false(vague):
            return found
        # Whether two values are equal is never an error where neither is one.
        atom = z3.Bool(f"{self.unclear.setdefault(call, f'unclear{len(self.unclear)}')}#equal")
        return truth(z3.If(vague, atom, equal), found.error)

    def _unequal(self, call: Call, *_: Tree) -> Value:
        found = self.value(Call("==", call.arguments))
        return decided(found.false, found.true)

    def _ordered(self, call: Call, one: Tree, other: Tree) -> Value:
        if call.function in _FLIPPED:
            return self.value(Call(_FLIPPED[call.function], (other, one)))
        left, right = self.value(one), self.value(other)
        strict = call.function == "<"
        true, false = [], []
        for kind in _ORDERED:
            guard = both(left.is_(kind), right.is_(kind))
            if not z3.is_false(guard):
                a, b = left.held[kind], right.held[kind]
                holds = a < b if strict else a <= b
                true.append(both(guard, holds))
                false.append(both(guard, no(holds)))
        # Of two truth values, or two infinite numbers, the one that is false, or below all, is less.
        for kind in ("bool", "far"):
            guard = both(left.is_(kind), right.is_(kind))
            if not z3.is_false(guard):
                a, b = left.held[kind], right.held[kind]
                holds = both(no(a), b) if strict else either(no(a), b)
                true.append(both(guard, holds))
                false.append(both(guard, no(holds)))
        for infinite, finite in ((left, right), (right, left)):
            guard = both(infinite.is_("far"), finite.is_("number"))
            if not z3.is_false(guard):
                above = infinite.held["far"]
                holds = no(above) if infinite is left else above
                true.append(both(guard, holds))
                false.append(both(guard, no(holds)))
        odd = either(left.is_("nan"), right.is_("nan"))
        numbers = both(numeric(left), numeric(right))
        false.append(both(odd, numbers))
        found = decided(either(*true), either(*false))
        # NaN beside what is no number is sometimes an error and sometimes not: `NaN < "x"` is false.
        strange = both(odd, no(numbers), no(left.error), no(right.error))
        return self._vague_when(either(_any_other(left, right), strange), found, call)

    def _in(self, call: Call, wanted: Tree, holder: Tree) -> Value:
        if isinstance(holder, Items):
            if not holder.items:
                # The compiler folds this away, also where what is looked for is an error.
                return truth(NO)
            if any(_constant(item) is _NONE for item in holder.items):
                # It also folds a constant that stands in a list, whatever else stands there.
                return self._vague(call)
        value, among = self.value(wanted), self.value(holder)
        true, false, vague = [], [], [_any_other(value, among)]
        for kind in ("list", "map"):
            guard = both(no(value.error), among.is_(kind))
            if not z3.is_false(guard):
                held, open_ = _held_in(value, among.held[kind], wanted, self.places)
                true.append(both(guard, held))
                false.append(both(guard, no(held)))
                vague.append(both(guard, open_))
        return self._vague_when(either(*vague), decided(either(*true), either(*false)), call)

    def _size(self, call: Call, one: Tree) -> Value:
        value = self.value(one)
        error = value.error
        sizes: list[tuple[Any, Any]] = []
        for kind in ("string", "list", "map"):
            guard = value.is_(kind)
            if not z3.is_false(guard):
                sizes.append((guard, z3.Length(value.held[kind]) if kind == "string" else _size(value.held[kind])))
        if not sizes:
            return self._vague_when(value.is_("other"), FAILED, call)
        size = sizes[-1][1]
        for guard, found in sizes[:-1]:
            size = z3.If(guard, found, size)
        error = either(error, no(either(*(guard for guard, _ in sizes))))
        return self._vague_when(value.is_("other"), number(z3.ToReal(size), "int", error), call)

    def _text_test(self, call: Call, one: Tree, other: Tree) -> Value:
        whole, part = self.value(one), self.value(other)
        guard = both(whole.is_("string"), part.is_("string"))
        if z3.is_false(guard):
            return self._vague_when(_any_other(whole, part), FAILED, call)
        test = {"startsWith": z3.PrefixOf, "endsWith": z3.SuffixOf}.get(call.function)
        a, b = whole.held["string"], part.held["string"]
        found = truth(test(b, a) if test else z3.Contains(a, b), no(guard))
        return self._vague_when(_any_other(whole, part), found, call)

    def _intersects(self, call: Call, one: Tree, other: Tree) -> Value:
        return self._of_lists(call, one, other, lambda flags: either(*flags))

    def _subset(self, call: Call, one: Tree, other: Tree) -> Value:
        return self._of_lists(call, one, other, lambda flags: both(*flags), swaps=False)

    def _of_lists(
        self, call: Call, one: Tree, other: Tree, join: Callable[[list[Any]], Any], *, swaps: bool = True
    ) -> Value:
        """Whether some (or all) of a list whose elements are known are in another list."""
        left, right = self.value(one), self.value(other)
        if swaps and not isinstance(left.held.get("list"), Elements):
            left, right = right, left
        guard = both(left.is_("list"), right.is_("list"))
        vague = _any_other(left, right)
        if z3.is_false(guard):
            return self._vague_when(vague, FAILED, call)
        listed, within = left.held["list"], right.held["list"]
        if not isinstance(listed, Elements):
            return self._vague_when(either(vague, guard), FAILED, call)
        found = [_held_in(item, within, None, self.places) for item in listed.items]
        holds = join([held for held, _ in found])
        vague = either(vague, both(guard, either(*(open_ for _, open_ in found))))
        return self._vague_when(vague, truth(holds, no(guard)), call)

    def _negate(self, call: Call, one: Tree) -> Value:
        value = self.value(one)
        if value.number != "double" or "number" not in value.kinds:
            return self._vague(call)
        found = number(-value.held["number"], "double", no(value.is_("number")))
        return self._vague_when(either(value.is_("other"), value.is_("nan"), value.is_("far")), found, call)

    def _sum(self, call: Call, one: Tree, other: Tree) -> Value:
        """`+` and `-` where they are exact: whole numbers, strings, moments and durations. Doubles round: unclear."""
        left, right = self.value(one), self.value(other)
        plus = call.function == "+"
        ways = [way for way in _sums(left, right, plus=plus) if not z3.is_false(way[0])]
        vague = [_any_other(left, right)]
        numbers = both(left.is_("number"), right.is_("number"))
        if left.number == right.number == "int":
            total = left.held["number"] + right.held["number"] * (1 if plus else -1)
            ways.append((numbers, number(total, "int")))
            vague.append(both(numbers, either(total > EXACT, total < -EXACT)))
        elif left.number == right.number or not left.number or not right.number:
            vague.append(both(numeric(left), numeric(right)))
        vague.append(both(left.is_("list"), right.is_("list")) if plus else NO)
        found = FAILED
        for guard, value in ways:
            found = chosen(guard, value, found)
        return self._vague_when(either(*vague), found, call)

    def _now(self, _: Call) -> Value:
        return moment(self.places.now)

    def _timestamp(self, call: Call, one: Tree) -> Value:
        value = self.value(one)
        if isinstance(one, Known) and isinstance(json.loads(one.json), str):
            read = nanoseconds_of(json.loads(one.json))
            return self._vague(call) if read is None else moment(z3.IntVal(read))
        ways = [(value.is_("time"), value)]
        guard = value.is_("string")
        if not z3.is_false(guard):
            good, nanoseconds = self.places.moment(value.held["string"])
            ways.append((guard, moment(nanoseconds, no(good))))
        found = FAILED
        for when, way in ways:
            found = found if z3.is_false(when) else chosen(when, way, found)
        # A double is no moment, but a whole number is one, in seconds.
        vague = either(value.is_("other"), value.is_("number") if value.number != "double" else NO)
        return self._vague_when(vague, found, call)

    def _duration(self, call: Call, one: Tree) -> Value:
        written = json.loads(one.json) if isinstance(one, Known) else None
        read = length_of(written) if isinstance(written, str) else None
        return self._vague(call) if read is None else span(z3.IntVal(read))

    def _time_since(self, call: Call, one: Tree) -> Value:
        value = self.value(one)
        if "time" not in value.kinds:
            return self._vague_when(value.is_("other"), FAILED, call)
        gone = self.places.now - value.held["time"]
        kept = z3.If(gone > INT_MAX, z3.IntVal(INT_MAX), z3.If(gone < INT_MIN, z3.IntVal(INT_MIN), gone))
        return self._vague_when(value.is_("other"), span(kept, no(value.is_("time"))), call)


_NONE = object()


def _constant(tree: Tree) -> Any:
    """The JSON value that an expression is whatever the resource; `_NONE` when it is none."""
    match tree:
        case Known(json=written):
            return json.loads(written)
        case Literal(kind="int" | "uint" | "double", text=written):
            return float(written) if abs(float(written)) < 2**53 else _NONE
        case Items(items=items):
            found = [_constant(item) for item in items]
            return _NONE if any(item is _NONE for item in found) else found
        case Entries(entries=entries):
            pairs = [(_constant(key), _constant(value)) for key, value in entries]
            plain = all(isinstance(key, str) and value is not _NONE for key, value in pairs)
            return dict(pairs) if plain and len(dict(pairs)) == len(pairs) else _NONE
    return _NONE


def _any_other(*values: Value) -> Any:
    """Where none is an error, and one may be anything."""
    errors = [no(value.error) for value in values]
    return both(*errors, either(*(value.kinds.get("other", NO) for value in values)))


def _held_in(value: Value, holder: Any, tree: Tree | None, places: Places) -> tuple[Any, Any]:
    """Whether a list or a map holds a value, or the key; and where that is unclear."""
    whole = either(*(value.kinds.get(kind, NO) for kind in ("list", "map", "time", "span", "other")))
    match holder:
        case Elements(items=items):
            return member(value, items)
        case Listed():
            return holder.holds(value), whole
        case Pairs(pairs=pairs):
            return member(value, [of_json(key) for key in pairs])
        case Mapped(path=path):
            if tree is not None and isinstance(written := _constant(tree), str):
                return places.has(path, written).true, NO
            return NO, either(value.kinds.get("string", NO), value.kinds.get("other", NO))
    return NO, YES


def _size(holder: Any) -> Any:
    match holder:
        case Elements(items=items):
            return z3.IntVal(len(items))
        case Pairs(pairs=pairs):
            return z3.IntVal(len(pairs))
    return holder.size


def _sums(left: Value, right: Value, *, plus: bool) -> list[tuple[Any, Value]]:
    ways: list[tuple[Any, Value]] = []

    def way(one: Kind, other: Kind, made: Callable[[Any, Any], Value]) -> None:
        guard = both(left.is_(one), right.is_(other))
        if not z3.is_false(guard):
            ways.append((guard, made(left.held[one], right.held[other])))

    if plus:
        way("string", "string", lambda a, b: text(z3.Concat(a, b)))
        way("time", "span", lambda a, b: _moment(a + b))
        way("span", "time", lambda a, b: _moment(a + b))
        way("span", "span", lambda a, b: _span(a + b))
    else:
        way("time", "time", lambda a, b: _span(a - b))
        way("time", "span", lambda a, b: _moment(a - b))
        way("span", "span", lambda a, b: _span(a - b))
    return ways


def _moment(at: Any) -> Value:
    return moment(at, either(at < FIRST_MOMENT, at > LAST_MOMENT))


def _span(length: Any) -> Value:
    return span(length, either(length < INT_MIN, length > INT_MAX))


_SETS = ("hasIntersection", "has_intersection", "isSubset", "is_subset")
_Rule = Callable[..., Value]
_T = Translator
_RULES: Mapping[tuple[str, int], _Rule] = {
    (NOT, 1): _T._not,
    (NEGATE, 1): _T._negate,
    (AND, 2): _T._and,
    (OR, 2): _T._or,
    (IF, 3): _T._if,
    ("==", 2): _T._equal,
    ("!=", 2): _T._unequal,
    **{(sign, 2): _T._ordered for sign in ("<", "<=", ">", ">=")},
    (IN, 2): _T._in,
    ("+", 2): _T._sum,
    ("-", 2): _T._sum,
    ("size", 1): _T._size,
    **{(name, 2): _T._text_test for name in ("startsWith", "endsWith", "contains")},
    **{(name, 2): _T._intersects for name in ("hasIntersection", "has_intersection")},
    **{(name, 2): _T._subset for name in ("isSubset", "is_subset")},
    ("now", 0): _T._now,
    ("timestamp", 1): _T._timestamp,
    ("duration", 1): _T._duration,
    ("timeSince", 1): _T._time_since,
}
_METHODS = frozenset({*_SETS, "size", "startsWith", "endsWith", "contains", "timeSince"})
