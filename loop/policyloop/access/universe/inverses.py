"""What the argument of a function may be where the function gives a wanted value."""

import base64
import binascii
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from policyloop.access.cel import Call, Const
from policyloop.access.universe.values import OTHER

_MOST_LENGTH = 400
_NUMBERS = ("int", "double", "uint", "abs", "ceil", "floor", "round", "greatest", "least", "sqrt")
_TEXTS = ("string", "bytes", "lowerAscii", "upperAscii", "trim", "hierarchy", "spiffeID", "id", "name")
_OTHERS = ("bool", "dyn", "timestamp", "duration", "orValue", "value", "first", "last", "distinct", "sort", "flatten")
_SAME = frozenset((*_NUMBERS, *_TEXTS, *_OTHERS))
"""Functions that give some value back as it is, so that it is worth a try as the argument."""


def arguments(call: Call, value: Any) -> Iterator[Any]:
    """What the argument may be where a function gives `value`."""
    fixed = [one.value for one in call.args if isinstance(one, Const)]
    if call.function in _SAME:
        yield from _alike(call.function, value)
    elif fixed and type(fixed[0]) is int:
        yield from _from_a_place(call.function, value, fixed[0])
    elif fixed and isinstance(fixed[0], str):
        yield from _by_a_text(call.function, value, [text for text in fixed if isinstance(text, str)])
    else:
        yield from _whole(call.function, value)


def _from_a_place(name: str, value: Any, at: int) -> Iterator[Any]:
    if not 0 <= at <= _MOST_LENGTH:
        return
    match name, value:
        case "charAt" | "substring", str():
            yield from ("x" * at + value, "x" * at + value + "x")
        case "slice", list():
            yield [*[OTHER] * at, *value]


def _by_a_text(name: str, value: Any, by: Sequence[str]) -> Iterator[Any]:
    match name, value:
        case "indexOf" | "lastIndexOf", int() if value <= _MOST_LENGTH:
            yield "x" * max(value, 0) + (by[0] if value >= 0 else "")
        case "split", list() if all(isinstance(part, str) for part in value):
            yield by[0].join(value)
        case "join", str():
            yield value.split(by[0]) if by[0] else [value]
        case "replace", str() if len(by) > 1:
            yield value
            yield value.replace(by[1], by[0]) if by[1] else f"{value}{by[0]}"


def _whole(name: str, value: Any) -> Iterator[Any]:
    match name, value:
        case "reverse", str() | list():
            yield value[::-1]
        case "join", str():
            yield [value]
        case "decode", str() | bytes():
            yield base64.b64encode(value.encode() if isinstance(value, str) else value).decode()
        case "encode", str():
            with suppress(binascii.Error, UnicodeDecodeError):
                yield base64.b64decode(value, validate=True).decode()
        case "path", str():
            yield f"spiffe://td.example{value}"
        case "trustDomain", str():
            yield from (f"spiffe://{value}/x", f"spiffe://{value}")


def _alike(name: str, value: Any) -> Iterator[Any]:
    yield value
    match name, value:
        case "lowerAscii" | "upperAscii", str():
            yield from (value.upper(), value.lower())
        case "trim", str():
            yield f" {value} "
        case "bytes" | "string", bytes():
            yield value.decode("latin-1")
        case "int" | "double" | "uint", int() | float():
            yield f"{value:g}"
        case "string", str():
            with suppress(ValueError):
                yield float(value) if "." in value else int(value)
        case "first" | "flatten", _:
            yield [value]
        case "last", _:
            yield [OTHER, value]
        case "abs", int() | float():
            yield -value
        case "id" | "name" | "spiffeID", str():
            yield f"spiffe://{value.removeprefix('spiffe://')}"
