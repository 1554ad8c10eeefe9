"""One self-contained HTML page: no script, no network, light and dark, readable with a keyboard and on paper."""

from collections.abc import Iterable, Sequence
from html import escape

from policyloop.printing import WHOLE, clean, one_line

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
STYLE = """
:root { color-scheme: light dark; --page: #fbfbfa; --card: #fff; --ink: #1d2328; --quiet: #5c6670; --line: #dfe3e6;
  --soft: #f1f3f4; --good: #1a7f37; --bad: #b42318; --warn: #8a5300; --link: #0b57a4;
  --good-soft: #e8f4ea; --bad-soft: #fbe9e7; --warn-soft: #fdf1dc; --mono: ui-monospace, "SF Mono", Menlo, monospace; }
@media (prefers-color-scheme: dark) { :root { --page: #15181b; --card: #1c2024; --ink: #e3e7ea; --quiet: #98a3ad;
  --line: #31373d; --soft: #242a2f; --good: #57c271; --bad: #ff8a7d; --warn: #e7b25a; --link: #7fb8f5;
  --good-soft: #17301e; --bad-soft: #3a1d1b; --warn-soft: #36290f; } }
* { box-sizing: border-box; }
body { font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; color: var(--ink); background: var(--page);
  max-width: 64rem; margin: 0 auto; padding: 2.5rem 1.25rem 5rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .35rem; letter-spacing: -.01em; }
h2 { font-size: 1.15rem; margin: 2.8rem 0 .8rem; padding-top: 1.1rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.6rem 0 .5rem; }
p, ul, ol { margin: .5rem 0; } li { margin: .2rem 0; overflow-wrap: anywhere; }
a { color: var(--link); } .quiet { color: var(--quiet); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 3px; }
pre { background: var(--soft); padding: .75rem .9rem; overflow-x: auto; font: 13px/1.5 var(--mono); border-radius: 6px;
  margin: .5rem 0; }
code, .code { font-family: var(--mono); font-size: .9em; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.1rem; } dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-size: .94em; }
caption { text-align: left; color: var(--quiet); padding: 0 0 .4rem; }
th, td { text-align: left; vertical-align: top; padding: .42rem .7rem; border-bottom: 1px solid var(--line);
  overflow-wrap: anywhere; } thead th { color: var(--quiet); font-weight: 600; }
tbody th { font-weight: 600; }
.wide { overflow-x: auto; }
details { margin: .4rem 0; } summary { cursor: pointer; }
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
ins, del { text-decoration: none; display: block; } ins { color: var(--good); } del { color: var(--bad); }
@media print { body { max-width: none; padding: 0; background: none; } }
"""


def document(title: str, body: str, style: str = "") -> str:
    """The whole document. `body` and `style` are ours: everything of others in them is escaped already."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{text(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="referrer" content="no-referrer"><style>{STYLE}{style}</style></head>\n'
        f"<body>{body}</body></html>\n"
    )


def text(given: str, most: int = WHOLE) -> str:
    """Anybody's text on one line, escaped for elements and for quoted attributes."""
    return escape(one_line(given, most))


def code_block(given: str) -> str:
    """Anybody's text as it is, line by line."""
    return f"<pre>{escape(clean(given))}</pre>"


def diff_block(diff: str) -> str:
    """A unified diff, its lines told apart by more than colour: they keep their signs."""
    if not diff:
        return ""
    tags = {"+": "ins", "-": "del"}
    lines = (
        f"<{tag}>{escape(line)}</{tag}>"
        if (tag := tags.get(line[:1])) and not line.startswith(("--- ", "+++ "))
        else escape(line) + "\n"
        for line in clean(diff).splitlines()
    )
    return f"<pre>{''.join(lines)}</pre>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "") -> str:
    """A table of texts; the first cell of a row is its head."""
    top = "".join(f'<th scope="col">{text(cell)}</th>' for cell in head)
    body = "".join(
        f'<tr><th scope="row">{text(row[0])}</th>{"".join(f"<td>{text(cell)}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    said = f"<caption>{text(caption)}</caption>" if caption else ""
    return f'<div class="wide"><table>{said}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def bullets(lines: Iterable[str], mark: str = "") -> str:
    """A list of texts; nothing for none."""
    items = "".join(f"<li>{text(line)}</li>" for line in lines)
    return f'<ul class="{mark}">{items}</ul>' if items else ""
