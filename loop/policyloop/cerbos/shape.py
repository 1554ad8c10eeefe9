"""Taking the compiler's JSON apart without believing in its shape."""

import json
from collections.abc import Mapping
from typing import Any

from policyloop.cerbos.outline import Place

Object = Mapping[str, Any]
_MOST = 10_000_000


class Misshapen(ValueError):
    """JSON that is not what the compiler writes; the text says what stands where."""


def obj(value: object, what: str) -> Object:
    """`value` as an object; an empty one for null. Raises `Misshapen`."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Misshapen(f"{what} is no object: {whole(value)}")
    return value


def objects(value: object, what: str) -> list[Object]:
    """`value` as a list of objects; an empty one for null. Raises `Misshapen`."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise Misshapen(f"{what} is no list: {whole(value)}")
    return [obj(item, what) for item in value]


def text(value: object, what: str) -> str:
    """`value` as text; nothing for null. Halves of characters, which are no UTF-8, become question marks.

    Raises `Misshapen`.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Misshapen(f"{what} is no text: {whole(value)}")
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


def place(value: object) -> Place | None:
    """A `position` of the compiler; None when it has no line. Raises `Misshapen`."""
    position = obj(value, "position")
    line, column = (_number(position.get(key)) for key in ("line", "column"))
    return Place(line, column or 1, None) if line else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < _MOST else None


def whole(value: object) -> str:
    """`value` as JSON on one line."""
    try:
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    except (RecursionError, ValueError):
        return "a value nested too deep to show"
