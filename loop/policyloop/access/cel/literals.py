"""What a literal of CEL stands for, as cel-go reads it."""

import math
import re

from policyloop.access.cel.words import NotCel, Word

INT_MIN, INT_MAX, UINT_MAX = -(2**63), 2**63 - 1, 2**64 - 1
_ESCAPE = re.compile(r"\\(?:[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.))", re.DOTALL)
_PLAIN = {**dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True)), **{sign: sign for sign in "\\?\"'`"}}


def number_of(word: Word, *, negative: bool = False) -> int | float:
    """The value of a number. Raises `NotCel` for one that its type cannot hold."""
    if word.kind == "double":
        double = float(word.text)
        if math.isinf(double):
            raise NotCel(f"{word.text} is beyond all doubles")
        return -double if negative else double
    digits = word.text.rstrip("uU") if word.kind == "uint" else word.text
    value = int(digits[2:], 16) if digits.startswith("0x") else int(digits)
    value = -value if negative else value
    least, most = (0, UINT_MAX) if word.kind == "uint" else (INT_MIN, INT_MAX)
    if not least <= value <= most:
        raise NotCel(f"{word.text} is beyond all whole numbers")
    return value


def text_of(written: str) -> str | bytes:
    """The value of a text or of bytes. Raises `NotCel` for an escape that names no character."""
    # cel-go does this before anything else, also in raw texts.
    written = written.replace("\r\n", "\n").replace("\r", "\n")
    binary = written[0] in "bB"
    body = written[binary:]
    raw = body[0] in "rR"
    body = body[raw:]
    width = 3 if len(body) >= 6 and body[:3] in ('"""', "'''") else 1
    inner = body[width:-width]
    if binary:
        return inner.encode("utf-8") if raw else b"".join(_bytes_of(inner))
    return inner if raw else _ESCAPE.sub(_unescaped, inner)


def _unescaped(match: re.Match[str]) -> str:
    digits = match[1] or match[2] or match[3]
    if not digits and not match[4]:
        return _PLAIN[match[5]]
    point = int(digits, 16) if digits else int(match[4], 8)
    if point > 0x10FFFF or 0xD800 <= point <= 0xDFFF:
        raise NotCel(f"{match[0]} is no character")
    return chr(point)


def _bytes_of(inner: str) -> list[bytes]:
    parts: list[bytes] = []
    at = 0
    for match in _ESCAPE.finditer(inner):
        parts.append(inner[at : match.start()].encode("utf-8"))
        at = match.end()
        if match[2] or match[3]:
            raise NotCel(f"{match[0]} stands in bytes")
        if match[1] or match[4]:
            parts.append(bytes([int(match[1], 16) if match[1] else int(match[4], 8)]))
        else:
            parts.append(_PLAIN[match[5]].encode())
    return [*parts, inner[at:].encode("utf-8")]
