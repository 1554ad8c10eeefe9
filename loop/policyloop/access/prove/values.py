"""A CEL value as the solver sees it: which type it has, or that it is an error, each as a formula.

Whatever is not modelled exactly becomes *unclear*: a value that may be anything. More than there is can
hide no difference, so a proof stays a proof; a difference that only an unclear value makes is not confirmed by the PDP.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Literal

import z3

from policyloop.access.prove.syntax import Unreadable

Kind = Literal["null", "bool", "number", "nan", "far", "string", "time", "span", "list", "map", "other"]
"""`time` is a timestamp and `span` a duration. `other` is anything that none of the rest is, or may be.

A `number` is a finite one, as all of JSON are. Over gRPC an attribute may also be a double that is no number (`nan`),
or an infinite one (`far`); each is compared as IEEE 754 says (Cerbos 0.55.0).
"""

INT_MIN, INT_MAX = -(2**63), 2**63 - 1
NO, YES = z3.BoolVal(False), z3.BoolVal(True)


@dataclass(frozen=True, slots=True)
class Value:
    """`error`, else exactly one of `kinds` holds; a kind that is not there does not hold.

    `held` is the content for a kind: a truth value, a real number, whether an infinite one is above all, a string,
    nanoseconds, the elements of a list or the entries of a map. `number` says which of CEL's number types a number has,
    "" when it is not known.
    """

    error: Any
    kinds: Mapping[Kind, Any]
    held: Mapping[Kind, Any] = field(default_factory=dict)
    number: Literal["int", "uint", "double", ""] = ""

    def is_(self, kind: Kind) -> Any:
        """Whether it is of that kind, and no error."""
        found = self.kinds.get(kind, NO)
        return NO if z3.is_false(found) else both(z3.Not(self.error), found)

    @property
    def true(self) -> Any:
        """Whether it is `true`."""
        return both(self.is_("bool"), self.held.get("bool", NO))

    @property
    def false(self) -> Any:
        """Whether it is `false`."""
        return both(self.is_("bool"), z3.Not(self.held.get("bool", NO)))


_PLAIN: tuple[Kind, ...] = ("bool", "number", "far", "string", "time", "span")
"""What is equal where its content is. NaN is not among them: it equals nothing."""


@dataclass(frozen=True, slots=True)
class Elements:
    """A list whose elements are known one by one."""

    items: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Pairs:
    """A map whose keys are known texts."""

    pairs: Mapping[str, Value]


def both(*parts: Any) -> Any:
    """All of them, without what is plain."""
    kept = [part for part in parts if not z3.is_true(part)]
    if any(z3.is_false(part) for part in kept):
        return NO
    return YES if not kept else kept[0] if len(kept) == 1 else z3.And(kept)


def either(*parts: Any) -> Any:
    """Any of them, without what is plain."""
    kept = [part for part in parts if not z3.is_false(part)]
    if any(z3.is_true(part) for part in kept):
        return YES
    return NO if not kept else kept[0] if len(kept) == 1 else z3.Or(kept)


def no(part: Any) -> Any:
    """Not it."""
    return z3.simplify(z3.Not(part)) if z3.is_true(part) or z3.is_false(part) else z3.Not(part)


FAILED = Value(YES, {})
LAST_CHARACTER = 0x2FAFF
"""The last character that a known string may have.

