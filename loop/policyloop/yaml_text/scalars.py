"""What a plain scalar of a test file is to Cerbos: text, a number, a truth value or nothing.

Cerbos 0.55.0 reads YAML with goccy/go-yaml 1.19.2, which is neither YAML 1.1 nor quite 1.2: `on` and `1e3` are text,
`0777` and `0o777` are 511, `0b11` is 3, `1_000` is 1000, `5.` is 5, `.inf` and `.nan` cannot be used at all. Each rule
below was read off the binary (see `tests/test_guard_scalars.py`).
"""

import re
from functools import lru_cache
from typing import NamedTuple

MAX_UNSIGNED = 2**64 - 1
MIN_SIGNED = -(2**63)
MAX_REMEMBERED = 64
"""Longer texts are not kept in memory, in characters. No number of 64 bits has more digits either."""

_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NO_VALUE = frozenset(f"{sign}{word}" for sign in ("", "-") for word in (".inf", ".Inf", ".INF")) | {
    ".nan",
    ".NaN",
    ".NAN",
}
_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z")
_INTEGER = {
    16: re.compile(r"[0-9a-fA-F]+\Z"),
    10: re.compile(r"[0-9]+\Z"),
    8: re.compile(r"[0-7]+\Z"),
    2: re.compile(r"[01]+\Z"),
}


class Plain(NamedTuple):
    """A plain scalar that is not text: as it is written, and its value. `usable` is False for `.inf` and `.nan`."""

    text: str
    value: bool | int | float | None
    usable: bool = True


def resolve(text: str) -> str | Plain:
    """The value of the plain scalar `text`."""
    return _remembered(text) if len(text) <= MAX_REMEMBERED else _resolve(text)


def _resolve(text: str) -> str | Plain:
    if text in _WORDS:
        return Plain(text, _WORDS[text])
    if text[0] not in "0123456789+-.":
        return text
    if text in _NO_VALUE:
        return Plain(text, None, usable=False)
    number = _number(text)
    return text if number is None else Plain(text, number)


_remembered = lru_cache(maxsize=4096)(_resolve)


def _number(text: str) -> int | float | None:
    digits = text.removeprefix("+").removeprefix("-").replace("_", "")
    sign = "-" if text.startswith("-") else ""
    dotted = text.count(".")
    base = {"0x": 16, "0o": 8, "0b": 2}.get(digits[:2])
    if base:
        digits = digits[2:]
    elif not dotted:
        base = 8 if len(digits) > 1 and digits[0] == "0" else 10
    if base:
        return _integer(sign, digits, base)
    if dotted == 1 and _FLOAT.match(sign + digits):
        value = float(sign + digits)
        return value if abs(value) != float("inf") else None
    return None


def _integer(sign: str, digits: str, base: int) -> int | None:
    if not _INTEGER[base].match(digits) or len(digits.lstrip("0")) > MAX_REMEMBERED:
        return None
    value = int(sign + (digits.lstrip("0") or "0"), base)
    return value if MIN_SIGNED <= value <= MAX_UNSIGNED else None
