"""Edits of a text that leave every other line where it was."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from policyloop.access.source.tree import Node
from policyloop.yaml_text.writing import quoted

_SAFE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
_NOT_TEXT = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_REST = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")


@dataclass(frozen=True, slots=True)
class Splice:
    """Put `new` in place of the characters from `start` to before `end`."""

    start: int
    end: int
    new: str


def spliced(text: str, splices: Iterable[Splice]) -> str:
    """`text` after all `splices`, which do not touch each other."""
    for one in sorted(splices, key=lambda splice: splice.start, reverse=True):
        text = text[: one.start] + one.new + text[one.end :]
    return text


def rewritten(text: str, node: Node, value: str) -> Splice:
    """Another scalar in place of a scalar, in quotes unless it was written without and needs none."""
    bare = node.plain and _SAFE.match(value) and value.lower() not in _NOT_TEXT
    return _kept(text, node.start, node.end, value if bare else quoted(value))


def as_list(text: str, key: Node, node: Node, values: Iterable[str]) -> Splice:
    """A list of these texts, on one line, in place of the value of `key`."""
    new = f"[{', '.join(quoted(value) for value in values)}]"
    if node.flow:
        return _kept(text, node.start, node.end, new)
    return _kept(text, _colon(text, key), node.end, f" {new}")


def without_item(text: str, key: Node, node: Node, index: int) -> Splice:
    """The list `node`, the value of `key`, without one of its items."""
    if len(node.items) == 1:
        return as_list(text, key, node, ())
    item = node.items[index]
    if node.flow:
        return _without(text, item.start, item.end)
    before = node.items[index - 1].end if index else node.start
    match = _REST.match(text, before)
    dash = match.end() if match else item.start
    return _kept(text, dash, max(item.end, dash + 1), "")


def without_pair(text: str, holder: Node, key: Node, value: Node) -> Splice:
    """The map `holder` without one of its keys."""
    end = max(value.end, _colon(text, key))
    if len(holder.pairs) == 1:
        return _kept(text, holder.start, max(end, holder.end), "{}")
    return _without(text, key.start, end) if holder.flow else _kept(text, key.start, end, "")


def _without(text: str, start: int, end: int) -> Splice:
    """One part of a flow collection, with the comma after it or else before it."""
    match = _REST.match(text, end)
    after = match.end() if match else end
    if text[after : after + 1] == ",":
        return _kept(text, start, after + 1, "")
    head = text[:start].rstrip()
    return _kept(text, len(head) - 1, end, "") if head.endswith(",") else _kept(text, start, end, "")


def _colon(text: str, key: Node) -> int:
    """Where the value of `key` may begin: after its colon."""
    return text.index(":", key.end) + 1


def _kept(text: str, start: int, end: int, new: str) -> Splice:
    """A splice after which every later line has the number it had."""
    lines = text.count("\n", start, end) - new.count("\n")
    return Splice(start, end, new + "\n" * max(lines, 0))
