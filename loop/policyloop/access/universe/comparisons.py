"""A comparison of a field with a constant, with the moment, or with another field."""

from collections.abc import Callable
from datetime import timedelta
from itertools import islice
from typing import Any

from policyloop.access.cel import Call, Node
from policyloop.access.universe.fields import NOW, WHO, Assignment, Path
from policyloop.access.universe.near import Guesses, Near, known_values
from policyloop.access.universe.solve import solve, together
from policyloop.access.universe.terms import Term, constant, made_of, term_of
from policyloop.access.universe.values import OTHER, SHARED, around, compared, json_of

_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def comparison(operator: str, left: Node, right: Node, near: Near) -> Guesses | None:
    for one, other, sign in ((left, right, operator), (right, left, _FLIPPED[operator])):
        known, value = constant(other)
        if known:
            return _with_constant(one, sign, value, near)
    return _between(operator, left, right, near)


def _with_constant(node: Node, operator: str, value: Any, near: Near) -> Guesses | None:
    since = _age(node)
    if since is not None and isinstance(value, timedelta):
        return _aged(since, operator, value, near)
    found, holds = term_of(node), compared(operator)
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
            first, second = term_of(left), term_of(right)
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
    first, second, holds = term_of(left), term_of(right), compared(operator)
    if holds is None:
        return None
    if first is None or second is None:
        return _both_solved(left, right, holds, near)
    if NOW in (first.path, second.path):
        return _moments(first, second, holds, near)
    if operator == "==":
        return _alike(first, second, near)
    if operator == "!=":
        alike, unlike = _alike(first, second, near)
        return unlike, alike
    return _ordered(first, second, holds, near)


def _alike(first: Term, second: Term, near: Near) -> Guesses:
    """Two fields of one value, and of two."""
    # Who asks stays the same as far as can be: then one call asks about many resources.
    about_who_asks = WHO in (first.path, second.path)
    values = known_values(WHO, near) if about_who_asks else (*_of_both(first, second, near), SHARED)
    alike: list[Assignment] = []
    unlike: list[Assignment] = []
    for value in values:
        both: Assignment = {first.path: value, second.path: value}
        alike.append(both)
        unlike += [{**both, path: OTHER} for path in (first.path, second.path) if path != WHO]
    return alike, unlike


def _ordered(first: Term, second: Term, holds: Callable[[Any, Any], bool], near: Near) -> Guesses:
    """Two fields, the first smaller than, as large as and larger than the second."""
    true: list[Assignment] = []
    false: list[Assignment] = []
    numbers = [value for value in _of_both(first, second, near) if type(value) in (int, float)]
    pairs: list[tuple[Any, Any]] = [(base + step, base) for base in (*numbers, 5) for step in (0, 1, -1)]
    early, late = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
    pairs += [(late, early), (early, late), (early, early)]
    for left, right in pairs:
        (true if holds(left, right) else false).append({first.path: left, second.path: right})
    return true, false


def _of_both(first: Term, second: Term, near: Near) -> tuple[Any, ...]:
    return (*known_values(first.path, near), *known_values(second.path, near))


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
            into.extend(islice(together([made_of(left, base)[:4], made_of(right, value)[:4]]), 6))
    return (true, false) if true or false else None


def _moments(one: Term, other: Term, holds: Callable[[Any, Any], bool], near: Near) -> Guesses:
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
