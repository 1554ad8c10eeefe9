"""A YAML or JSON text as a tree whose every node knows the characters it is made of, what it is to Cerbos, and whether
that is certain.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from policyloop.cerbos.outline import loops, too_deep
from policyloop.yaml_text.certainty import Doubt, doubts
from policyloop.yaml_text.parse import Unreadable, compose
from policyloop.yaml_text.scalars import Plain, resolve

MAX_CHARACTERS = 1_048_576
"""The longest text that is taken apart."""
MAX_DEPTH = 64
MAX_NODES = 200_000

Value = str | bool | int | float | None


class Doubtful(ValueError):
    """A value that Cerbos may read otherwise; the message says where and why."""


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
    """A scalar as Cerbos takes it where text belongs: a name that is written `0x10` is `16`."""
    plain: bool = False
    """A scalar without quotes, on one line."""
    flow: bool = False
    items: tuple["Node", ...] = ()
    pairs: tuple[tuple["Node", "Node"], ...] = ()
    """Keys and values; those that `<<` merges in come after those that are written there."""
    value: Value = None
    """A scalar as Cerbos takes it where any value may stand, as in a constant."""
    doubt: str = ""
    """Why it is not certain that Cerbos reads this node so, beginning with the line; of a collection, also of its keys
    and what keeps it from being one. Empty: it is certain. What is in its items and values says so itself."""

    @property
    def doubts(self) -> str:
        """The first doubt in it and in all that it holds; empty when there is none."""
        return next((node.doubt for node in self.below() if node.doubt), "")

    def data(self) -> Any:
        """The value as Cerbos keeps it in a constant or an attribute. Raises `Doubtful`."""
        if self.doubt:
            raise Doubtful(self.doubt)
        if self.shape == "list":
            return [item.data() for item in self.items]
        if self.shape == "map":
            return {key.text: value.data() for key, value in self.pairs}
        return self.value

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
    """The document in `text`; None when it is empty, no YAML, too long, too deep or an alias inside itself.

    A text with a byte order mark gives none: Cerbos does not take it, and it would put every offset off by one.
    """
    if text.startswith("\ufeff"):
        return None
    if len(text) > MAX_CHARACTERS or too_deep(text) or loops(text):
        return None
    try:
        return _Reader(text).node(compose(text), 0)
    except (yaml.YAMLError, ValueError, _TooMuch):
        return None


class _TooMuch(Exception):
    """More nodes, or deeper, than anybody writes."""


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._count = 0
        self._local: dict[int, str] = {}
        self._everywhere = ""
        for doubt in doubts(text):
            self._take(doubt)

    def _take(self, doubt: Doubt) -> None:
        if doubt.local:
            self._local.setdefault(doubt.start, str(doubt))
        else:
            self._everywhere = self._everywhere or str(doubt)

    def node(self, raw: yaml.Node, depth: int) -> Node:
        self._count += 1
        if self._count > MAX_NODES or depth > MAX_DEPTH:
            raise _TooMuch
        mark, end = raw.start_mark, raw.end_mark.index
        start, line, column = mark.index, mark.line + 1, mark.column + 1
        doubt = self._everywhere or self._local.get(start, "")
        if isinstance(raw, yaml.ScalarNode):
            end = start + len(self._text[start:end].rstrip())
            plain = not raw.style and "\n" not in self._text[start:end]
            value, text = _read(raw)
            return Node("scalar", start, end, line, column, text=text, plain=plain, value=value, doubt=doubt)
        flow = bool(getattr(raw, "flow_style", False))
        if isinstance(raw, yaml.SequenceNode):
            items = tuple(self.node(item, depth + 1) for item in raw.value)
            end = end if flow or not items else items[-1].end
            return Node("list", start, end, line, column, flow=flow, items=items, doubt=doubt)
        pairs = tuple((self.node(key, depth + 1), self.node(value, depth + 1)) for key, value in raw.value)
        end = end if flow or not pairs else max(pairs[-1][0].end + 1, pairs[-1][1].end)
        doubt = doubt or _keys_doubt(pairs)
        own, merged = _merged(pairs)
        doubt = doubt or ("" if merged is not None else f"line {line}: `<<` takes one mapping")
        pairs = (*own, *(merged or {}).values())
        return Node("map", start, end, line, column, flow=flow, pairs=pairs, doubt=doubt)


def _read(raw: yaml.ScalarNode) -> tuple[Value, str]:
    """A scalar's value, and what it is where text belongs."""
    scalar = str(raw.value) if raw.style else resolve(str(raw.value))
    if not isinstance(scalar, Plain):
        return scalar, scalar
    if scalar.value is None:
        return None, scalar.text if not scalar.usable else ""
    integer = isinstance(scalar.value, int) and not isinstance(scalar.value, bool)
    return scalar.value, str(scalar.value) if integer else scalar.text


_Pair = tuple[Node, Node]


def _keys_doubt(pairs: tuple[_Pair, ...]) -> str:
    """What is wrong with the keys of a mapping: Cerbos takes different texts, and nothing else."""
    seen: set[str] = set()
    for key, _ in pairs:
        if key.doubt:
            return key.doubt
        if key.shape != "scalar" or not isinstance(key.value, str):
            return f"line {key.line}: a key that is not text"
        if key.text in seen:
            return f"line {key.line}: {key.text!r} stands there twice"
        seen.add(key.text)
    return ""


def _merged(pairs: tuple[_Pair, ...]) -> tuple[tuple[_Pair, ...], Mapping[str, _Pair] | None]:
    """What is written in a mapping itself, and what `<<` brings in besides; None when that is not one mapping."""
    own: list[_Pair] = []
    merged: dict[str, _Pair] = {}
    for key, value in pairs:
        if not (key.text == "<<" and key.plain):
            own.append((key, value))
        elif value.shape == "map":
            merged.update({inner[0].text: inner for inner in value.pairs})
        else:
            return pairs, None
    for key, _ in own:
        merged.pop(key.text, None)
    return tuple(own), merged


__all__ = ["Doubtful", "Node", "Unreadable", "Value", "tree"]
