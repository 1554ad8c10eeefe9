"""Moments, days and stretches of time, as people write them in a spec."""

import re
from datetime import UTC, datetime, timedelta

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?(?:Z|[+-]\d{2}:\d{2})\Z", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
_STRETCH = re.compile(r"(-?)(\d{1,6})(d|h|m|s)\Z", re.ASCII)
_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def moment(text: object) -> datetime | None:
    """A timestamp with a time zone (2026-01-31T08:00:00Z) in UTC, None for anything else."""
    if not isinstance(text, str) or not _MOMENT.match(text):
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def day(text: object) -> datetime | None:
    """A date (2026-01-31) as its first moment in UTC, None for anything else."""
    if not isinstance(text, str) or not _DAY.match(text):
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None


def stretch(text: object) -> timedelta | None:
    """30d, 12h, 15m, 10s or -1d, None for anything else."""
    found = _STRETCH.match(text) if isinstance(text, str) else None
    if not found:
        return None
    length = timedelta(**{_UNITS[found[3]]: int(found[2])})
    return -length if found[1] else length


def written(when: datetime) -> str:
    """A moment in UTC as Cerbos takes it."""
    return when.isoformat().replace("+00:00", "Z")
