"""Canonical JSON as RFC 8785 says: one value, one text, so that one hash means one value.

Keys are sorted by their UTF-16 units, numbers are written as ECMAScript writes them, and nothing is escaped that need
not be.
"""

import json.encoder
import math
from collections.abc import Mapping
from typing import Any

EXACT = 2**53 - 1
"""The greatest whole number that every reader of JSON keeps as it is; beyond it two numbers become one."""

_quoted = json.encoder.encode_basestring


class NotCanonical(ValueError):
    """A value that has no canonical form: not JSON, not a finite number, half a character, nested too deep."""


def canonical(value: object) -> bytes:
    """The canonical form in UTF-8. Raises `NotCanonical`."""
    try:
        return _text(value).encode()
    except UnicodeEncodeError:
        raise NotCanonical("a text holds half of a surrogate pair") from None
    except RecursionError:
        raise NotCanonical("nested too deep") from None


def sound(value: object) -> Any:
    r"""The value as one that has a canonical form, so that whatever a client sent can be recorded.

    Half a character and NUL are written out (`\ud800` as six characters), a number that JSON readers do not keep
    becomes its text, a key that is no text too. Anything that is not JSON becomes its `repr`.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _whole_characters(value)
    if isinstance(value, int):
        return int(value) if abs(value) <= EXACT else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return _sound_object(value)
    if isinstance(value, list | tuple):
        return [sound(item) for item in value]
    return _whole_characters(repr(value))


def _sound_object(value: Mapping[Any, object]) -> dict[str, Any]:
    """Two keys that become the same text stay two."""
    members: dict[str, Any] = {}
    for key, item in value.items():
        name = _whole_characters(key if isinstance(key, str) else repr(key))
        free, number = name, 2
        while free in members:
            free, number = f"{name} ({number})", number + 1
        members[free] = sound(item)
    return members


def _whole_characters(text: str) -> str:
    if text.isascii():
        # Databases end a text, or refuse it, where a NUL stands.
        return text.replace("\0", "\\u0000") if "\0" in text else text
    return text.replace("\0", "\\u0000").encode("utf-8", "backslashreplace").decode()


def _text(value: object) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return _whole(value)
    if isinstance(value, float):
        return number(value)
    if isinstance(value, Mapping):
        return _object(value)
    if isinstance(value, list | tuple):
        return "[" + ",".join([_text(item) for item in value]) + "]"
    raise NotCanonical(f"{type(value).__name__} is not JSON")


def _object(value: Mapping[Any, object]) -> str:
    for key in value:
        if not isinstance(key, str):
            raise NotCanonical(f"a key is {type(key).__name__}, not text")
    names = sorted(value, key=_units)
    return "{" + ",".join([f"{_quoted(name)}:{_text(value[name])}" for name in names]) + "}"


def _units(name: str) -> bytes | str:
    """What keys are sorted by. Code points and UTF-16 units come in one order but beyond U+FFFF."""
    return name.encode("utf-16-be", "surrogatepass")


def _whole(value: int) -> str:
    if abs(value) > EXACT:
        raise NotCanonical(f"{value} is beyond what a double keeps")
    return str(int(value))


def number(value: float) -> str:
    """A double as ECMAScript's `Number::toString` writes it. Raises `NotCanonical` for what is not finite."""
    if not math.isfinite(value):
        raise NotCanonical(f"{value} is no number of JSON")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    digits, point = _shortest(abs(value))
    count = len(digits)
    if count <= point <= 21:
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if count > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{point - 1:+d}"


def _shortest(value: float) -> tuple[str, int]:
    """The shortest digits that read back as the double, and where the point stands: 0.d1d2.. times ten to it.

    Python's `repr` has the same digits as ECMAScript; only how it sets them differs.
    """
    mantissa, _, exponent = repr(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    leading = len(whole + fraction) - len(digits)
    point = len(whole) - leading + int(exponent or 0)
    return digits.rstrip("0"), point
