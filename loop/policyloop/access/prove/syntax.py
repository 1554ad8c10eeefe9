"""CEL as a tree: what an expression says, read the way cel-go's parser reads it. Source: the CEL language definition.

Macros stay calls: `xs.exists(x, p)` is a call of `exists` on `xs`. Operators are calls too, under their signs.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

from policyloop.access.chain import balanced

MAX_DEPTH = 60
"""The deepest nesting that is read."""
MAX_CHARACTERS = 20_000
"""The longest expression that is read."""


class Unreadable(Exception):
    """An expression that is not read here; the text says why."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant as it is written. `kind` is null, bool, int, uint, double, string or bytes; `text` its value."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Name:
    """An identifier."""

    name: str


@dataclass(frozen=True, slots=True)
class Select:
    """`of.field`, or with `test` the macro `has(of.field)`."""

    of: "Tree"
    field: str
    test: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A function, an operator or a macro. `on` is what stands before the dot."""

    function: str
    arguments: tuple["Tree", ...]
    on: "Tree | None" = None


@dataclass(frozen=True, slots=True)
class Items:
    """A list that is written out."""

    items: tuple["Tree", ...]


@dataclass(frozen=True, slots=True)
class Entries:
    """A map that is written out."""

    entries: tuple[tuple["Tree", "Tree"], ...]


@dataclass(frozen=True, slots=True)
class Known:
    """A value that is known before the resource is: `json` is its canonical text. Its numbers are doubles."""

    json: str


@dataclass(frozen=True, slots=True)
class Fails:
    """What is an error whatever the resource, such as an attribute that the principal lacks."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of the resource by its path; `R.attr` itself for the empty one."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResourceId:
    """The resource's id."""


Tree = Literal | Name | Select | Call | Items | Entries | Known | Fails | Attribute | ResourceId

NOT, NEGATE, AND, OR, IF, IN, INDEX = "!", "-_", "&&", "||", "?:", "in", "[]"
RELATIONS = frozenset({"==", "!=", "<", "<=", ">", ">=", IN})

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|//[^\n]*)
    |(?P<string>[rRbB]{0,2}(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''|"(?:\\.|[^"\\\r\n])*"|'(?:\\.|[^'\\\r\n])*'))
    |(?P<double>\d*\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)
    |(?P<uint>(?:0x[0-9a-fA-F]+|\d+)[uU])
    |(?P<int>0x[0-9a-fA-F]+|\d+)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign>&&|\|\||<=|>=|==|!=|[<>!?:,.()\[\]{}+*/%-])
    """,
    re.VERBOSE | re.DOTALL,
)
_RAW_STRING = re.compile(r"""[rRbB]*[rR][rRbB]*(?:\"\"\".*?\"\"\"|'''.*?'''|"[^"\r\n]*"|'[^'\r\n]*')""", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.))", re.DOTALL)
_PLAIN_ESCAPES = {
    **dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True)),
    **{sign: sign for sign in "\\?\"'`"},
}
_WORDS = {"true": ("bool", "true"), "false": ("bool", "false"), "null": ("null", "null")}
_LEVELS = (("||",), ("&&",), tuple(RELATIONS), ("+", "-"), ("*", "/", "%"))


_LOGICAL = 2
"""How many of the levels are logical operators, whose brackets do not matter."""


class _Token(NamedTuple):
    kind: str
    text: str


