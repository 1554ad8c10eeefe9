"""Text -> tree, the way Cerbos reads a suite or a fixture file.

libyaml splits the text; what a scalar means, which keys are taken and how `<<` merges is decided here, after Cerbos
0.55.0. What it reads otherwise than libyaml is a matter for `policyloop.yaml_text.certainty`.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from policyloop.yaml_text.scalars import Plain, resolve
from policyloop.yaml_text.tree import UNKNOWN, Literal, PartialMap, Tree

MAX_DEPTH = 60
"""Deeper nesting than any test needs; beyond it a file counts as unreadable."""
MAX_NODES = 200_000
"""The most values that one file may hold once its aliases are written out."""

_FLOW = re.compile(r"[\[\]{}]")
_RUN = re.compile(r"(?m)^[ \t]*(?:(?:[-?:]|[!&]\S*)[ \t]+){60}")
_SURROGATES = re.compile(r"((?<!\\)(?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_FAR = re.compile(r"(?m)^ {60}")
_MERGE = "<<"

try:
    from yaml.cyaml import CParser as _Parser  # type: ignore[attr-defined]

    _PARTS: tuple[type[Any], ...] = (_Parser,)
except ImportError:  # PyYAML without libyaml: the same reading, only slower
    from yaml.composer import Composer
    from yaml.parser import Parser
    from yaml.reader import Reader
    from yaml.scanner import Scanner

    _PARTS = (Reader, Scanner, Parser, Composer)


class Unreadable(ValueError):
    """Text that is not one YAML document; the message says where and why, in one line."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A tree, and what keeps Cerbos from loading it (empty when nothing does)."""

    tree: Tree
    problems: tuple[str, ...] = ()


class _Composer(*_PARTS):  # type: ignore[misc]
    """Events -> nodes with no tags resolved."""

    def __init__(self, text: str) -> None:
        for part in _PARTS:
            if part.__init__ is not object.__init__:
                part.__init__(self, *([text] if part is _PARTS[0] else []))
        self.anchors: dict[str, Node] = {}

    def resolve(self, *_: object) -> None:
        """No tag but what is written."""

    def descend_resolver(self, *_: object) -> None:
        """Nothing to descend into."""

    def ascend_resolver(self) -> None:
        """Nothing to come back from."""


def compose(text: str) -> Node:
    """The one document of `text`, its scalars as they are written. Raises `Unreadable`."""
    if text.isascii() is False and "\ufeff" in text:
        raise Unreadable("line 1: a byte order mark; Cerbos reads it as part of the first key")
    _check_depth(text)
    text = plain_json(text)
    try:
        node = _Composer(text).get_single_node()
    except yaml.YAMLError as error:
        raise Unreadable(_one_line(error)) from None
    except RecursionError:
        raise Unreadable(f"nested more than {MAX_DEPTH} levels deep") from None
    if node is None:
        raise Unreadable("the file is empty; on an empty test file Cerbos crashes")
    return node  # type: ignore[no-any-return]


def plain_json(text: str) -> str:
    """JSON as a YAML reader likes it: spaces for tabs, and characters for the surrogate pairs that libyaml refuses.

    Text that is not JSON by the letter comes back as it is, since a tab or a pair may mean something else there.
    """
    if "\t" not in text and not _SURROGATES.search(text):
        return text
    try:
        if not isinstance(json.loads(text), dict):
            return text
    except (ValueError, RecursionError):
        return text
    return _SURROGATES.sub(_joined, text.replace("\t", " "))


def read(text: str) -> Parsed:
    """The tree of `text`, as far as it is one YAML document. Raises `Unreadable` when it is none."""
    builder = _Builder()
    tree = builder.build(compose(text), 0)
    return Parsed(tree, tuple(builder.problems))


