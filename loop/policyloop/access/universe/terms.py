"""An expression as a constant, or as a function of one field that can be undone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from policyloop.access.cel import Call, Const, ListOf, Node, Select
from policyloop.access.universe.fields import NOW, Assignment, Path, path_of, settable
from policyloop.access.universe.solve import solve
from policyloop.access.universe.values import OTHER, instant, json_of, lasting, sized

_SAME_VALUE = frozenset(("int", "double", "uint", "bool", "string", "lowerAscii", "upperAscii", "trim", "dyn"))


@dataclass(frozen=True, slots=True)
class Term:
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


def term_of(node: Node) -> Term | None:
    """An expression as a function of one field."""
    path = path_of(node)
    if path is not None:
        return Term(path, _itself) if settable(path) else None
    match node:
        case Call(function="now", args=(), target=None):
            return Term(NOW, _itself)
        case (
            Call(function="size", args=(inner,), target=None) | Call(function="size", args=(), target=Select() as inner)
        ):
            found = term_of(inner)
            return Term(found.path, sized) if found else None
        case Call(function="[]", args=(inner, Const(value=int(index)))) if index in (0, 1):
            found = term_of(inner)
            return Term(found.path, lambda value: iter([[*[OTHER] * index, json_of(value)]])) if found else None
        case Call(function="timestamp" | "duration", args=(inner,), target=None):
            return term_of(inner)
        case Call(function="timeSince", args=(), target=inner) if inner is not None:
            return term_of(Call("-", (Call("now", ()), inner)))
        case Call(function=name, args=(inner,), target=None) if name in _SAME_VALUE:
            return term_of(inner)
        case Call(function=name, args=(), target=inner) if name in _SAME_VALUE and inner is not None:
            return term_of(inner)
        case Call(function="+" | "-" as sign, args=(left, right)):
            return _shifted(sign, left, right)
    return None


def _shifted(sign: str, left: Node, right: Node) -> Term | None:
    """A field plus or minus a constant."""
    if sign == "+" and isinstance(right, Const) and isinstance(right.value, str):
        return _followed(left, right.value)
    for inner, other, swapped in ((left, right, False), (right, left, True)):
        known, by = constant(other)
        found = term_of(inner)
        if known and found and isinstance(by, int | float | timedelta | datetime) and not isinstance(by, bool):

            def undone(value: Any, *, by: Any = by, swapped: bool = swapped, found: Term = found) -> Iterator[Any]:
                try:
                    wanted = value - by if sign == "+" else by - value if swapped else value + by
                except (TypeError, OverflowError):
                    return
                yield from found.inverse(wanted)

            return replace(found, inverse=undone)
    return None


def _followed(left: Node, ending: str) -> Term | None:
    """A text and a fixed ending: mostly a date that is made a time of."""
    found = term_of(left)
    if found is None:
        return None

    def undone(value: Any) -> Iterator[Any]:
        text = json_of(value)
        if isinstance(value, datetime) and ending.startswith("T"):
            yield from found.inverse(text.partition("T")[0])
        elif isinstance(text, str) and text.endswith(ending):
            yield from found.inverse(text.removesuffix(ending))

    return replace(found, inverse=undone)


def made_of(node: Node, value: Any) -> list[Assignment]:
    """What makes an expression a value: by its one field, or else by undoing it."""
    found = term_of(node)
    return found.assigned(value) if found else solve(node, value)
