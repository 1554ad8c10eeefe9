"""What a document is made of when somebody reads it: a page of blocks, which every format draws in its own way.

A page says what is there, not how it looks. Its texts may be anybody's: a format cleans every one before it is shown.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Mark = Literal["good", "warn", "bad"]
"""Green, amber, red: `good` is for what is good, not for what merely did not fail."""
Tone = Literal["", "good", "warn", "bad", "note", "quiet", "strong"]
"""A mark, or how much a line matters: worth knowing, beside the point, the point."""
Level = Literal["error", "warning", "notice"]
"""How loud an annotation is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """An annotation at a place in a file, shown only where there are annotations."""

    level: Level
    title: str
    text: str
    file: str = ""
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence of its own. `depth`: how far it is set in, from 0."""

    text: str
    tone: Tone = ""
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Passing:
    """How it goes on; of no interest once it went on."""

    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """Something happened: what, and what else is to be known of it."""

    head: str
    rest: str = ""
    tone: Tone = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that was found. `place`: where it stands; `label`: its code; `details`: what shows it and why.

    With an `alarm` it is an annotation instead, where there are annotations.
    """

    text: str
    place: str = ""
    label: str = ""
    tone: Tone = ""
    excerpt: str = ""
    details: tuple[str, ...] = ()
    depth: int = 0
    alarm: Alarm | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and what is so of it. `word`: its state in a word; `hint`: what to do; `share`: 0 to 1, of a whole."""

    name: str
    text: str
    mark: Mark | None = None
    word: str = ""
    hint: str = ""
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is to be known at a glance. `cards`: on a page each stands out."""

    facts: tuple[Fact, ...]
    cards: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; the first cell names the row."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """A text in a language (`diff`, `yaml`, `json`), as it is. `to_paste`: a log does not set it in."""

    text: str
    language: str
    title: str = ""
    to_paste: bool = False


@dataclass(frozen=True, slots=True)
class Quote:
    """What a person said, line by line."""

    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """From a cell to the block whose `anchor` it names."""

    anchor: str
    sign: str
    words: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a grid: a sign, its meaning in words, and what it leads to. `look`: a class of the style sheet."""

    sign: str
    words: str
    look: str = ""
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Grid:
    """Who may do what: a row a role, a column an action. `notes` are what the numbers in the cells stand for."""

    title: str
    corner: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Details:
    """More about it. A page folds it away; a log leaves it out, and names the `command` that shows it, if any.

    With an `anchor` it is shown on a page only when a link leads to it, and closing it leads `back`.
    """

    title: str
    blocks: "tuple[Block, ...]"
    open: bool = False
    command: str = ""
    anchor: str = ""
    back: str = ""
    look: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A part with a heading, which the index of a page lists. `first`: what a reader in a hurry wants first."""

    anchor: str
    title: str
    blocks: "tuple[Block, ...]"
    first: bool = False


Block = (
    Alarm | Line | Passing | Step | Item | Facts | Table | Code | Quote | Grid | Details | Section
)  # whoever adds one adds it to each format


@dataclass(frozen=True, slots=True)
class Verdict:
    """How it came out: a word that stands out, and what it means."""

    word: str
    words: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Gauge:
    """How much of something is used. `form` writes both as `str.format` does."""

    name: str
    used: float
    cap: float
    form: str = "{:.0f}"


@dataclass(frozen=True, slots=True)
class Status:
    """What is being done now, and what it has used; `clock` counts seconds, and goes on meanwhile."""

    doing: str
    gauges: tuple[Gauge, ...]
    clock: Gauge


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Everything that is shown of one document. `document` makes its JSON; without one it is only progress.

    `status` is what goes on until the next page, for a format that can show it.
    """

    title: str = ""
    blocks: tuple[Block, ...] = ()
    verdict: Verdict | None = None
    document: Callable[[], object] | None = None
    status: Status | None = None
