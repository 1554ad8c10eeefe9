"""Text of the compiler and of files, made fit to be shown: printable, on one line where it must be, bounded."""

import re

MAX_MESSAGE = 2000
"""The most characters of one message; what is cut is counted."""
MAX_WIDTH = 160
"""The most characters of one line of an excerpt."""
_AROUND = 3
"""Lines shown before the offending one; one fewer follows it."""

_BREAKS = re.compile(r"[ \t]*[\r\n]+[ \t]*")


def visible(text: str) -> str:
    r"""`text` with everything that does not print written as an escape: `\x1b`, `\u202e`. Line feeds too."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c == "\xa0" else _escape(c) for c in text)


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def one_line(text: str, limit: int = MAX_MESSAGE) -> str:
    """`text` as one printable line of about `limit` characters at most, saying how many more there were."""
    kept = visible(_BREAKS.sub(" ", text[:limit].strip("\r\n")))
    left = len(text) - limit
    return kept if left <= 0 else f"{kept} ... ({left} more characters)"


def block(text: str, lines: int, limit: int) -> str:
    """The first `lines` lines of `text`, each printable, `limit` characters in all."""
    parts = text[:limit].strip("\n").split("\n")
    kept = [visible(part.rstrip("\r").replace("\t", "    ")) for part in parts[:lines]]
    left = len(text) - sum(len(part) + 1 for part in parts[:lines])
    return "\n".join([*kept, *([f"... ({left} more characters)"] if left > 0 else [])])


def excerpt(lines: list[str], line: int, column: int | None) -> str | None:
    """Line `line` (from 1) among its neighbours, marked, with a caret under `column`; None when it is not there."""
    if not 1 <= line <= len(lines):
        return None
    first, last = max(1, line - _AROUND), min(len(lines), line + _AROUND - 1)
    digits = max(3, len(str(last)))
    shown = []
    for number in range(first, last + 1):
        text, offset = _window(lines[number - 1], column if number == line else None)
        shown.append(f"{'>' if number == line else ' '} {number:>{digits}} | {text}".rstrip())
        if number == line and offset is not None:
            shown.append(f"  {'':>{digits}} | {' ' * offset}^")
    return "\n".join(shown)


def _window(line: str, column: int | None) -> tuple[str, int | None]:
    """The part of a line worth showing, and where in it `column` (from 1) falls."""
    column = min(column, len(line) + 1) if column is not None else None
    start = max(0, column - MAX_WIDTH // 2) if column is not None and len(line) > MAX_WIDTH else 0
    part = line[start : start + MAX_WIDTH]
    head, tail = "... " if start else "", " ..." if start + MAX_WIDTH < len(line) else ""
    before = head + visible(part[: column - 1 - start]) if column is not None else None
    return head + visible(part) + tail, len(before) if before is not None else None
