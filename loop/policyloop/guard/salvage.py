"""What can still be read of a file that is no YAML: each entry and each item alone, and `UNKNOWN` for the rest."""

import re
from collections.abc import Iterator

from policyloop.guard.reading import Unreadable, read
from policyloop.guard.tree import UNKNOWN, PartialList, PartialMap, Tree

MAX_DEPTH = 12
"""How far down an unreadable block is taken apart; below that it is unknown as a whole."""

_ENTRY = re.compile(r"""( *)(?:"([^"\\]*)"|'([^']*)'|([^\s'"#\[\]{},&*!|>%@`-][^:#]*?)) *:(?: +(.*))?\Z""")
_ITEM = re.compile(r"( *)-(?: +(.*))?\Z")


def salvage(text: str) -> Tree:
    """As much of the tree of `text` as can be read. Never raises."""
    lines = [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")]
    lines = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    return _block(lines[1:] if lines and lines[0].rstrip() == "---" else lines, 0)


def _block(lines: list[str], depth: int) -> Tree:
    if not lines:
        return UNKNOWN
    try:
        reading = read("\n".join(lines) + "\n")
    except Unreadable:
        if depth >= MAX_DEPTH:
            return UNKNOWN
    else:
        return reading.tree
    return _list(lines, depth) if _ITEM.match(lines[0]) else _map(lines, depth)


def _list(lines: list[str], depth: int) -> Tree:
    found: list[Tree] = []
    partial = False
    for head, rest in _entries(lines, items=True):
        match = _ITEM.match(head)
        if match is None:
            partial = True
            continue
        inner = " " * (len(match[1]) + 2) + match[2] if match[2] else None
        found.append(_block(([inner] if inner else []) + rest, depth + 1))
    return PartialList(found) if partial else found


def _map(lines: list[str], depth: int) -> Tree:
    found: dict[str, Tree] = {}
    partial = False
    for head, rest in _entries(lines, items=False):
        match = _ENTRY.match(head)
        if match is None:
            partial = True
            continue
        key = next(part for part in match.groups()[1:4] if part is not None)
        value = _value([head, *rest], match[5] or "", rest, depth)
        found[key] = UNKNOWN if key in found else value
    if not found:
        return UNKNOWN
    return PartialMap(found) if partial else found


def _value(whole: list[str], inline: str, rest: list[str], depth: int) -> Tree:
    """The value of one entry: as it stands, or, when that cannot be read, its block taken apart."""
    try:
        tree = read("\n".join(whole) + "\n").tree
    except Unreadable:
        return UNKNOWN if inline and not inline.startswith("#") else _block(rest, depth + 1)
    if isinstance(tree, dict) and len(tree) == 1 and not isinstance(tree, PartialMap):
        return next(iter(tree.values()))
    return UNKNOWN


def _entries(lines: list[str], *, items: bool) -> Iterator[tuple[str, list[str]]]:
    """Split a block at the lines that start an entry; a list may stand at the indentation of its own key."""
    indent = _indent(lines[0])
    head, rest = lines[0], list[str]()
    for line in lines[1:]:
        starts = _indent(line) <= indent and (items or not _ITEM.match(line))
        if starts:
            yield head, rest
            head, rest = line, []
        else:
            rest.append(line)
    yield head, rest


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
