"""One self-contained HTML page: no script, no network, light and dark, readable with a keyboard and on paper."""

from collections.abc import Iterable, Iterator
from html import escape
from itertools import groupby

from policyloop.printing import WHOLE, clean, one_line
from policyloop.view.blocks import (
    Alarm,
    Block,
    Cell,
    Code,
    Details,
    Fact,
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
from policyloop.view.style import STYLE

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def html(page: Page) -> str:
    """The whole document."""
    sections = [block for block in page.blocks if isinstance(block, Section)]
    others = [block for block in page.blocks if not isinstance(block, Section)]
    skip = "".join(
        f'<a class="skip" href="#{text(part.anchor)}">To {text(part.title)}</a>' for part in sections if part.first
    )
    index = "".join(f'<li><a href="#{text(part.anchor)}">{text(part.title)}</a></li>' for part in sections)
    listed = f'<nav aria-label="Sections"><ul>{index}</ul></nav>' if index else ""
    verdict = _verdict(page.verdict) if page.verdict else ""
    head = f"<header><h1>{text(page.title)}</h1>{verdict}{_blocks(others)}{listed}</header>"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{text(page.title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="referrer" content="no-referrer"><style>{STYLE}</style></head>\n'
        f"<body>{skip}{head}<main>{_blocks(sections)}</main></body></html>\n"
    )


def text(given: str) -> str:
    """Anybody's text on one line, escaped for elements and for quoted attributes."""
    return escape(one_line(given, WHOLE))


def _verdict(verdict: Verdict) -> str:
    return f'<p class="verdict"><b class="{text(verdict.mark)}">{text(verdict.word)}</b>{text(verdict.words)}</p>'


def _blocks(blocks: Iterable[Block]) -> str:
    """Blocks one below the other; lines and items that follow one another are a list."""
    made = []
    for is_list, group in groupby(blocks, key=lambda block: isinstance(block, Line | Item)):
        inside = "".join(map(_block, group))
        made.append(f"<ul>{inside}</ul>" if is_list else inside)
    return "".join(made)


def _block(block: Block) -> str:  # noqa: C901  (one case a kind of block)
    match block:
        case Line(said, tone, depth):
            return f'<li class="{tone} depth-{min(depth, 3)}">{text(said)}</li>'
        case Item():
            return _item(block)
        case Step(head, rest, tone):
            return f'<h2 class="{tone}">{text(head)}</h2>' + (f"<p>{text(rest)}</p>" if rest else "")
        case Facts(facts, cards):
            return _cards(facts) if cards else f"<dl>{''.join(map(_fact, facts))}</dl>"
        case Table(head, rows, title):
            return _table(head, rows, title)
        case Code(said, language, title):
            head = f"<p>{text(title)}:</p>" if title else ""
            return head + (_diff(said) if language == "diff" else f"<pre>{escape(clean(said))}</pre>")
        case Quote(said):
            return f"<blockquote>{escape(clean(said))}</blockquote>"
        case Grid():
            return _grid(block)
        case Details() if block.anchor:
            return (
                f'<article class="witness {text(block.look)}" id="{text(block.anchor)}" tabindex="-1">'
                f'<a class="close" href="#{text(block.back)}">Close</a><h4>{text(block.title)}</h4>'
                f"{_blocks(block.blocks)}</article>"
            )
        case Details(title, inside, is_open):
            opened = " open" if is_open else ""
            summary = f'<summary class="{text(block.look)}">{text(title)}</summary>'
            return f"<details{opened}>{summary}{_blocks(inside)}</details>"
        case Section(anchor, title, inside):
            head = f'<h2 id="{text(anchor)}">{text(title)}</h2>'
            return f'<section aria-labelledby="{text(anchor)}">{head}{_blocks(inside)}</section>'
        case Alarm() | Passing():
            return ""


def _item(item: Item) -> str:
    place = f'<span class="code">{text(f"{item.place} {item.label}")}</span> ' if item.place or item.label else ""
    excerpt = f"<pre>{escape(clean(item.excerpt))}</pre>" if item.excerpt else ""
    told = "".join(f"<li>{text(detail)}</li>" for detail in item.details)
    details = f"<ul>{told}</ul>" if told else ""
    return f'<li class="{text(item.tone)}">{place}{text(item.text)}{excerpt}{details}</li>'


def _fact(fact: Fact) -> str:
    bar = ""
    if fact.share is not None:
        bar = f'<span class="bar" aria-hidden="true"><i style="width:{round(100 * fact.share)}%"></i></span>'
    word = f"{text(fact.word)}: " if fact.word else ""
    hint = f" → {text(fact.hint)}" if fact.hint else ""
    return f'<dt>{text(fact.name)}</dt><dd class="{fact.mark or ""}">{bar}{word}{text(fact.text)}{hint}</dd>'


def _cards(facts: Iterable[Fact]) -> str:
    cards = (
        f'<li><span>{text(fact.name)}</span><b class="{fact.mark or ""}">{text(fact.text)}</b></li>' for fact in facts
    )
    return f'<ul class="facts">{"".join(cards)}</ul>'


def _diff(diff: str) -> str:
    """A unified diff, its lines told apart by more than colour: they keep their signs."""
    tags = {"+": "ins", "-": "del"}
    lines = []
    for line in clean(diff).splitlines():
        tag = tags.get(line[:1])
        is_name = line.startswith(("--- ", "+++ "))
        lines.append(f"<{tag}>{escape(line)}</{tag}>" if tag and not is_name else f"{escape(line)}\n")
    return f"<pre>{''.join(lines)}</pre>"


def _table(head: Iterable[str], rows: Iterable[tuple[str, ...]], title: str) -> str:
    top = "".join(f'<th scope="col">{text(cell)}</th>' for cell in head)
    body = "".join(
        f'<tr><th scope="row">{text(row[0])}</th>{"".join(f"<td>{text(cell)}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    said = f"<caption>{text(title)}</caption>" if title else ""
    return f'<div class="wide"><table>{said}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _grid(grid: Grid) -> str:
    name = text(grid.title)
    head = "".join(f'<th scope="col" class="code">{text(column)}</th>' for column in grid.columns)
    rows = "".join(f'<tr><th scope="row">{text(row)}</th>{"".join(map(_cell, cells))}</tr>' for row, cells in grid.rows)
    notes = "".join(f"<li>{text(note)}</li>" for note in grid.notes)
    return (
        f'<h3>{name}</h3><div class="wide"><table class="matrix"><caption>Who may do what with {name}</caption>'
        f'<thead><tr><th scope="col">{text(grid.corner)}</th>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
        + (f'<ol class="when">{notes}</ol>' if notes else "")
    )


def _cell(cell: Cell) -> str:
    words, sign = text(cell.words), text(cell.sign)
    if not cell.links:
        return f'<td class="{text(cell.look)}"><span role="img" aria-label="{words}" title="{words}">{sign}</span></td>'
    links = " ".join(_links(cell))
    return f'<td class="{text(cell.look)}" title="{words}"><span aria-hidden="true">{sign}</span> {links}</td>'


def _links(cell: Cell) -> Iterator[str]:
    for link in cell.links:
        yield f'<a href="#{text(link.anchor)}">{text(link.sign)} {text(link.words)}</a>'
