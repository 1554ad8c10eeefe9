"""Boundaries: on which side of one a request lies, and whether it lies at the very edge."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from policyloop.specification.case_request import CaseRequest, shown
from policyloop.specification.times import day, moment, stretch
from policyloop.specification.vocabulary import Boundary, Condition

_ONE_DAY = timedelta(days=1)
_ONE_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Side:
    """Whether the condition holds, and whether one step further it would be the other way round."""

    holds: bool
    edge: bool


def field_of(condition: Condition) -> str | None:
    """The field that the boundary of a condition is about."""
    if condition.boundary is None:
        return None
    return condition.boundary.field or (condition.looks_at[0] if condition.looks_at else None)


def problem_of(condition: Condition) -> str | None:
    """Why the boundary of a condition cannot be computed, None when it can."""
    boundary = condition.boundary
    if boundary is None:
        return None
    if (boundary.value is None) == (boundary.than is None):
        return "its boundary needs either `value` or `than`"
    if field_of(condition) is None:
        return "its boundary needs a `field`"
    if boundary.value is not None and _measure(boundary.value) is None:
        return f"{shown(boundary.value)} is neither a number, nor a date, nor a timestamp with a time zone"
    timely = isinstance(_measure(boundary.value), datetime)
    for name in ("plus", "step"):
        given = getattr(boundary, name)
        length = _length(given)
        fits = length is not None and (boundary.value is None or isinstance(length, timedelta) == timely)
        if given is not None and not fits:
            return f"`{name}: {given}` does not go with it: a number for numbers, 30d, 12h, 15m or 10s for times"
    step = _length(boundary.step)
    if step is not None and not _above_zero(step):
        return "its `step` is not above zero"
    return None


def side_of(condition: Condition, request: CaseRequest) -> Side | None:
    """Where `request` lies, None when one of the fields is missing or is no number and no time."""
    boundary, field = condition.boundary, field_of(condition)
    if boundary is None or field is None or problem_of(condition):
        return None
    raw = boundary.value if boundary.than is None else request.field(boundary.than)
    left, right = _measure(request.field(field)), _measure(raw)
    plus = _length(boundary.plus)
    step = _step(boundary, raw, request.field(field))
    if isinstance(left, Decimal) and isinstance(right, Decimal):
        if isinstance(plus, timedelta) or isinstance(step, timedelta):
            return None
        return _side(boundary.operator, left - right - (plus or Decimal(0)), step)
    if isinstance(left, datetime) and isinstance(right, datetime):
        if isinstance(plus, Decimal) or isinstance(step, Decimal):
            return None
        return _side(boundary.operator, left - right - (plus or timedelta(0)), step)
    return None


def edges(condition: Condition) -> str:
    """In words, the two values between which the boundary lies."""
    boundary = condition.boundary
    assert boundary is not None
    limit = str(boundary.value) if boundary.than is None else boundary.than
    limit += f" + {boundary.plus}" if boundary.plus is not None else ""
    beyond = "just above" if boundary.operator in ("<=", ">") else "just below"
    return f"{field_of(condition)} at {limit} and {beyond} it"


def _side(operator: str, distance: Any, step: Any) -> Side:
    """`distance` is how far the value lies above the limit."""
    zero = type(distance)(0)
    above, below = zero < distance <= step, -step <= distance < zero
    match operator:
        case "<=":
            return Side(distance <= zero, distance == zero or above)
        case "<":
            return Side(distance < zero, distance == zero or below)
        case ">=":
            return Side(distance >= zero, distance == zero or below)
        case _:
            return Side(distance > zero, distance == zero or above)


def _measure(value: object) -> Decimal | datetime | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(str(value))
    return moment(value) or day(value)


def _length(value: object) -> Decimal | timedelta | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(str(value))
    return stretch(value)


def _above_zero(length: Decimal | timedelta) -> bool:
    return length > timedelta(0) if isinstance(length, timedelta) else length > 0


def _step(boundary: Boundary, limit: object, value: object) -> Decimal | timedelta:
    given = _length(boundary.step)
    if given is not None:
        return given
    if isinstance(_measure(limit), datetime):
        return _ONE_DAY if day(limit) or day(value) else _ONE_SECOND
    if boundary.value is None:
        return Decimal(1)
    exponent = Decimal(str(boundary.value)).normalize().as_tuple().exponent
    return Decimal(10) ** min(exponent, 0) if isinstance(exponent, int) else Decimal(1)
