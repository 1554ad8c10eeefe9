"""What can still be read of a file that is no YAML: each entry and each item alone, and `UNKNOWN` for the rest."""

import re

from policyloop.yaml_text.parse import Unreadable, read
from policyloop.yaml_text.tree import UNKNOWN, PartialList, PartialMap, Tree

MAX_DEPTH = 12
"""How far down an unreadable block is taken apart; below that it is unknown as a whole."""
MAX_BLOCKS = 5_000
"""How many blocks of one file are tried; the rest is unknown."""

_SPOILT = "]: ]"
"""A line that nothing can be made of."""
_KEY = re.compile(r"""[^\s'"#\[\]{},&*!|>%@`-][^:#]*\Z""")


def salvage(text: str) -> Tree:
    """As much of the tree of `text` as can be read. Never raises."""
    lines = [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")]
    lines = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    lines = lines[1:] if lines and lines[0].rstrip() == "---" else lines
    for n, line in enumerate(lines):
        if "\t" in line[: len(line) - len(line.lstrip())]:
            # Where a line belongs that a tab indents, nobody can tell: it spoils the one before it.
            lines[n] = " " * (_indent(lines[n - 1]) + 1 if n else 0) + _SPOILT
    return _Salvage().block(lines, 0)


class _Salvage:
    """Takes one file apart."""

    def __init__(self) -> None:
        self._left = MAX_BLOCKS

    def block(self, lines: list[str], depth: int) -> Tree:
        if not lines:
            return UNKNOWN
        if lines[0].endswith(_SPOILT):
            rest = self.block(lines[1:], depth)
            return PartialMap(rest) if isinstance(rest, dict) else PartialList(rest) if isinstance(rest, list) else rest
        try:
            return self._read(lines)
        except Unreadable:
            if depth >= MAX_DEPTH:
                return UNKNOWN
        outermost = min(lines, key=_indent)
        return self._list(lines, depth) if _is_item(outermost) else self._map(lines, depth)

    def _read(self, lines: list[str]) -> Tree:
        self._left -= 1
        if self._left < 0:
            raise Unreadable("too many unreadable blocks")
        return read("\n".join(lines) + "\n").tree

    def _list(self, lines: list[str], depth: int) -> Tree:
        found: list[Tree] = []
        entries, partial = _entries(lines, items=True)
        for head, rest in entries:
            inner = head.replace("-", " ", 1) if _is_item(head) else head
            item = self.block(([inner] if inner.strip() else []) + rest, depth + 1)
            partial = partial or not _is_item(head) or _loses(item, rest)
            if isinstance(item, list) and not _is_item(inner):
                found += item  # the items after it stand further in than it does
            elif _is_item(head) or not found:
                found.append(item)
            else:
                found[-1:] = map(_loosened, found[-1:])
        return PartialList(found) if partial else found

    def _map(self, lines: list[str], depth: int) -> Tree:
        found: dict[str, Tree] = {}
        entries, partial = _entries(lines, items=False)
        twice = False
        last = ""
        for head, rest in entries:
            key, inline = _split(head)
            value = UNKNOWN if key is None else self._value([head, *rest], inline, depth)
            astray = key is None or (value is UNKNOWN and bool(inline and rest))
            partial = partial or astray or (depth > 0 and _loses(value, rest))
            if astray and last in found:
                found[last] = _loosened(found[last])
            if key is not None:
                twice = twice or (key in found and depth > 0)
                found[key] = UNKNOWN if twice or key in found else value
                last = key
        if not found:
            return UNKNOWN
        return PartialMap(found) if partial or twice else found

    def _value(self, entry: list[str], inline: str, depth: int) -> Tree:
        """The value of one entry: as it stands, or, when that cannot be read, its block taken apart."""
        try:
            tree = self._read(entry)
        except Unreadable:
            return UNKNOWN if inline and not inline.startswith("#") else self.block(entry[1:], depth + 1)
        if isinstance(tree, dict) and len(tree) == 1 and not isinstance(tree, PartialMap):
            return next(iter(tree.values()))
        return UNKNOWN


def _loses(value: Tree, rest: list[str]) -> bool:
    """Whether further lines went under with a value; they may hold neighbours of it, wrongly indented."""
    return bool(rest) and (value is UNKNOWN or isinstance(value, PartialMap | PartialList))


def _loosened(tree: Tree) -> Tree:
    """`tree`, to the end of which more may belong: lines that came after it could not be placed."""
    if isinstance(tree, dict):
        *_, last = tree or [""]
        return PartialMap({key: _loosened(item) if key == last else item for key, item in tree.items()})
    if isinstance(tree, list):
        return PartialList([*tree[:-1], *map(_loosened, tree[-1:])])
    return tree


def _split(line: str) -> tuple[str | None, str]:
    """The key of an entry and what stands beside it; None when the line starts no entry that can be made out."""
    key, colon, inline = line.strip().partition(":")
    key = key.rstrip(" ")
    if not colon or inline[:1] not in ("", " "):
        return None, ""
    if key[:1] in ('"', "'"):
        inner = key[1:-1]
        plain = len(key) > 1 and key[-1] == key[0] and not set(inner) & set("\"'\\")
        return (inner, inline.strip()) if plain else (None, "")
    return (key, inline.strip()) if _KEY.match(key) else (None, "")


def _is_item(line: str) -> bool:
    line = line.lstrip(" ")
    return line == "-" or line.startswith("- ")


def _entries(lines: list[str], *, items: bool) -> tuple[list[tuple[str, list[str]]], bool]:
    """A block, split at the lines that start an entry, and whether its first one stands further in than the others.

    A list may stand at the indentation of its own key.
    """
    indent = min(map(_indent, lines))
    entries: list[tuple[str, list[str]]] = [(lines[0], [])]
    for line in lines[1:]:
        if _indent(line) == indent and (items or not _is_item(line)):
            entries.append((line, []))
        else:
            entries[-1][1].append(line)
    return entries, _indent(lines[0]) > indent


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