class _Builder:
    """Nodes -> tree. Aliases share one tree, so a file cannot swell; `size` counts what it would be written out."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._done: dict[int, tuple[Tree, int]] = {}
        self._open: set[int] = set()
        self._size = 0

    def build(self, node: Node, depth: int) -> Tree:
        if type(node) is ScalarNode:
            self._size += 1
            return _scalar(node)
        key = id(node)
        done = self._done.get(key)
        if done is not None:
            self._size += done[1]
            self._check(self._size <= MAX_NODES, f"its aliases write out to more than {MAX_NODES} values")
            return done[0]
        self._check(depth < MAX_DEPTH, f"nested more than {MAX_DEPTH} levels deep")
        self._check(key not in self._open, "an alias that holds itself")
        self._open.add(key)
        before = self._size
        tree: Tree
        if isinstance(node, MappingNode):
            tree = self._mapping(node, depth)
        elif isinstance(node, SequenceNode):
            tree = [self.build(item, depth + 1) for item in node.value]
        else:
            tree = UNKNOWN
        self._size += 1
        self._open.discard(key)
        self._done[key] = (tree, self._size - before)
        return tree

    def _mapping(self, node: MappingNode, depth: int) -> Tree:
        own: dict[str, Tree] = {}
        merged: dict[str, Tree] = {}
        partial = False
        twice = merges = 0
        for key_node, value_node in node.value:
            key = _scalar(key_node) if type(key_node) is ScalarNode else UNKNOWN
            value = self.build(value_node, depth + 1)
            if not isinstance(key, str):
                line = key_node.start_mark.line + 1
                self.problems.append(f"line {line}: a key that is not text ({_shown(key)})")
                partial = True
            elif key == _MERGE and not key_node.style:
                merges += 1
                if merges == 2:
                    self.problems.append(f"line {key_node.start_mark.line + 1}: `<<` stands there twice")
                partial = self._merge(value, merged, key_node.start_mark.line + 1) or partial or merges > 1
            elif key in own:
                self.problems.append(f"line {key_node.start_mark.line + 1}: {key!r} stands there twice")
                own[key] = UNKNOWN
                twice += 1
            else:
                # Two keys that stand there twice are two mappings run into one: whose is what follows?
                own[key] = value if twice < 2 else UNKNOWN
        partial = partial or twice >= 2
        whole = {**merged, **own} if merged else own
        return PartialMap(whole) if partial else whole

    def _merge(self, value: Tree, merged: dict[str, Tree], line: int) -> bool:
        """Take a mapping in under `<<`; True when something was not taken."""
        if isinstance(value, dict):
            merged.update(value)
            return isinstance(value, PartialMap)
        self.problems.append(f"line {line}: `<<` takes one mapping, nothing else")
        return True

    def _check(self, fine: bool, otherwise: str) -> None:  # noqa: FBT001
        if not fine:
            raise Unreadable(otherwise)


def _joined(pair: re.Match[str]) -> str:
    letter = (int(pair[2], 16) - 0xD800) * 0x400 + int(pair[3], 16) - 0xDC00 + 0x10000
    return pair[1] + chr(letter)


def _scalar(node: ScalarNode) -> str | Plain:
    style = node.style
    if not style:
        return resolve(node.value)
    return Literal(node.value) if style in "|>" else str(node.value)


def _shown(key: object) -> str:
    return repr(key.text) if isinstance(key, Plain) else "a list or a mapping"


def _check_depth(text: str) -> None:
    """Nesting costs libyaml time that grows with the square of the depth, and its recursion has no limit."""
    if text.count("[") + text.count("{") > MAX_DEPTH:
        depth = deepest = 0
        for found in _FLOW.finditer(text):
            depth += 1 if found.group() in "[{" else -1
            deepest = max(deepest, depth)
        if deepest > MAX_DEPTH:
            raise Unreadable(f"nested more than {MAX_DEPTH} levels deep")
    if _FAR.search(text) and _block_depth(text) > MAX_DEPTH:
        raise Unreadable(f"nested more than {MAX_DEPTH} levels deep")
    if _RUN.search(text):
        raise Unreadable(f"nested more than {MAX_DEPTH} levels deep on one line")


def _block_depth(text: str) -> int:
    """How deep the indentation goes, a level for each line that stands further in than those above it."""
    deepest = 0
    levels: list[int] = []
    for line in text.split("\n"):
        inner = line.lstrip(" ")
        if inner:
            indent = len(line) - len(inner)
            while levels and levels[-1] >= indent:
                levels.pop()
            levels.append(indent)
            deepest = max(deepest, len(levels))
    return deepest


def _one_line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    where = f"line {mark.line + 1}: " if mark is not None else ""
    return f"{where}{str(problem).splitlines()[0]}"