def parse(text: str) -> Tree:
    """The tree of an expression. Raises `Unreadable` for one that is no CEL, too long, too deep or of a rare form."""
    if len(text) > MAX_CHARACTERS:
        raise Unreadable("it is too long")
    parser = _Parser(_tokens(text))
    found = parser.expression()
    parser.take("end")
    return found


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while at < len(text):
        match = _RAW_STRING.match(text, at) or _TOKEN.match(text, at)
        if match is None:
            raise Unreadable(f"{text[at]!r} is not read here")
        kind = match.lastgroup or "string"
        if kind != "space":
            found.append(_Token("sign" if kind == "name" and match[0] == IN else kind, match[0]))
        at = match.end()
    return [*found, _Token("end", "")]


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def expression(self) -> Tree:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Unreadable("it is nested too deep")
        found = self._level(0)
        if self._skip("?"):
            yes = self._level(0)
            self.take(":")
            found = Call(IF, (found, yes, self.expression()))
        self._depth -= 1
        return found

    def take(self, wanted: str) -> str:
        """The next token's text, which must be of that kind or be that sign."""
        token = self._tokens[self._at]
        if wanted not in (token.kind, token.text):
            raise Unreadable(f"{token.text or 'its end'!r} stands where {wanted!r} was expected")
        self._at += 1
        return token.text

    def _skip(self, sign: str) -> bool:
        token = self._tokens[self._at]
        if token.kind == "sign" and token.text == sign:
            self._at += 1
            return True
        return False

    def _level(self, level: int) -> Tree:
        if level == len(_LEVELS):
            return self._unary()
        found = self._level(level + 1)
        if level < _LOGICAL:
            parts = [found]
            while self._skip(_LEVELS[level][0]):
                parts.append(self._level(level + 1))
            return balanced(lambda left, right: Call(_LEVELS[level][0], (left, right)), parts)
        while self._tokens[self._at].kind == "sign" and self._tokens[self._at].text in _LEVELS[level]:
            operator = self.take("sign")
            found = Call(operator, (found, self._level(level + 1)))
        return found

    def _unary(self) -> Tree:
        for sign, function in (("!", NOT), ("-", NEGATE)):
            count = 0
            while self._skip(sign):
                count += 1
            if not count:
                continue
            token = self._tokens[self._at]
            if sign == "-" and token.kind in ("int", "double"):
                # cel-go reads the sign next to a number as part of it, and two signs as none.
                self._tokens[self._at] = _Token(token.kind, "-" * (count % 2) + token.text)
                return self._member()
            inner = self._member()
            return Call(function, (inner,)) if count % 2 else inner
        return self._member()

    def _member(self) -> Tree:
        found = self._primary()
        while True:
            if self._skip("."):
                name = self.take("name")
                found = Call(name, self._arguments(")"), found) if self._skip("(") else Select(found, name)
            elif self._skip("["):
                found = Call(INDEX, (found, self.expression()))
                self.take("]")
            else:
                return found

    def _primary(self) -> Tree:
        token = self._tokens[self._at]
        self._at += 1
        if token.kind == "name":
            if token.text in _WORDS:
                return Literal(*_WORDS[token.text])
            return self._named(token.text) if self._skip("(") else Name(token.text)
        if token.kind in ("int", "uint", "double"):
            return _number(token)
        if token.kind == "string":
            return _string(token.text)
        if token.text == "(":
            found = self.expression()
            self.take(")")
            return found
        if token.text == "[":
            return Items(self._arguments("]"))
        if token.text == "{":
            return Entries(self._pairs())
        raise Unreadable(f"{token.text or 'its end'!r} stands where a value was expected")

    def _named(self, name: str) -> Tree:
        arguments = self._arguments(")")
        if name != "has":
            return Call(name, arguments)
        if len(arguments) != 1 or not isinstance(arguments[0], Select):
            raise Unreadable("has() is not used on a field")
        return Select(arguments[0].of, arguments[0].field, test=True)

    def _arguments(self, end: str) -> tuple[Tree, ...]:
        found: list[Tree] = []
        while not self._skip(end):
            found.append(self.expression())
            if not self._skip(","):
                self.take(end)
                break
        return tuple(found)

    def _pairs(self) -> tuple[tuple[Tree, Tree], ...]:
        found: list[tuple[Tree, Tree]] = []
        while not self._skip("}"):
            key = self.expression()
            self.take(":")
            found.append((key, self.expression()))
            if not self._skip(","):
                self.take("}")
                break
        return tuple(found)


def _number(token: _Token) -> Literal:
    if token.kind == "double":
        return Literal("double", repr(float(token.text)))
    return Literal(token.kind, str(int(token.text.rstrip("uU"), 16 if "x" in token.text else 10)))


def _string(written: str) -> Literal:
    quote = re.search(r"\"\"\"|'''|\"|'", written)
    if quote is None:
        raise Unreadable("a string without quotes")
    prefix, inner = written[: quote.start()].lower(), written[quote.end() : -len(quote[0])]
    if "b" in prefix:
        return Literal("bytes", written)
    inner = inner.replace("\r\n", "\n").replace("\r", "\n")
    return Literal("string", inner if "r" in prefix else _ESCAPE.sub(_unescaped, inner))


def _unescaped(match: re.Match[str]) -> str:
    hexadecimal = match[1] or match[2] or match[3]
    point = int(hexadecimal, 16) if hexadecimal else int(match[4], 8) if match[4] else -1
    if point >= 0:
        if point > 0x10FFFF or 0xD800 <= point <= 0xDFFF:
            raise Unreadable("an escape that is no character")
        return chr(point)
    if match[5] not in _PLAIN_ESCAPES:
        raise Unreadable(f"the escape {match[0]!r}")
    return _PLAIN_ESCAPES[match[5]]
