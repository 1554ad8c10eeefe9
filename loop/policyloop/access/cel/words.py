"""The words of a CEL expression, as cel-go's lexer makes them: the one place that says what a token is.

Only the five characters of `_SPACE` are white space and only a line feed ends a comment. Everything that is no word,
such as a next-line character (U+0085) or a letter with an accent outside of a text, is refused as the compiler does.
"""

import re
from typing import Literal, NamedTuple

_SPACE = r"[\t\n\f\r ]"
_ESCAPE = r"\\(?:[abfnrtv\"'\\?`]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2})"
_TOKEN = re.compile(
    rf"""
    (?P<space>{_SPACE}+|//[^\n]*)
    |(?P<text>[bB]?(?:
        [rR](?:\"\"\".*?\"\"\"|'''.*?'''|"[^"\n\r]*"|'[^'\n\r]*')
        |\"\"\"(?:{_ESCAPE}|[^\\])*?\"\"\"|'''(?:{_ESCAPE}|[^\\])*?'''
        |"(?:{_ESCAPE}|[^"\\\n\r])*"|'(?:{_ESCAPE}|[^'\\\n\r])*'))
    |(?P<double>[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?)
    |(?P<uint>(?:0x[0-9a-fA-F]+|[0-9]+)[uU])
    |(?P<int>0x[0-9a-fA-F]+|[0-9]+)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<quoted>`[A-Za-z0-9_./ -]+`)
    |(?P<sign>&&|\|\||<=|>=|==|!=|[<>!?:,.()\[\]{{}}+*/%-])
    """,
    re.VERBOSE | re.DOTALL,
)
_OPEN, _CLOSE = "([{", ")]}"

Kind = Literal["text", "double", "uint", "int", "name", "quoted", "sign", "end"]


class NotCel(ValueError):
    """A text that is no CEL, or that is not read here for sure; the message says why."""


class Word(NamedTuple):
    """One word. `start` counts characters from 0; `depth` the brackets around it. `in` is a sign."""

    kind: Kind
    text: str
    start: int
    depth: int

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.start + len(self.text)


def words(expression: str) -> tuple[Word, ...]:
    """The words of an expression, without white space and comments. Raises `NotCel`."""
    held: list[Word] = []
    at = depth = 0
    while at < len(expression):
        match = _TOKEN.match(expression, at)
        if match is None or match.lastgroup is None:
            raise NotCel(f"{expression[at : at + 20]!r} is no word of CEL")
        at = match.end()
        if match.lastgroup == "space":
            continue
        kind: Kind = "sign" if match[0] == "in" else match.lastgroup  # type: ignore[assignment]
        depth -= kind == "sign" and match[0] in _CLOSE
        held.append(Word(kind, match[0], match.start(), depth))
        depth += kind == "sign" and match[0] in _OPEN
    return tuple(held)
