"""Reading a CEL expression. Source of the grammar: the CEL language definition; precedence as given there."""

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from policyloop.access.cel.tree import Call, Const, ListOf, MapOf, Name, Node, Select
from policyloop.access.chain import balanced

MAX_CHARACTERS = 65_536
MAX_DEPTH = 100
"""How deep an expression may be nested."""

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|//[^\n]*)
    |(?P<text>(?:[rR][bB]?|[bB][rR]?)?(?:\"\"\".*?(?<!\\)\"\"\"|'''.*?(?<!\\)'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    |(?P<float>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)
    |(?P<int>(?:0[xX][0-9a-fA-F]+|\d+)[uU]?)
    |(?P<name>[A-Za-z_]\w*|`[^`\n]+`)
    |(?P<sign>&&|\|\||<=|>=|==|!=|\.\?|\[\?|[<>!?:,.()\[\]{}+*/%-])
    """,
    re.VERBOSE | re.DOTALL,
)
_BINARY = {
    "||": 1,
    "&&": 2,
    **dict.fromkeys(("<", "<=", ">", ">=", "==", "!=", "in"), 3),
    **dict.fromkeys("+-", 4),
    **dict.fromkeys("*/%", 5),
}
_LITERALS = {"true": True, "false": False, "null": None}


class NotCel(ValueError):
    """A text that this reader does not take for CEL."""


_LOGICAL = ("&&", "||")


class _Token(NamedTuple):
    kind: str
    text: str


def parse(expression: str) -> Node:
    """The tree of `expression`. Raises `NotCel`, also for one that is too long or too deep."""
    if len(expression) > MAX_CHARACTERS:
        raise NotCel("too long")
    reader = _Reader(list(_tokens(expression)))
    tree = reader.ternary(0)
    reader.expect("")
    return tree


def _tokens(expression: str) -> Iterator[_Token]:
    at = 0
    while at < len(expression):
        match = _TOKEN.match(expression, at)
        if match is None or match.lastgroup is None:
            raise NotCel(f"{expression[at : at + 20]!r} is no word of CEL")
        at = match.end()
        if match.lastgroup != "space":
            yield _Token(match.lastgroup, match[0])


class _Reader:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = [*tokens, _Token("end", "")]
        self._at = 0

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _sign(self, *texts: str) -> str:
        """Take the next token if it is one of these."""
        token = self._next
        if token.kind in ("sign", "name") and token.text in texts:
            self._at += 1
            return token.text
        return ""

    def expect(self, text: str) -> None:
        """The next token must be `text`; the end for nothing."""
        if self._next.text != text or self._next.kind in ("text", "name"):
            raise NotCel(f"{self._next.text or 'the end'!r} stands where {text or 'the end'!r} should")
        self._at += 1

    def ternary(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise NotCel("nested too deep")
        condition = self._binary(1, depth)
        if not self._sign("?"):
            return condition
        first = self._binary(1, depth)
        self.expect(":")
        return Call("?:", (condition, first, self.ternary(depth + 1)))

    def _binary(self, least: int, depth: int) -> Node:
        left = self._unary(depth)
        count = 0
        while (rank := _BINARY.get(self._next.text, 0)) >= least and self._next.kind in ("sign", "name"):
            operator = self._next.text
            if operator in _LOGICAL:
                left = self._logical(left, operator, rank, depth)
                continue
            self._at += 1
            count += 1
            if count > MAX_DEPTH:
                raise NotCel("nested too deep")
            left = Call(operator, (left, self._binary(rank + 1, depth)))
        return left

    def _logical(self, first: Node, operator: str, rank: int, depth: int) -> Node:
        """A chain of one of the logical operators: a tree that is no deeper than it must be."""
        parts = [first]
        while self._next.text == operator and self._next.kind == "sign":
            self._at += 1
            parts.append(self._binary(rank + 1, depth))
        return balanced(lambda left, right: Call(operator, (left, right)), parts)

    def _unary(self, depth: int) -> Node:
        signs = []
        while sign := self._sign("!", "-"):
            signs.append(sign)
        if len(signs) > MAX_DEPTH:
            raise NotCel("nested too deep")
        tree = self._member(depth)
        for sign in reversed(signs):
            if sign == "-" and isinstance(tree, Const) and type(tree.value) in (int, float):
                tree = Const(-tree.value)  # type: ignore[operator]
            else:
                tree = Call(sign, (tree,))
        return tree

    def _member(self, depth: int) -> Node:
        tree = self._primary(depth)
        while True:
            if self._sign(".?"):
                tree = Call(".?", (tree, Const(self._name())))
            elif self._sign("."):
                name = self._name()
                tree = Call(name, self._arguments(")", depth), tree) if self._sign("(") else Select(tree, name)
            elif sign := self._sign("[", "[?"):
                key = self.ternary(depth + 1)
                self.expect("]")
                tree = Call(f"{sign}]", (tree, key))
            elif self._next.text == "{" and isinstance(tree, Name | Select):
                self._at += 1
                tree = MapOf(self._pairs(depth))
            else:
                return tree

    def _primary(self, depth: int) -> Node:
        token = self._next
        self._at += 1
        match token.kind:
            case "text":
                return Const(_text(token.text))
            case "float":
                return Const(float(token.text))
            case "int":
                digits = token.text.rstrip("uU")
                return Const(int(digits, 16 if digits[:2] in ("0x", "0X") else 10), digits != token.text)
            case "name" if token.text in _LITERALS:
                return Const(_LITERALS[token.text])
            case "name":
                name = token.text.strip("`")
                return Call(name, self._arguments(")", depth)) if self._sign("(") else Name(name)
        if token.text == "(":
            tree = self.ternary(depth + 1)
            self.expect(")")
            return tree
        if token.text == "[":
            return ListOf(self._arguments("]", depth))
        if token.text == "{":
            return MapOf(self._pairs(depth))
        if token.text == ".":
            return self._primary(depth)
        raise NotCel(f"{token.text or 'the end'!r} begins nothing")

    def _name(self) -> str:
        token = self._next
        if token.kind != "name":
            raise NotCel(f"{token.text or 'the end'!r} is no name")
        self._at += 1
        return token.text.strip("`")

    def _arguments(self, close: str, depth: int) -> tuple[Node, ...]:
        found: list[Node] = []
        while not self._sign(close):
            self._sign("?")
            found.append(self.ternary(depth + 1))
            if not self._sign(","):
                self.expect(close)
                break
        return tuple(found)

    def _pairs(self, depth: int) -> tuple[tuple[Node, Node], ...]:
        found: list[tuple[Node, Node]] = []
        while not self._sign("}"):
            self._sign("?")
            key = self.ternary(depth + 1)
            self.expect(":")
            found.append((key, self.ternary(depth + 1)))
            if not self._sign(","):
                self.expect("}")
                break
        return tuple(found)


def _text(token: str) -> str | bytes:
    """The value of a string or bytes literal. CEL's escapes are Python's, but for two: the backtick and `?`."""
    prefix = token[: len(token) - len(token.lstrip("rRbB"))].lower()
    body = token[len(prefix) :]
    if "r" not in prefix:
        body = re.sub(r"\\([`?])", r"\1", body)
    try:
        value = ast.literal_eval(f"{prefix}{body}")
    except (SyntaxError, ValueError) as error:
        raise NotCel(f"{token[:40]} is no literal") from error
    if not isinstance(value, str | bytes):
        raise NotCel(f"{token[:40]} is no literal")
    return value
