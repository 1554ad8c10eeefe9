"""What a text of shell consists of. Named tuples: frozen, and cheap enough for each call of an agent."""

from typing import NamedTuple, TypeAlias


class Unparsed(Exception):
    """Nothing is said about this text. `reason` is a short name from `REASONS`, at times with a detail behind it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


REASONS = {
    "syntax": "the grammar reports an error in it",
    "carriage-return": "a carriage return: programs differ on whether it ends a line",
    "nul": "a NUL byte: where the text ends differs from program to program",
    "encoding": "not UTF-8",
    "too-long": "more than 100,000 bytes",
    "too-deep": "nested more deeply than anybody writes by hand",
    "too-many": "more commands than anybody writes by hand, once braces, loops and values are multiplied out",
    "reserved-character": "a character from the private-use block that we use ourselves",
    "disagreement": "two readings of the text see different commands",
    "form": "a form of the shell that we do not know",
}


class Variable(NamedTuple):
    """`$NAME` or `${NAME...}`; `operator` and `operand` as in `${NAME:-operand}`; empty where there is none."""

    name: str
    quoted: bool
    operator: str = ""
    operand: "Word" = ""


class Substitution(NamedTuple):
    """`$(...)` or backticks: the output of commands."""

    body: "Block"
    quoted: bool


class ProcessFile(NamedTuple):
    """`<(...)` (read from it) or `>(...)` (written to it): a file that is a program's output or input."""

    body: "Block"
    written: bool


class Arithmetic(NamedTuple):
    """`$((...))`: a number. `parts` are run for what they do."""

    parts: "Word"


Part: TypeAlias = str | Variable | Substitution | ProcessFile | Arithmetic
Word: TypeAlias = str | tuple[Part, ...]
"""A word whose text is known is that text; others are their parts. Marks (`marks.py`) stand in both."""


class Assignment(NamedTuple):
    """`NAME=value`, `NAME+=value`, `NAME[i]=value` (partly), `NAME=(a b)` (a list)."""

    name: str
    value: "Word | list[Word]"
    appended: bool = False
    partly: bool = False


class Redirect(NamedTuple):
    """`2>file`. `operator` as typed; a here-document is `<<` with its text, `literal` where nothing is expanded."""

    descriptor: str
    operator: str
    target: Word
    literal: bool = False


class Simple(NamedTuple):
    """A program with its words, or assignments alone."""

    assignments: tuple[Assignment, ...]
    words: tuple[Word, ...]
    redirects: tuple[Redirect, ...]


class Declaration(NamedTuple):
    """`export`, `declare`, `local`, `readonly`, `typeset`."""

    keyword: str
    words: tuple[Word, ...]
    assignments: tuple[Assignment, ...]


class Check(NamedTuple):
    """`[[ ]]`, `(( ))` and the head of a C-like loop: only the substitutions within do something."""

    parts: Word


class Pipeline(NamedTuple):
    """`a | b`."""

    parts: "tuple[Statement, ...]"


class Chain(NamedTuple):
    """`a && b || c`: `rest` holds each operator with what stands behind it."""

    first: "Statement"
    rest: "tuple[tuple[str, Statement], ...]"


class Block(NamedTuple):
    """Statements in a line; `apart` where a subshell runs them."""

    statements: "tuple[Statement, ...]"
    apart: bool = False


class If(NamedTuple):
    """Conditions with what each leads to, and what is done otherwise."""

    branches: tuple[tuple[Block, Block], ...]
    otherwise: Block | None


class Loop(NamedTuple):
    """`while`/`until` with a condition, or `for`/`select` over words (None: over the arguments)."""

    condition: Block | None
    name: str
    words: tuple[Word, ...] | None
    body: Block


class Case(NamedTuple):
    """`case word in pattern) ...`."""

    word: Word
    items: tuple[tuple[tuple[Word, ...], Block], ...]


class Function(NamedTuple):
    """A definition: nothing runs yet."""

    name: str
    body: "Statement"


class Redirected(NamedTuple):
    """A statement that is no simple command, with redirections of its own."""

    body: "Statement"
    redirects: tuple[Redirect, ...]


class Background(NamedTuple):
    """`a &`."""

    body: "Statement"


Statement: TypeAlias = (
    Simple | Declaration | Check | Pipeline | Chain | Block | If | Loop | Case | Function | Redirected | Background
)
