"""Moments: RFC 3339 texts, and durations as Go writes them, in nanoseconds."""

import re
from datetime import UTC, datetime, timedelta
from fractions import Fraction

_SECOND = 1_000_000_000
FIRST_MOMENT, LAST_MOMENT = -62_135_596_800 * _SECOND, 253_402_300_800 * _SECOND - 1
"""The years 1 to 9999, in nanoseconds since 1970: what CEL takes for a timestamp."""
FIRST_NOW, LAST_NOW = 946_684_800 * _SECOND, 7_258_118_400 * _SECOND
"""The years 2000 to 2199: when a question may be asked."""
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")
_MAYBE = re.compile(r"\d{4}-")
_DURATION = re.compile(r"([+-]?)((?:\d+(?:\.\d+)?(?:ns|us|µs|μs|ms|s|m|h))+)")
_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
LONGEST = 2**63 - 1
"""The longest duration, in nanoseconds."""


def nanoseconds_of(written: str) -> int | None:
    """The moment that an RFC 3339 text names; None for one that is not read here for sure."""
    # `fromisoformat` alone takes far more than RFC 3339; what is not surely one is left open, not refused.
    match = _RFC3339.fullmatch(written)
    if match is None:
        return None
    try:
        whole = datetime.fromisoformat(match[1] + match[3].replace("Z", "+00:00")).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    seconds = (whole - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    return seconds * _SECOND + int((match[2] or "").ljust(9, "0"))


def written_as(nanoseconds: int) -> str:
    """A moment as an RFC 3339 text."""
    seconds, rest = divmod(nanoseconds, _SECOND)
    whole = datetime(1970, 1, 1) + timedelta(seconds=seconds)
    fraction = f".{rest:09}".rstrip("0") if rest else ""
    return f"{whole.isoformat()}{fraction}Z"


def no_moment(written: str) -> bool:
    """Whether a text is surely no RFC 3339 moment."""
    return _MAYBE.match(written) is None


def length_of(written: str) -> int | None:
    """The length of a duration; None for one that is not read here for sure."""
    match = _DURATION.fullmatch(written)
    if match is None:
        return None
    parts = re.findall(r"([\d.]+)([a-zµμ]+)", match[2])
    total = sum((Fraction(amount) * _UNITS[unit] for amount, unit in parts), Fraction(0))
    # A part of a nanosecond, or too long for 64 bits: Go rounds or refuses, and which is not known here.
    if total.denominator != 1 or total > LONGEST:
        return None
    return int(-total if match[1] == "-" else total)
