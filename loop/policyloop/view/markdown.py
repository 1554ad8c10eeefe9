"""Markdown in which nothing that a file or a model wrote is taken for markup."""

from policyloop.printing import clean


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, cleaned and on one line.

    That is without entities, too: `&#x202e;` would be the very character that was taken out.
    """
    flat = clean(text).replace("\n", " ")
    return "".join(f"\\{c}" if c in "\\`*_{}[]()#+!|<>~@&$" else c for c in flat)


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table of escaped cells."""
    return raw_table(tuple(head), [tuple(escaped(cell) for cell in row) for row in rows])


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
    return f"{fence}{language}\n{shown}{fence}\n"
