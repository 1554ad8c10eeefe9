"""Takes keys, tokens and passwords out of any text before it reaches the ledger, the screen or a prompt.

Three kinds of secrets go: the values of environment variables whose names have a secret's word in them, and what is
secret in any other by its shape (`environment`); texts of a well-known shape (`shapes`); and what stands behind a
secret's name in a text (`assigned`). Words of a policy, CEL expressions, ids and dates stay (`names`).

A text must be redacted before it is cut: half of an unknown secret is not recognised. A line stays a line.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

from policyloop.redact.environment import known, needles
from policyloop.redact.names import MARK, MIN_SECRET, Named, about, is_secret, named
from policyloop.redact.shapes import shaped

__all__ = ["MARK", "MIN_SECRET", "holds_mark", "redact", "redact_value", "sound_key"]

MAX_DEPTH = 200
"""How deep lists and objects may be nested in `redact_value`."""
_MOST_PASSES = 4
_NAMES = re.compile(r"(?i:pass|pwd|psw|key|secret|token|credential|auth|pat|cred|bearer|cookie|dsn|sas|connection)")
"""Without one of these no name in a text is a secret's."""


def redact(text: str) -> str:
    """`text` with every secret that is recognised replaced by `MARK`."""
    return _redact(text, needles())


def redact_value(value: object) -> Any:
    """A copy of JSON-like data with every key and text redacted, texts also by their key; tuples become lists.

    Raises `ValueError` for what JSON cannot hold (other types, NaN, keys that are no text), and for more than
    `MAX_DEPTH` levels.
    """
    return _redact_value(value, needles(), MAX_DEPTH, None)


def sound_key(text: str) -> bool:
    """Whether a text can be a key at all: printable ASCII, and no blank in it."""
    return text.isascii() and text.isprintable() and " " not in text


def holds_mark(text: str) -> bool:
    """Whether a redacted text was carried over into `text`."""
    return MARK in text


def _redact_value(value: object, forms: tuple[str, ...], depth: int, says: Named | None) -> Any:
    if depth == 0:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, str):
        return MARK if says is not None and is_secret(says, value, quoted=True) else _redact(value, forms)
    if isinstance(value, list | tuple):
        return [_redact_value(item, forms, depth - 1, says) for item in value]
    if isinstance(value, Mapping):
        result: dict[str, Any] = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise ValueError(f"a key is {type(key).__name__}, not text")  # noqa: TRY004
            item_says = _said_by(key, value, says)
            result[_free(_redact(key, forms), result)] = _redact_value(item, forms, depth - 1, item_says)
        return result
    raise ValueError(f"{type(value).__name__} {value!r:.40} is not JSON")


def _said_by(key: str, entry: Mapping[Any, object], above: Named | None) -> Named | None:
    """What the key says of its item, or else the name beside it (`{"name": .., "value": ..}`), or the key above."""
    name = entry.get("name")
    if key == "value" and isinstance(name, str) and (says := named(name)):
        return says
    return named(key) or (None if about(key) else above)


def _free(key: str, taken: Mapping[str, object]) -> str:
    """Two keys that hid different secrets stay two keys."""
    name, number = key, 2
    while name in taken:
        name, number = f"{key} ({number})", number + 1
    return name


def _redact(text: str, forms: tuple[str, ...]) -> str:
    """Once more as long as something goes: what is taken out may bring another name and its value together."""
    for _ in range(_MOST_PASSES):
        before, text = text, _pass(text, forms)
        if text == before:
            break
    return text


def _pass(text: str, forms: tuple[str, ...]) -> str:
    spans = [*known(text, forms), *shaped(text)]
    if _NAMES.search(text):
        from policyloop.redact.assigned import assigned

        spans += assigned(text)
    spans = sorted(_by_lines(text, spans))
    if not spans:
        return text
    parts: list[str] = []
    done = 0
    for start, end in spans:
        if end <= done:
            continue
        if start >= done and not (parts and start == done):
            parts += (text[done:start], MARK)
        done = end
    return "".join((*parts, text[done:]))


def _by_lines(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Each span line by line, without the blanks around, so that no line is lost."""
    result: list[tuple[int, int]] = []
    for start, end in spans:
        at = start
        for line in text[start:end].split("\n"):
            inner = line.strip()
            first = at + line.find(inner)
            if inner and inner != MARK:
                result.append((first, first + len(inner)))
            at += len(line) + 1
    return result
