"""YAML that every reader takes for the same thing: what could be anything but text is put in quotes."""

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

WIDTH = 110
"""The widest mapping or list that is written on one line, in characters."""

_PLAIN = re.compile(r"[A-Za-z_](?:[A-Za-z0-9_./@()'&+,;?-]| (?=\S))*\Z")
_NOT_TEXT = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_ESCAPED = re.compile("[\x7f-\x9f\xad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff0-\uffff\ue000-\uf8ff]")


def scalar(value: Any, *, in_flow: bool = True) -> str:
    """One value on one line."""
    if isinstance(value, str):
        plain = _PLAIN.match(value) and value.lower() not in _NOT_TEXT and not (in_flow and set(value) & set(",?"))
        return value if plain else quoted(value)
    if isinstance(value, float):
        text = f"{Decimal(repr(value)):f}"
        return text if "." in text else f"{text}.0"
    return json.dumps(value)


def quoted(text: str) -> str:
    """Text in double quotes."""
    return _ESCAPED.sub(lambda found: f"\\u{ord(found.group()):04x}", json.dumps(text, ensure_ascii=False))


def flow(value: Any) -> str:
    """A value of any depth on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    return scalar(value)


def block(value: Any, indent: int = 0, *, open_levels: int = 0, width: int = WIDTH) -> list[str]:
    """The lines of a mapping or list, on one line where that is at most `width` characters.

    Up to `open_levels` deep, mappings are never put on one line.
    """
    if isinstance(value, Mapping):
        pairs = ((f"{scalar(key)}:", item) for key, item in value.items())
    else:
        pairs = (("-", item) for item in value)
    lines: list[str] = []
    for head, item in pairs:
        lines.extend(_entry(head, item, indent, open_levels - 1, width))
    return lines


def _entry(head: str, item: Any, indent: int, open_levels: int, width: int) -> list[str]:
    space = " " * indent
    if not isinstance(item, Mapping | list | tuple):
        return [f"{space}{head} {scalar(item, in_flow=False)}"]
    one_line = f"{space}{head} {flow(item)}"
    if not item:
        return [one_line]
    several = not isinstance(item, Mapping) and any(isinstance(part, Mapping) for part in item)
    if len(one_line) <= width and not several and (open_levels < 0 or not isinstance(item, Mapping)):
        return [one_line]
    inner = block(item, indent + 2, open_levels=open_levels, width=width)
    if head == "-":
        return [f"{space}- {inner[0].lstrip()}", *inner[1:]]
    return [f"{space}{head}", *inner]


def ordered(value: Any) -> Any:
    """Mappings in the order of their keys, at any depth."""
    if isinstance(value, Mapping):
        return {key: ordered(value[key]) for key in sorted(value)}
    return [ordered(item) for item in value] if isinstance(value, list | tuple) else value
