"""A YAML or JSON text as a tree whose every node knows the characters that it is made of."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from policyloop.cerbos.outline import loops, too_deep

MAX_CHARACTERS = 1_048_576
"""The longest text that is taken apart."""
MAX_DEPTH = 64
MAX_NODES = 200_000

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Node:
    """One value. `start` and `end` are offsets in characters; `line` and `column` count from 1.

    A block collection ends with its last child, so what follows it (line breaks, comments) is not part of it.
    """

    shape: Literal["scalar", "list", "map"]
    start: int
    end: int
    line: int
    column: int
    text: str = ""
    plain: bool = False
    """A scalar without quotes, on one line."""
    flow: bool = False
    items: tuple["Node", ...] = ()
    pairs: tuple[tuple["Node", "Node"], ...] = ()

    def pair(self, name: str) -> tuple["Node", "Node"] | None:
        """The key and the value of that name; `allowActions` is also found as `allow_actions`, as the compiler does."""
        snake = re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", name)
        return next(((key, value) for key, value in self.pairs if key.text in (name, snake)), None)

    def get(self, name: str) -> "Node | None":
        """The value of that name."""
        found = self.pair(name)
        return found[1] if found else None

    def at(self, *names: str) -> "Node | None":
        """The value below these names, one after the other."""
        here: Node | None = self
        for name in names:
            here = here.get(name) if here is not None else None
        return here

    def said(self, name: str, otherwise: str = "") -> str:
        """The text of the scalar of that name."""
        found = self.get(name)
        return found.text if found is not None and found.shape == "scalar" else otherwise

    def listed(self, name: str) -> tuple["Node", ...]:
        """The scalars in the list of that name."""
        found = self.get(name)
        return tuple(item for item in found.items if item.shape == "scalar") if found is not None else ()

    def below(self) -> Iterator["Node"]:
        """Itself, and every value in it."""
        yield self
        for child in (*self.items, *(value for _, value in self.pairs)):
            yield from child.below()


def tree(text: str) -> Node | None:
    """The first document of `text`; None when it is empty, no YAML, too long, too deep or an alias inside itself.

    A text with a byte order mark gives none: Cerbos does not take it, and it would put every offset off by one.
    """
    if text.startswith("\ufeff"):
        return None
    if len(text) > MAX_CHARACTERS or too_deep(text) or loops(text):
        return None
    try:
        root = yaml.compose(text, Loader=_LOADER)
        return _Reader(text).node(root, 0) if root is not None else None
    except (yaml.YAMLError, ValueError, _TooMuch):
        return None


class _TooMuch(Exception):
    """More nodes, or deeper, than anybody writes."""


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._count = 0

    def node(self, found: yaml.Node, depth: int) -> Node:
        self._count += 1
        if self._count > MAX_NODES or depth > MAX_DEPTH:
            raise _TooMuch
        mark, end = found.start_mark, found.end_mark.index
        start, line, column = mark.index, mark.line + 1, mark.column + 1
        if isinstance(found, yaml.ScalarNode):
            end = start + len(self._text[start:end].rstrip())
            plain = not found.style and "\n" not in self._text[start:end]
            return Node("scalar", start, end, line, column, text=str(found.value), plain=plain)
        flow = bool(getattr(found, "flow_style", False))
        if isinstance(found, yaml.SequenceNode):
            items = tuple(self.node(item, depth + 1) for item in found.value)
            end = end if flow or not items else items[-1].end
            return Node("list", start, end, line, column, flow=flow, items=items)
        pairs = tuple((self.node(key, depth + 1), self.node(value, depth + 1)) for key, value in found.value)
        end = end if flow or not pairs else max(pairs[-1][0].end + 1, pairs[-1][1].end)
        return Node("map", start, end, line, column, flow=flow, pairs=pairs)
