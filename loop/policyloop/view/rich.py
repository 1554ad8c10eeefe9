"""A terminal: what happened scrolls by, and a panel below it shows the cycle, the class and each budget, live."""

from collections.abc import Iterable

from rich.console import Console
from rich.live import Live

from policyloop.printing import WHOLE, one_line
from policyloop.view.blocks import (
    Alarm,
    Block,
    Code,
    Details,
    Facts,
    Grid,
    Item,
    Line,
    Page,
    Passing,
    Quote,
    Section,
    Status,
    Step,
    Table,
    Tone,
    Verdict,
)
from policyloop.view.canvas import Canvas
from policyloop.view.panel import StatusPanel

STYLES: dict[Tone, str] = {
    "": "",
    "good": "green",
    "warn": "yellow",
    "bad": "red",
    "note": "cyan",
    "quiet": "dim",
    "strong": "bold",
}
LABELS = {"syntax": "magenta", "schema": "blue", "compile": "yellow", "test": "cyan"}
"""Colours of the classes of errors."""


class RichView:
    """For people at a terminal. Text from files, models and the compiler is never read as markup."""

    def __init__(self, console: Console | None = None) -> None:
        self._canvas = Canvas(console)
        self._panel: StatusPanel | None = None
        self._live: Live | None = None

    def show(self, page: Page) -> None:
        """What it is made of, then how it came out; below it the panel, where something goes on."""
        if page.status is not None:
            self._goes_on(page.status)
        if page.document is not None or page.verdict is not None:
            self.pause()
        self._draw(page.blocks)
        if page.verdict is not None:
            self._verdict(page.verdict)

    def _goes_on(self, status: Status) -> None:
        if self._panel is None:
            self._panel = StatusPanel()
        self._panel.status = status
        if self._live is None:
            self._live = Live(self._panel, console=self._canvas.console, transient=True, refresh_per_second=8)
            self._live.start()

    def pause(self) -> None:
        """Something is asked: the panel goes until the next page with a status."""
        if self._live:
            self._live.stop()
            self._live = None

    def close(self) -> None:
        """Give the terminal back."""
        self.pause()

    def _draw(self, blocks: Iterable[Block]) -> None:
        for block in blocks:
            self._block(block)

    def _block(self, block: Block) -> None:  # noqa: C901, PLR0912  (one case a kind of block)
        canvas = self._canvas
        match block:
            case Line(text, tone, depth):
                self._line(one_line(text, WHOLE), depth, STYLES[tone])
            case Step(head, rest, tone):
                self._step(one_line(head, WHOLE), one_line(rest, WHOLE), STYLES[tone])
            case Item():
                self._item(block)
            case Facts():
                self._facts(block)
            case Table(head, rows, title):
                canvas.table(title, head, rows)
            case Code(text, language, title):
                if title:
                    canvas.rule(title)
                canvas.code(text, language, theme="ansi_dark" if language == "diff" else "monokai")
            case Quote(text):
                for line in text.splitlines():
                    canvas.line(f"> {one_line(line, WHOLE)}", style="italic")
            case Grid():
                self._grid(block)
            case Details(title, _, command=command):
                if command:
                    canvas.line(one_line(f"{title}: {command}", WHOLE), style="dim")
            case Section(_, title, inside):
                canvas.line()
                canvas.rule((title, "bold"))
                self._draw(inside)
            case Alarm() | Passing():
                return

    def _line(self, text: str, depth: int, style: str) -> None:
        if depth:
            self._canvas.set_in(text, depth, style)
        else:
            self._canvas.line(text, style=style)

    def _step(self, head: str, rest: str, style: str) -> None:
        if rest:
            self._canvas.rule((head, style))
            self._canvas.line(rest, style="dim")
        else:
            self._canvas.line(head, style=style)

    def _item(self, item: Item) -> None:
        edge = "  " * item.depth
        colour = LABELS.get(item.label.partition("/")[0], STYLES[item.tone])
        place = [(f"{item.place} ", "bold")] if item.place else []
        label = [(f"{item.label}  ", colour)] if item.label else []
        self._canvas.pieces(edge, *place, *label, (one_line(item.text, WHOLE), "" if label else colour))
        if item.excerpt:
            self._canvas.excerpt("\n".join(f"{edge}{line}" for line in item.excerpt.splitlines()))
        for detail in item.details:
            self._canvas.set_in(one_line(detail, WHOLE), item.depth + 1)

    def _facts(self, facts: Facts) -> None:
        for fact in facts.facts:
            style = STYLES[fact.mark or ""]
            word = [(f"{fact.word:8} ", style)] if fact.word else []
            name = f"{fact.name:16} " if fact.word else f"{fact.name}: "
            self._canvas.pieces(*word, name, (fact.text, "" if word else style))
            if fact.hint:
                self._canvas.line(f"{'':8} {'':16} -> {one_line(fact.hint, WHOLE)}")

    def _grid(self, grid: Grid) -> None:
        rows = [
            (name, *(" ".join([cell.sign, *(link.sign for link in cell.links)]) for cell in cells))
            for name, cells in grid.rows
        ]
        self._canvas.table(grid.title, (grid.corner, *grid.columns), rows)
        for number, note in enumerate(grid.notes, 1):
            self._canvas.line(f"  {number}. {one_line(note, WHOLE)}")

    def _verdict(self, verdict: Verdict) -> None:
        colour = STYLES[verdict.mark]
        self._canvas.pieces((f" {verdict.word.upper()} ", f"reverse bold {colour}"), " ", verdict.words)
