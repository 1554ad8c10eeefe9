"""Values at and around a constant, of another type, or with something in common with another field."""

import ipaddress
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

SHARED = "s1"
"""A text that two fields have in common."""
OTHER = "zzz"
"""A text that is in no policy."""
ODD_TYPES: tuple[Any, ...] = (None, "", 0, -1, 1, "x", True, False, [], {})
"""What a field may hold where nobody expects it: nothing, other types, empty things."""

_MOST_LENGTH = 600


def around(constant: Any) -> Iterator[Any]:
    """The constant, and its nearest neighbours on both sides."""
    yield constant
    match constant:
        case bool():
            yield not constant
        case int() | float():
            yield from (constant - 1, constant + 1, constant - 0.5, constant + 0.5)
        case str():
            yield from (f"{constant}x", f"x{constant}", constant[:-1], "", constant.swapcase())
        case datetime():
            for step in (timedelta(seconds=1), timedelta(seconds=-1), timedelta(days=1), timedelta(days=-1)):
                with suppress(OverflowError):
                    yield constant + step
        case timedelta():
            yield from (constant + timedelta(seconds=1), constant - timedelta(seconds=1))
        case list():
            yield from ([], [*constant, OTHER], constant[:1], constant[1:])


def compared(operator: str) -> Callable[[Any, Any], bool] | None:
    """What a comparison of CEL says about two values of one type; None for what is no comparison."""
    return {
        "==": _equal,
        "!=": lambda a, b: not _equal(a, b),
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
        ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b,
    }.get(operator)


def _equal(one: Any, other: Any) -> bool:
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def json_of(value: Any) -> Any:
    """A value as JSON has it: a time as RFC 3339, a duration in seconds."""
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case timedelta():
            return f"{value.total_seconds():g}s"
        case bytes():
            return value.decode("latin-1")
        case list():
            return [json_of(item) for item in value]
    return value


def instant(text: str) -> datetime | None:
    """An RFC 3339 time."""
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def lasting(text: str) -> timedelta | None:
    """A duration as CEL writes it, such as `1h30m` or `-10s`."""
    import re

    seconds = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
    if not re.fullmatch(r"-?(?:\d+(?:\.\d+)?(?:h|ms|m|s|us|ns))+", text):
        return None
    parts = re.findall(r"(\d+(?:\.\d+)?)(h|ms|m|s|us|ns)", text)
    try:
        found = timedelta(seconds=sum(float(number) * seconds[unit] for number, unit in parts))
    except OverflowError:
        return None
    return -found if text.startswith("-") else found


def sized(number: Any) -> Iterator[Any]:
    """A list and a text of that size."""
    if isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= _MOST_LENGTH:
        yield [f"e{n}" for n in range(number)]
        yield "x" * number


def addresses(network: str) -> tuple[list[str], list[str]]:
    """Addresses in a network, and just outside of it."""
    try:
        found = ipaddress.ip_network(network, strict=False)
    except ValueError:
        return [], []
    outside = [int(found.network_address) - 1, int(found.broadcast_address) + 1]
    most = 2**found.max_prefixlen
    make = ipaddress.IPv4Address if found.version == 4 else ipaddress.IPv6Address
    return (
        [str(found.network_address), str(found.broadcast_address)],
        [str(make(n)) for n in outside if 0 <= n < most],
    )
