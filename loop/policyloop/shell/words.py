"""One word, letter by letter: quotes taken off, substitutions where the grammar sees them too.

The grammar gives a word's beginning and end and the substitutions within; all else is read here. A `$(` that the
grammar did not see, or one of its substitutions that we did not come across, is a disagreement: nothing is believed.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from policyloop.shell.braces import expanded, joined
from policyloop.shell.marks import CLOSE_BRACE, CLOSE_SET, COMMA, OPEN_BRACE, OPEN_SET, QUEST, STAR, TILDE
from policyloop.shell.quotes import ansi_c
from policyloop.shell.tree import Arithmetic, Part, Unparsed, Variable, Word

if TYPE_CHECKING:
    from tree_sitter import Node

PLAIN = re.compile(r"[\w@%+=:./-]+", re.ASCII)
_RUNS = {
    "word": re.compile(r"[^\\'\"$`*?\[\]{},~<>()\s|&;]+"),
    "double": re.compile(r"[^\\\"$`]+"),
    "here": re.compile(r"[^\\$`]+"),
    "loose": re.compile(r"[^\\'\"$`<>]+"),
    "operand": re.compile(r"[^\\'\"$`}*?]+"),
    "operand-quoted": re.compile(r"[^\\\"$`}]+"),
}
"""Which characters mean nothing where: in a word, in double quotes, in a here-document, between `[[` and `]]`, and in
the right half of `${x:-...}`, within quotes and without."""
_QUOTED = {"double", "here", "operand-quoted"}
_ESCAPED = {"double": '\\"$`\n', "here": "\\$`\n", "operand-quoted": '\\"$`\n}'}
_SIGNS = {"*": STAR, "?": QUEST, "[": OPEN_SET, "]": CLOSE_SET, "{": OPEN_BRACE, ",": COMMA, "}": CLOSE_BRACE, "~": "~"}
_VARIABLE = re.compile(r"[A-Za-z_]\w*|[0-9@*#?$!-]", re.ASCII)
_BRACED = re.compile(r"(!?)(#?)([A-Za-z_]\w*|\d+|[@*#?$!-])(\[[^\]$`\"'\\]*\])?", re.ASCII)
_OPERATOR = re.compile(r":?[-=?+]|##?|%%?|//?|\^\^?|,,?|@|:|")
_SUBSTITUTIONS = {"command_substitution", "process_substitution", "arithmetic_expansion"}


class WordReader:
    """Reads the words of one text. `body` makes a substitution's node into what it runs."""

    def __init__(self, text: str, position: Callable[[int], int], body: "Callable[[Node, bool], Part]") -> None:
        self._text, self._position, self._body = text, position, body
        self._seen: dict[int, Node] = {}

    def words(self, node: "Node") -> list[Word]:
        """A word, or the words that its braces make."""
        start, end = self.span(node)
        text = self._text[start:end]
        return [text] if PLAIN.fullmatch(text) else expanded(self._parts([node], start, end, "word"))

    def value(self, node: "Node", mode: str = "word") -> Word:
        """A word where braces mean nothing: a value, a target, a pattern; `loose` between `[[` and `]]`."""
        start, end = self.span(node)
        text = self._text[start:end]
        return text if PLAIN.fullmatch(text) else joined(self._parts([node], start, end, mode))

    def here(self, nodes: "list[Node]", start: int, end: int) -> Word:
        """The text of a here-document in which variables and substitutions are expanded."""
        return joined(self._parts(nodes, start, end, "here"))

    def span(self, node: "Node") -> tuple[int, int]:
        """Where a node begins and ends in the text."""
        return self._position(node.start_byte), self._position(node.end_byte)

    def _parts(self, nodes: "list[Node]", start: int, end: int, mode: str) -> list[Part]:
        outer, self._seen = self._seen, self._substitutions(nodes)
        parts, stop = self._read(start, end, mode)
        if stop != end or any(node.type != "arithmetic_expansion" for node in self._seen.values()):
            raise Unparsed("disagreement: a substitution that only the grammar sees")
        self._seen = outer
        return parts

    def _substitutions(self, nodes: "list[Node]") -> "dict[int, Node]":
        """The outermost substitutions under some nodes, by where they begin; arithmetic is looked into as well."""
        inner: dict[int, Node] = {}
        open_nodes = list(nodes)
        while open_nodes:
            node = open_nodes.pop()
            kind = node.type
            if kind in _SUBSTITUTIONS:
                # The grammar counts blanks before `${` and, within quotes, before `$(` to the token at times.
                inner[self._position(node.start_byte)] = node
            if kind not in {"command_substitution", "process_substitution"}:
                open_nodes.extend(node.children)
        return inner

    def _read(self, index: int, end: int, mode: str) -> tuple[list[Part], int]:
        """Parts up to `end`, or to the sign that ends this mode; where reading stopped."""
        text, parts, run = self._text, list[Part](), _RUNS[mode]
        begin = index
        while index < end:
            match = run.match(text, index, end)
            if match is not None:
                parts.append(match[0])
                index = match.end()
                continue
            sign = text[index]
            if (sign == '"' and mode == "double") or (sign == "}" and mode.startswith("operand")):
                break
            if sign == "\\":
                index = self._escape(parts, index, end, mode)
            elif sign == "$":
                index = self._dollar(parts, index, end, mode)
            elif sign == "`":
                index = self._substitution(parts, index, mode in _QUOTED)
            elif sign == "'":
                close = text.find("'", index + 1, end)
                parts.append(text[index + 1 : close])
                index = _after(close)
            elif sign == '"':
                inner, close = self._read(index + 1, end, "double")
                parts.extend(inner or [""])
                index = _after(close if close < end else -1)
            elif sign in "<>":
                index = self._angle(parts, index, mode)
            else:
                parts.append(TILDE if sign == "~" and index == begin and mode == "word" else self._sign(sign))
                index += 1
        return parts, index

    def _sign(self, sign: str) -> str:
        mark = _SIGNS.get(sign)
        if mark is None:
            raise Unparsed("disagreement: an operator within a word")
        return mark

    def _escape(self, parts: list[Part], index: int, end: int, mode: str) -> int:
        following = self._text[index + 1] if index + 1 < end else ""
        if following == "\n":
            return index + 2
        if mode in _ESCAPED and following not in _ESCAPED[mode]:
            parts.append("\\")
            return index + 1
        parts.append(following or "\\")
        return index + 2 if following else index + 1

    def _angle(self, parts: list[Part], index: int, mode: str) -> int:
        if index in self._seen:
            return self._substitution(parts, index, quoted=False)
        if mode == "word" or self._text.startswith("(", index + 1):
            raise Unparsed("disagreement: an operator within a word")
        parts.append(self._text[index])
        return index + 1

    def _substitution(self, parts: list[Part], index: int, quoted: bool) -> int:  # noqa: FBT001 - of `_read` alone
        node = self._seen.pop(index, None)
        if node is None:
            raise Unparsed("disagreement: a substitution that only we see")
        part = self._body(node, quoted)
        parts.append(part)
        return self._position(node.end_byte)

    def _dollar(self, parts: list[Part], index: int, end: int, mode: str) -> int:
        text, quoted = self._text, mode in _QUOTED
        following = text[index + 1] if index + 1 < end else ""
        if following == "(":
            node = self._seen.get(index)
            if node is not None and node.type == "arithmetic_expansion":
                return self._arithmetic(parts, node)
            return self._substitution(parts, index, quoted)
        if following == "{":
            return self._braced(parts, index, end, quoted)
        if following == "[":
            raise Unparsed("form: $[...]")
        if following == "'" and not quoted:
            close = _end_of_ansi(text, index + 2, end)
            parts.append(ansi_c(text[index + 2 : close]))
            return close + 1
        if following == '"' and not quoted:
            return index + 1
        match = _VARIABLE.match(text, index + 1, end)
        if match is None:
            parts.append("$")
            return index + 1
        parts.append(Variable(match[0], quoted))
        return match.end()

    def _arithmetic(self, parts: list[Part], node: "Node") -> int:
        start, stop = self.span(node)
        del self._seen[start]
        inner, _ = self._read(start + 3, stop - 2, "loose")
        parts.append(Arithmetic(joined(inner)))
        return stop

    def _braced(self, parts: list[Part], index: int, end: int, quoted: bool) -> int:  # noqa: FBT001 - of `_read` alone
        head = _BRACED.match(self._text, index + 2, end)
        if head is None:
            raise Unparsed("form: ${...}")
        operator = _OPERATOR.match(self._text, head.end(), end)
        assert operator is not None  # it may be empty
        pattern = operator[0][:1] in {"#", "%", "/"}
        inner, close = self._read(operator.end(), end, "operand-quoted" if quoted and not pattern else "operand")
        if close >= end:
            raise Unparsed("form: ${...}")
        operand = joined(inner)
        if head[1] or head[2]:
            parts.append(Variable(head[3], quoted, "!" if head[1] else "length", operand))
        else:
            parts.append(Variable(head[3] + (head[4] or ""), quoted, operator[0], operand))
        return close + 1


def _after(close: int) -> int:
    if close < 0:
        raise Unparsed("disagreement: a quote that does not end")
    return close + 1


def _end_of_ansi(text: str, index: int, end: int) -> int:
    while index < end:
        if text[index] == "\\":
            index += 2
        elif text[index] == "'":
            return index
        else:
            index += 1
    raise Unparsed("disagreement: a quote that does not end")
