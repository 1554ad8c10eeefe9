"""Values and their differences in words, for people and for models: short, exact, one line."""

import json
import re
from itertools import islice
from typing import Any

from policyloop.guard.canon import decode, differences, fits
from policyloop.guard.lookalike import odd_letters

MOST_DIFFERENCES = 3
MOST_CHARACTERS = 160

_BARE = re.compile(r"[A-Za-z_][\w./@-]*\Z", re.ASCII)
_WORDS = frozenset(("null", "true", "false", "nothing", "yes", "no", "on", "off"))


def part_change(before: str, after: str) -> tuple[str, str]:
    """How one part of the inputs changed: `roles: [manager]` and `roles: [admin, manager]`."""
    old, new = decode(before), decode(after)
    found = [one for one in differences(_whole(old), _whole(new)) if not fits(one[1], one[2])]
    shown = [(_line(path, a), _line(path, b, a)) for path, a, b in islice(found, MOST_DIFFERENCES)]
    more = f"; {len(found) - MOST_DIFFERENCES} more" if len(found) > MOST_DIFFERENCES else ""
    return "; ".join(a for a, _ in shown) + more, "; ".join(b for _, b in shown) + more


def show(value: Any) -> str:
    """A value in flow style, short enough for a line."""
    text = _flow(value)
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 3] + "..."


def named(before: str, after: str) -> str:
    """`after` as a name, with the code points of letters that only look like those of `before`."""
    odd = odd_letters(before, after)
    return f"{show(after)} ({odd})" if odd else show(after)


def _line(path: str, value: Any, before: Any = ...) -> str:
    odd = odd_letters(*(_flow(one).replace('"', "") for one in (before, value)))
    text = f"{path}: {show(value)}" if path else show(value)
    return f"{text} ({odd})" if odd else text


def _whole(value: Any) -> Any:
    """Nothing at all compares as an empty mapping; what is known of a collection, as that collection."""
    if value is None:
        return {}
    return value[1] if isinstance(value, list) and len(value) == 2 and type(value[0]) is int else value


def _flow(value: Any) -> str:
    if value is ...:
        return "nothing"
    if isinstance(value, str):
        bare = _BARE.match(value) and value.lower() not in _WORDS
        return value if bare else json.dumps(value, ensure_ascii=not value.isprintable())
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return "unreadable" if type(value) is int else json.dumps(value)
