"""What one side of an operator must be for the whole to have a wanted value."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from policyloop.access.universe.values import json_of

_MOST_SPLITS = 12
_DAY = datetime(2026, 1, 4, 12, 30, 30, tzinfo=UTC)


def missing(sign: str, value: Any, known: Any, *, known_left: bool) -> Any:
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


def pairs(sign: str, value: Any) -> Iterator[tuple[Any, Any]]:
    """Two operands, neither of them known."""
    if isinstance(value, str | list):
        if sign == "+":
            yield from _parts(value)
    elif isinstance(value, int | float):
        yield from _numbers(sign, value)
    elif isinstance(value, datetime):
        yield value - timedelta(hours=1) if sign == "+" else value + timedelta(hours=1), timedelta(hours=1)
    elif isinstance(value, timedelta) and sign == "-":
        yield _DAY + value, _DAY


def _parts(value: Any) -> Iterator[tuple[Any, Any]]:
    """A text or a list in two."""
    yield from ((value[:at], value[at:]) for at in range(min(len(value), _MOST_SPLITS) + 1))


def _numbers(sign: str, value: float) -> Iterator[tuple[float, float]]:
    match sign:
        case "+":
            yield from ((value - 1, 1), (value, 0), (value / 2, value / 2), (0, value))
        case "-":
            yield from ((value + 1, 1), (value, 0))
        case "*":
            yield from ((value, 1), (1, value), (value / 2, 2), (2, value / 2))
        case "/":
            yield from ((value, 1), (value * 2, 2))
        case "%":
            yield value, value + 1
