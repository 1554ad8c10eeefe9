"""The grammar at work: a text that it reads without doubt, as its root node; any other is `Unparsed`."""

import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from policyloop.errors import Unavailable
from policyloop.shell.marks import ANY_MARK
from policyloop.shell.tree import Unparsed

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

LONGEST = 100_000
"""Bytes."""
_SPLIT_WORD = re.compile(r"[^\s\\]\\\n[^\s]")
"""A backslash and a line break within a word: the shell joins the two halves, the grammar reads two words."""
_BEFORE_COMMENT = frozenset(" \t\n;&|(")
"""Behind these a `#` begins a comment, where they are not quoted."""


@cache
def _parser() -> "Parser":
    try:
        import tree_sitter
        import tree_sitter_bash
    except ImportError as missing:
        raise Unavailable(
            "Commands are read with tree-sitter-bash, which is not installed here.",
            "Install it with: pip install 'policyloop[serve]'",
        ) from missing
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


def parsed(text: str, *, marked: bool = False) -> "tuple[Node, Callable[[int], int]]":
    """The root node, and which character of the text each of its byte offsets is. Raises `Unparsed`."""
    _check_characters(text, marked=marked)
    try:
        source = text.encode()
    except UnicodeEncodeError:
        raise Unparsed("encoding") from None
    if len(source) > LONGEST:
        raise Unparsed("too-long")
    if "\\\n" in text and _SPLIT_WORD.search(text):
        raise Unparsed("disagreement: a word that goes on in the next line")
    root = _parser().parse(source).root_node
    if root.has_error:
        raise Unparsed("syntax")
    if b"#" in source:
        _check_comments(root, source)
    if len(source) == len(text):
        return root, _same
    return root, _offsets(text).__getitem__


def _check_characters(text: str, *, marked: bool) -> None:
    if "\0" in text:
        raise Unparsed("nul")
    if "\r" in text:
        raise Unparsed("carriage-return")
    if "\f" in text or "\v" in text:
        raise Unparsed("disagreement: a blank that is none to the shell")
    if not marked and not text.isascii() and ANY_MARK.search(text):
        raise Unparsed("reserved-character")


def _check_comments(root: "Node", source: bytes) -> None:
    """Raise `Unparsed` for what the grammar skips as a comment and the shell runs: a `#` behind a blank that is quoted
    by a backslash is a part of a word, and a `;` behind it ends that command.
    """
    open_nodes = [root]
    while open_nodes:
        node = open_nodes.pop()
        if node.type == "comment":
            before = source[: node.start_byte].decode()
            blank = before[-1:]
            quoted = (len(before) - 1 - len(before[:-1].rstrip("\\"))) % 2 == 1
            if blank and (quoted or blank not in _BEFORE_COMMENT):
                raise Unparsed("disagreement: what is a comment")
        open_nodes.extend(node.children)


def _same(offset: int) -> int:
    return offset


def _offsets(text: str) -> list[int]:
    """For each byte of the text in UTF-8 the character that it belongs to, and one past the end."""
    offsets: list[int] = []
    for index, character in enumerate(text):
        offsets.extend([index] * len(character.encode()))
    return [*offsets, len(text)]