The solver knows no character after U+2FFFF. Texts of a resource have more; so those that are left between the two stand
for all that come after every known one.
"""
EXACT = 2**53
"""Up to here every whole number is a double. CEL compares an int with a double as doubles."""


def string(value: str) -> Any:
    """A known string. Raises `Unreadable` for one with a character after `LAST_CHARACTER`."""
    if any(ord(character) > LAST_CHARACTER for character in value):
        raise Unreadable(f"a character beyond U+{LAST_CHARACTER:X}")
    # The solver reads \\u{...} as an escape.
    return z3.StringVal(value.replace("\\", "\\u{5c}"))


def of_json(value: Any) -> Value:
    """A JSON value as Cerbos hands it to CEL: every number a double."""
    match value:
        case None:
            return Value(NO, {"null": YES})
        case bool():
            return truth(z3.BoolVal(value))
        case int() | float():
            return number(Fraction(value), "double")
        case str():
            return text(string(value))
        case list():
            return Value(NO, {"list": YES}, {"list": Elements(tuple(of_json(item) for item in value))})
        case dict():
            return Value(NO, {"map": YES}, {"map": Pairs({key: of_json(item) for key, item in value.items()})})
    raise TypeError(type(value))


def truth(formula: Any, error: Any = NO) -> Value:
    """A truth value, where it is no error."""
    return Value(error, {"bool": YES}, {"bool": formula})


def decided(true: Any, false: Any) -> Value:
    """`true`, `false`, or an error where neither holds."""
    return truth(true, no(either(true, false)))


def number(value: Fraction | Any, flavour: Literal["int", "uint", "double", ""], error: Any = NO) -> Value:
    """A number, where it is no error."""
    exact = z3.RealVal(f"{value.numerator}/{value.denominator}") if isinstance(value, Fraction) else value
    return Value(error, {"number": YES}, {"number": exact}, flavour)


def text(formula: Any, error: Any = NO) -> Value:
    """A string, where it is no error."""
    return Value(error, {"string": YES}, {"string": formula})


def moment(nanoseconds: Any, error: Any = NO) -> Value:
    """A timestamp, in nanoseconds since 1970, where it is no error."""
    return Value(error, {"time": YES}, {"time": nanoseconds})


def span(nanoseconds: Any, error: Any = NO) -> Value:
    """A duration in nanoseconds, where it is no error."""
    return Value(error, {"span": YES}, {"span": nanoseconds})


def chosen(when: Any, yes: Value, otherwise: Value) -> Value:
    """One of two values. Two different lists or maps become `other`: which of them it is cannot be told any more."""
    kinds: dict[Kind, Any] = {}
    held: dict[Kind, Any] = {}
    lost: list[Any] = []
    for kind in {**yes.kinds, **otherwise.kinds}:
        guard = z3.If(when, yes.kinds.get(kind, NO), otherwise.kinds.get(kind, NO))
        mine, theirs = yes.held.get(kind), otherwise.held.get(kind)
        if mine is None or theirs is None or mine is theirs:
            if mine is not None or theirs is not None:
                held[kind] = theirs if mine is None else mine
        elif kind in ("list", "map"):
            lost.append(guard)
            continue
        else:
            held[kind] = z3.If(when, mine, theirs)
        kinds[kind] = guard
    if lost:
        kinds["other"] = either(kinds.get("other", NO), *lost)
    flavours = {one.number for one in (yes, otherwise) if "number" in one.kinds}
    flavour = flavours.pop() if len(flavours) == 1 else ""
    return Value(z3.If(when, yes.error, otherwise.error), kinds, held, flavour)


def unclear(name: str) -> Value:
    """A value that may be anything at all; the same for the same name."""
    tag = z3.Int(f"{name}#kind")
    kinds: tuple[Kind, ...] = ("null", "bool", "number", "string", "other")
    guards: dict[Kind, Any] = {kind: tag == at for at, kind in enumerate(kinds[:-1], 1)}
    guards["other"] = z3.Or(tag < 0, tag > 4)
    held: dict[Kind, Any] = {
        "bool": z3.Bool(f"{name}#bool"),
        "number": z3.Real(f"{name}#number"),
        "string": z3.String(f"{name}#string"),
    }
    return Value(tag == 0, guards, held)


def unclear_when(when: Any, what: Value, name: str) -> Value:
    """`what`, but anything at all where `when` holds."""
    return what if z3.is_false(when) else chosen(when, unclear(name), what)


def numeric(value: Value) -> Any:
    """Whether it is a number of any sort, NaN and infinite ones too, and no error."""
    return either(*(value.is_(kind) for kind in ("number", "nan", "far")))


def same(left: Value, right: Value) -> tuple[Any, Any]:
    """Whether two values, neither an error, are equal; and where that is unclear."""
    equal, vague = [], []
    for kind in ("null", *_PLAIN):
        guard = both(left.kinds.get(kind, NO), right.kinds.get(kind, NO))
        if not z3.is_false(guard):
            equal.append(guard if kind == "null" else both(guard, left.held[kind] == right.held[kind]))
    for kind in ("list", "map"):
        guard = both(left.kinds.get(kind, NO), right.kinds.get(kind, NO))
        if not z3.is_false(guard):
            held, open_ = _same_parts(left.held[kind], right.held[kind])
            equal.append(both(guard, held))
            vague.append(both(guard, open_))
    parts: tuple[Kind, ...] = ("far", "list", "map", "time", "span", "other")
    for one, other in ((left, right), (right, left)):
        vague.append(both(one.kinds.get("other", NO), either(*(other.kinds.get(kind, NO) for kind in parts))))
    return either(*equal), either(*vague)


def _same_parts(left: Any, right: Any) -> tuple[Any, Any]:
    # A list or a map may hold what does not equal itself, NaN: so it need not equal itself either.
    pairs: Sequence[tuple[Value, Value]]
    if isinstance(left, Elements) and isinstance(right, Elements):
        if len(left.items) != len(right.items):
            return NO, NO
        pairs = list(zip(left.items, right.items, strict=True))
    elif isinstance(left, Pairs) and isinstance(right, Pairs):
        if left.pairs.keys() != right.pairs.keys():
            return NO, NO
        pairs = [(left.pairs[key], right.pairs[key]) for key in left.pairs]
    else:
        return NO, YES
    found = [same(*pair) for pair in pairs]
    return both(*(equal for equal, _ in found)), either(*(vague for _, vague in found))


def member(wanted: Value, items: Iterable[Value]) -> tuple[Any, Any]:
    """Whether `wanted` is one of the items, none of which is an error; and where that is unclear."""
    found = [same(wanted, item) for item in items]
    return either(*(equal for equal, _ in found)), either(*(vague for _, vague in found))


def failing(value: Value, *others: Value) -> Value:
    """`value`, but an error where any of the others is one."""
    return replace(value, error=either(value.error, *(other.error for other in others)))
