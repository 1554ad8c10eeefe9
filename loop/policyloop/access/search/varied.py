"""Values beside a value: what a search moves to from where it stands."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from policyloop.access.universe.values import OTHER, SHARED, instant

_STEPS = tuple(
    timedelta(seconds=seconds) for seconds in (1, 60, 3600, 4 * 3600, 12 * 3600, 86_400, 7 * 86_400, 31 * 86_400)
)
_MOST_ITEMS = 3
_MOST_DEPTH = 3


def varied(value: Any, depth: int = 0) -> Iterator[Any]:
    """Values that are a little different, of the same type."""
    match value:
        case bool():
            yield not value
        case int() | float():
            yield from (value + 1, value - 1, value * 1.03, value * 0.97, value + 0.5, value * 2, value / 2, -value, 0)
        case str():
            yield from _texts(value)
        case list() | tuple():
            yield from _lists(list(value), depth)
        case dict():
            yield from _maps(value, depth)


def _texts(value: str) -> Iterator[str]:
    moment = instant(value) if "-" in value and ":" in value else None
    if moment is not None:
        for step in _STEPS:
            for other in (moment + step, moment - step):
                yield written_moment(other)
        return
    yield from (f"{value}x", f"x{value}", value[:-1], value[1:], value.swapcase(), "", f"{value}.x", f"{value}/x")
    yield from (value[::-1], value + value, f"{value}\n", f"{value[:-1]}x", f"{value}0")


def _lists(value: list[Any], depth: int) -> Iterator[list[Any]]:
    yield from ([], [*value, OTHER], [*value, SHARED], value[::-1])
    for at, item in enumerate(value[:_MOST_ITEMS]):
        yield value[:at] + value[at + 1 :]
        yield [*value, item]
        if depth < _MOST_DEPTH:
            yield from ([*value[:at], other, *value[at + 1 :]] for other in varied(item, depth + 1))


def _maps(value: dict[str, Any], depth: int) -> Iterator[dict[str, Any]]:
    for name, inner in value.items():
        yield {key: held for key, held in value.items() if key != name}
        if depth < _MOST_DEPTH:
            yield from ({**value, name: other} for other in varied(inner, depth + 1))


def between(low: Any, high: Any, parts: int) -> Iterator[Any]:
    """Values that divide the way from one number or moment to another one."""
    first, last = position(low), position(high)
    if first is None or last is None or first == last:
        return
    for n in range(1, parts):
        at = first + (last - first) * n / parts
        if isinstance(low, str):
            yield written_moment(datetime.fromtimestamp(round(at), UTC))
        else:
            yield round(at, 6)


def position(value: Any) -> float | None:
    """Where a number or a moment stands among its like; None for other values."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if abs(value) < 1e15 else None
    if isinstance(value, str) and ":" in value and "-" in value:
        moment = instant(value)
        return moment.timestamp() if moment is not None and moment.year > 1 else None
    return None


def written_moment(moment: datetime) -> str:
    """As RFC 3339."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
