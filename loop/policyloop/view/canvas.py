"""A terminal to draw on, for the rich view: every word that is put here is cleaned, and none is read as markup."""

from collections.abc import Sequence
from typing import IO, cast

from rich.console import Console
from rich.rule import Rule
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from policyloop.printing import Unheard, clean, inert

Piece = str | tuple[str, str]
"""A text, or a text and its style."""


class Canvas:
    """Draws on `console`, by default on stdout."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        # Long lines are folded here, after they were cleaned: what begins a line is looked at once more.
        self.console.file = cast("IO[str]", Unheard(self.console.file))

    def line(self, line: str = "", style: str = "") -> None:
        """One line, folded where it is too long."""
        self.console.print(shown(line, style))

    def set_in(self, line: str, depth: int, style: str = "") -> None:
        """A line that is set in; where it is folded it stays so, a little deeper."""
        edge = "  " * depth
        room = max(self.console.width - len(edge) - 2, 20)
        folded = shown(line, style).wrap(self.console, room)
        for number, part in enumerate(folded):
            self.console.print(Text.assemble(edge if number == 0 else f"{edge}  ", part))

    def pieces(self, *given: Piece) -> None:
        """One line of pieces, each in a style of its own."""
        self.console.print(assembled(*given))

    def rule(self, *given: Piece) -> None:
        """A rule across, with a heading."""
        self.console.print(Rule(assembled(*given), align="left", style="dim"))

    def excerpt(self, text: str) -> None:
        """Lines of a file, not folded."""
        self.console.print(shown(text, "dim"), no_wrap=True, overflow="ellipsis")

    def code(self, text: str, language: str, theme: str = "monokai") -> None:
        """A text in its language's colours."""
        cleaned = clean(text).rstrip("\n")
        self.console.print(Syntax(cleaned, language, theme=theme, background_color="default", word_wrap=True))

    def table(self, title: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
        """A table; nothing for no rows."""
        if not rows:
            return
        table = Table(title=shown(title) if title else None, title_justify="left")
        for name in head:
            table.add_column(shown(name), overflow="fold")
        for row in rows:
            table.add_row(*(shown(cell) for cell in row))
        self.console.print(table)


def shown(line: str, style: str = "") -> Text:
    """Anybody's text, cleaned; never markup."""
    return Text("\n".join(map(inert, clean(line).split("\n"))), style=style)


def assembled(*given: Piece) -> Text:
    """Pieces of anybody's text on one line, cleaned; never markup."""
    return Text.assemble(*(inert(piece) if isinstance(piece, str) else (inert(piece[0]), piece[1]) for piece in given))
