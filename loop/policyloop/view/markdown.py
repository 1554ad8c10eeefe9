"""Markdown in which nothing that a file or a model wrote is taken for markup: for pull requests and for agents."""

from collections.abc import Iterable, Iterator
from html import escape

from policyloop.printing import WHOLE, clean, one_line
from policyloop.view.blocks import (
    Alarm,
    Block,
    Cell,
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
    Verdict,
)

_SIGNS = {"good": "✅", "bad": "❌", "warn": "⚠️"}


def markdown(page: Page, level: int = 2) -> str:
    """The whole text; its title is a heading of that level."""
    parts = []
    head = escaped(page.title)
    if page.verdict is not None:
        said = _verdict(page.verdict)
        parts.append(f"{'#' * level} {head}\n\n{said}\n" if head else f"\n{said}\n")
    elif head:
        parts.append(f"{'#' * level} {head}\n")
    return "\n".join([*parts, *_blocks(page.blocks, level + 1)])


def _verdict(verdict: Verdict) -> str:
    words = f": {escaped(verdict.words)}" if verdict.words else ""
    return f"**{_SIGNS[verdict.mark]} {escaped(verdict.word)}**{words}"


def _blocks(blocks: Iterable[Block], level: int) -> Iterator[str]:
    for block in blocks:
        yield from _block(block, level)


def _block(block: Block, level: int) -> Iterator[str]:  # noqa: C901  (one case a kind of block)
    match block:
        case Line(text, tone, depth):
            sign = f"{_SIGNS[tone]} " if tone in ("warn", "bad") else ""
            yield f"{'  ' * depth}- {sign}{escaped(text)}"
        case Step(head, rest):
            yield f"- {escaped(f'{head}; {rest}' if rest else head)}"
        case Item():
            yield from _item(block)
        case Facts(facts):
            rows = [
                (_SIGNS.get(fact.mark or "", fact.word), fact.name, _hinted(fact.text, fact.hint)) for fact in facts
            ]
            yield table(("", "", ""), rows)
        case Table(head, rows):
            yield table(head, rows) if rows else ""
        case Code(text, language, title):
            yield f"\n{escaped(title)}:\n" if title else ""
            yield fenced(text, language)
        case Quote(text):
            yield "\n".join(f"> {escaped(line)}" for line in text.splitlines()) + "\n"
        case Grid():
            yield _grid(block)
        case Details(title, inside):
            yield folded(title, "\n".join(_blocks(inside, level + 1)))
        case Section(_, title, inside):
            yield f"\n{'#' * level} {escaped(title)}\n"
            yield from _blocks(inside, level + 1)
        case Alarm() | Passing():
            return


def _item(item: Item) -> Iterator[str]:
    edge = "  " * item.depth
    yield f"{edge}- {escaped(': '.join(filter(None, (item.place, item.label, item.text))))}"
    yield from (f"{edge}  - {escaped(detail)}" for detail in item.details)


def _hinted(text: str, hint: str) -> str:
    return f"{text} -> {hint}" if hint else text


def _grid(grid: Grid) -> str:
    head = tuple(escaped(name) for name in (grid.title, *grid.columns))
    rows = [(f"**{escaped(name)}**", *(_cell(cell) for cell in cells)) for name, cells in grid.rows]
    notes = "".join(f"\n{number}. {escaped(note)}" for number, note in enumerate(grid.notes, 1))
    return f"{raw_table(head, rows)}{notes}\n"


def _cell(cell: Cell) -> str:
    return " ".join([escaped(cell.sign), *(f"**{escaped(link.sign)}**" for link in cell.links)])


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, cleaned and on one line.

    That is without entities, too: `&#x202e;` would be the very character that was taken out.
    """
    return "".join(f"\\{c}" if c in "\\`*_{}[]()#+!|<>~@&$" else c for c in one_line(text, WHOLE))


def table(head: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    """A table of escaped cells."""
    return raw_table(tuple(map(escaped, head)), [tuple(escaped(cell) for cell in row) for row in rows])


def raw_table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table of cells that are Markdown already."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def fenced(text: str, language: str = "diff") -> str:
    """A block of code, fenced so that nothing in it ends it."""
    shown = clean(text)
    shown = shown if shown.endswith("\n") or not shown else f"{shown}\n"
    fence = "````"
    while fence in shown:
        fence += "`"
    return f"{fence}{language if language.isalpha() else ''}\n{shown}{fence}\n"


def folded(summary: str, body: str) -> str:
    """A part that is opened by a click. The summary is HTML, in which GitHub reads no Markdown."""
    return f"\n<details><summary>{escape(one_line(summary, 600))}</summary>\n\n{body}\n</details>\n"
