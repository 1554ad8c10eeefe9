"""Values in one canonical text, so that two tests ask the same thing exactly when their texts are equal.

Canonical text is JSON with sorted keys in which every number is a float, as Cerbos keeps numbers as doubles. The
integer 0 can therefore not be a value: it stands for "not known" (`UNSEEN`), and `[0, {...}]` or `[0, [...]]` for a
collection that may hold more than what is written.
"""

import json
from collections.abc import Iterator
from typing import Any

from policyloop.yaml_text.scalars import Plain
from policyloop.yaml_text.tree import PartialList, PartialMap, Tree

UNSEEN = 0
UNSEEN_TEXT = "0"

_dump = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False).encode


class Unusable(ValueError):
    """A value that Cerbos refuses anywhere in a test: `.inf`, `.nan`."""


def encode(value: Any) -> str:
    """The canonical text of a value made by `value_of`, or of a dict, list and text of such."""
    return _dump(value)


def decode(text: str) -> Any:
    """The value behind a canonical text."""
    return json.loads(text)


def value_of(tree: Tree) -> Any:
    """A tree as a free value (attributes, claims, globals, outputs). Raises `Unusable`."""
    if isinstance(tree, str):
        return str(tree) if type(tree) is not str else tree
    if isinstance(tree, Plain):
        return _number(tree)
    if isinstance(tree, dict):
        found = {key: value_of(item) for key, item in tree.items()}
        return [UNSEEN, found] if isinstance(tree, PartialMap) else found
    if isinstance(tree, list):
        items = [value_of(item) for item in tree]
        return [UNSEEN, items] if isinstance(tree, PartialList) else items
    return UNSEEN


def _number(plain: Plain) -> bool | float | None:
    value = plain.value
    if not plain.usable:
        raise Unusable(f"{plain.text} is not a value that Cerbos takes")
    # Before `float`: to Python `True` is 1, to Cerbos it is not.
    if value is None or value is True or value is False:
        return value
    return float(value)


def seen(value: Any) -> bool:
    """Whether nothing in a decoded value is unknown."""
    if isinstance(value, dict):
        return all(map(seen, value.values()))
    if isinstance(value, list):
        return all(map(seen, value))
    return not _unseen(value)


def fits(pattern: Any, value: Any) -> bool:
    """Whether `value` can be what `pattern` is, where `pattern` says that it does not know everything."""
    partial, pattern = _opened(pattern)
    more, value = _opened(value)
    if _unseen(pattern):
        return True
    if isinstance(pattern, dict) and isinstance(value, dict):
        known = all(fits(item, value[key]) if key in value else _unseen(item) for key, item in pattern.items())
        return known and (partial or (not more and value.keys() <= pattern.keys()))
    if isinstance(pattern, list) and isinstance(value, list):
        # In their order, others may stand between: what was read of the list was read in its order.
        if partial:
            rest = iter(value)
            return all(any(fits(item, other) for other in rest) for item in pattern)
        return not more and len(pattern) == len(value) and all(map(fits, pattern, value))
    # By type as well: `1.0 == True` in Python, and a test that asks for `true` must not be met by one that asks for 1.
    return not _unseen(value) and type(pattern) is type(value) and bool(pattern == value)


def differences(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two decoded values differ: path, before, after; `...` (Ellipsis) where one of them has nothing."""
    if before == after and type(before) is type(after):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            inner = f"{path}.{key}" if path else key
            yield from differences(before.get(key, ...), after.get(key, ...), inner)
    else:
        yield path, before, after


def _unseen(value: Any) -> bool:
    return type(value) is int


def _opened(value: Any) -> tuple[bool, Any]:
    partial = False
    # No list of a document looks so: each number in it is a float.
    while isinstance(value, list) and len(value) == 2 and _unseen(value[0]):
        partial, value = True, value[1]
    return partial, value
