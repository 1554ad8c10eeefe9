"""Moments and durations of which a part is wanted: the hour, the weekday, in some time zone."""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DAY = datetime(2026, 1, 4, 12, 30, 30, tzinfo=UTC)
"""A Sunday, the first day of a week of CEL."""
_DURATION_PARTS = {"getHours": 3600.0, "getMinutes": 60.0, "getSeconds": 1.0, "getMilliseconds": 0.001}
_OFFSET = re.compile(r"([+-]?)(\d\d):(\d\d)\Z")

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

PARTS = frozenset(_PARTS)
"""The functions that give a part of a moment."""


def moments(part: str, value: Any, zone: str) -> Iterator[datetime | timedelta]:
    """Moments, and durations, of which `t.getHours("Asia/Tokyo")`, or another part, gives `value`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    yield from (_as_utc(moment, zone) for moment in _PARTS[part](int(value)))
    if part in _DURATION_PARTS:
        yield timedelta(seconds=float(value) * _DURATION_PARTS[part])


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
