"""Plain lines, no colours: for logs, pipes and people who grep."""

from collections.abc import Iterable, Iterator
from typing import TextIO

from policyloop.printing import WHOLE, clean, one_line, say
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
    Step,
    Table,
)


class PlainView:
    """Plain lines on `out`, or else on stdout as it is when a line is printed."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out

    def show(self, page: Page) -> None:
        """What it is made of, then how it came out."""
        for line in page_lines(page):
            say(line, out=self._out)

    def pause(self) -> None:
        """Nothing moves here."""

    def close(self) -> None:
        """Nothing to give back."""


def page_lines(page: Page) -> Iterator[str]:
    """A page as lines, each clean."""
    yield from lines(page.blocks)
    if page.verdict is not None:
        yield _flat(f"{page.verdict.word}: {page.verdict.words}" if page.verdict.words else page.verdict.word)


def lines(blocks: Iterable[Block]) -> Iterator[str]:
    """Blocks as lines, each clean."""
    for block in blocks:
        yield from _lines(block)


def item_line(item: Item) -> str:
    """`place: label: text`, as far as there is."""
    return _flat(": ".join(filter(None, (item.place, item.label, item.text))))


def _lines(block: Block) -> Iterator[str]:  # noqa: C901, PLR0912  (one case a kind of block)
    match block:
        case Line(text, _, depth):
            yield "  " * depth + _flat(text)
        case Passing(text):
            yield _flat(text)
        case Step(head, rest):
            yield _flat(f"{head}; {rest}" if rest else head)
        case Item():
            yield from _item(block)
        case Facts(facts):
            for fact in facts:
                yield (
                    _flat(f"{fact.name}: {fact.text}")
                    if not fact.word
                    else _in_columns(fact.word, fact.name, fact.text)
                )
                if fact.hint:
                    yield _in_columns("", "", f"-> {fact.hint}")
        case Table(head, rows):
            for row in rows:
                yield _flat(f"{head[0]} {row[0]}: " + " | ".join(cell for cell in row[1:] if cell))
        case Code(text, title=title):
            if title:
                yield f"{_flat(title)}:"
            yield from _indented(text, "" if block.to_paste else "    ")
        case Quote(text):
            yield from _indented(text, "> ")
        case Grid():
            yield from _grid(block)
        case Details(title, _, command=command):
            if command:
                yield f"{_flat(title)}: {_flat(command)}"
        case Section(_, title, blocks):
            yield ""
            yield f"{_flat(title)}:"
            yield from lines(blocks)
        case Alarm():
            return


def _item(item: Item) -> Iterator[str]:
    edge = "  " * item.depth
    yield edge + item_line(item)
    yield from _indented(item.excerpt, f"{edge}  ")
    yield from (f"{edge}  {_flat(detail)}" for detail in item.details)


def _grid(grid: Grid) -> Iterator[str]:
    yield _flat(grid.title)
    for name, cells in grid.rows:
        said = (
            f"{column} {cell.words}" + "".join(f" ({link.words})" for link in cell.links)
            for column, cell in zip(grid.columns, cells, strict=False)
        )
        yield _flat(f"  {name}: {'; '.join(said)}")
    yield from (f"  {number}. {_flat(note)}" for number, note in enumerate(grid.notes, 1))


def _indented(text: str, edge: str) -> Iterator[str]:
    yield from (f"{edge}{line}" for line in clean(text).splitlines())


def _in_columns(word: str, name: str, text: str) -> str:
    return f"{_flat(word):8} {_flat(name):16} {_flat(text)}"


def _flat(text: str) -> str:
    return one_line(text, WHOLE)
