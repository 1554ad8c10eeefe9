"""Texts that do harm when they are printed raw, objects that are full of them, and who would notice.

`filled` makes an object of any of our types in which every text that somebody else can write is hostile.
"""

import random
import re
import types
import typing
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from html.parser import HTMLParser
from importlib import import_module
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from markdown_it import MarkdownIt

from policyloop.access.lint import CODES, Hole
from policyloop.budget import Budget
from policyloop.bundle import Bundle
from policyloop.view.blocks import Cell, Grid, Table

PIECES = (
    *("\x1b[2J", "\x1b]8;;http://127.0.0.1/\x1b\\link\x1b]8;;\x1b\\", "\x1b]0;title\x07", "\x9b31m", "\x1bP$q\x1b\\"),
    *("\r", "\n", "\r\n", "\x0b", "\x85", "\u2028", "\x00", "\x08\x08\x08", "\x7f", "\ud800"),
    *("\u202e", "\u2066", "\u061c", "\u200b", "\u00ad", "\u3164", "\U000e0041", "\U0001d173"),
    *("::error file=forged::x", "::set-output name=forged::x", "::add-mask::forged", "::stop-commands::forged"),
    *("\n::warning::forged", "\n \t::error::forged", "\u3000::error::forged", "%0A::error::forged"),
    *("##[error]forged", "##[set-output name=forged]x", "##vso[task.setvariable variable=forged]x", "###[group]forged"),
    *("[bold red]x[/bold red]", "<img src=x onerror=alert(1)>", "<script>alert(1)</script>", "&#x202e;", "&lt;b&gt;"),
    *("[x](http://127.0.0.1/)", "![x](http://127.0.0.1/)", "|", "`", "`````", "*", "- ", "> ", "$x$", "\\", "]]>"),
    *("word " * 15, "a" * 130, "é", "日本", "", " "),
)  # fmt: skip


def hostile(chance: random.Random) -> str:
    """A text that nobody wants to see printed raw."""
    return "".join(chance.choice(PIECES) for _ in range(chance.randint(1, 4)))


def filled(hint: Any, chance: random.Random, depth: int = 7) -> Any:  # noqa: C901, PLR0912
    """An object of that type, all of its texts hostile; what only we can write (words of an enumeration) is not."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is str:
        return hostile(chance)
    if hint is Any or hint is object:
        return {hostile(chance): [hostile(chance), chance.randint(0, 9), None]}
    if hint is None or hint is types.NoneType:
        return None
    if hint is bool:
        return chance.random() < 0.5
    if hint is int:
        return chance.randint(0, 9)
    if hint is float:
        return chance.random() * 9
    if origin is Literal:
        return chance.choice(inner)
    if origin in {Union, types.UnionType}:
        return filled(chance.choice(inner) if depth > 0 else inner[-1], chance, depth)
    if origin is typing.Annotated:
        return filled(inner[0], chance, depth)
    count = chance.randint(0 if depth < 6 else 1, 2) if depth > 0 else 0
    if origin is tuple and (len(inner) != 2 or inner[1] is not Ellipsis):
        return tuple(filled(one, chance, depth - 1) for one in inner)
    if origin in {tuple, list, frozenset, set, Sequence}:
        made = [filled(inner[0], chance, depth - 1) for _ in range(count)]
        return origin(made) if origin is not Sequence else made
    if origin in {dict, Mapping}:
        return {filled(inner[0], chance, depth - 1): filled(inner[1], chance, depth - 1) for _ in range(count)}
    if hint is Bundle:
        return Bundle({"a.yaml": "x"})
    if isinstance(hint, type) and issubclass(hint, Enum):
        return chance.choice(list(hint))
    if is_dataclass(hint):
        known = _hints(hint)
        made = {f.name: filled(known[f.name], chance, depth - 1) for f in fields(hint) if f.init}
        if hint is Budget:
            made = {name: cap + 1 for name, cap in made.items()}  # a cap of nothing is refused
        if hint is Hole:
            made["code"] = chance.choice(sorted(CODES))  # lint's own word, never read from anywhere
        if hint in {Table, Grid}:
            made |= _rectangular(hint, chance)
        return hint(**made)
    if isinstance(hint, type) and issubclass(hint, tuple):
        return hint(**{name: filled(kind, chance, depth - 1) for name, kind in _hints(hint).items()})
    raise TypeError(f"nothing is made of {hint!r}")


def _rectangular(hint: Any, chance: random.Random) -> dict[str, Any]:
    """Rows that have as many cells as there are heads."""
    width = chance.randint(1, 3)
    if hint is Table:
        return {
            "head": tuple(hostile(chance) for _ in range(width)),
            "rows": tuple(tuple(hostile(chance) for _ in range(width)) for _ in range(2)),
        }
    cells = tuple(filled(Cell, chance, 3) for _ in range(width))
    return {"columns": tuple(hostile(chance) for _ in range(width)), "rows": ((hostile(chance), cells),)}


@cache
def _hints(kind: type) -> dict[str, Any]:
    """A class's types, also those that its module imports for a type checker only."""
    modules = (
        "policyloop.access.lint",
        "policyloop.access.mutate",
        "policyloop.specification",
        "policyloop.access.matrix",
    )
    known = {name: item for module in modules for name, item in vars(import_module(module)).items()}
    return get_type_hints(kind, localns=known)


UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
OURS = {"error", "warning", "notice"}


def harmless(printed: str, *, drawn: bool = False, annotated: bool = False) -> None:
    """Nothing in what was printed moves a cursor, hides, or is heard by a runner. `drawn`: colours are ours.

    `annotated`: annotations are ours, and so is what makes a runner deaf.
    """
    seen = re.sub(r"\x1b\[[0-9;]*m|\x1b\[\?25[hl]|\x1b\[\d*[AK]|\r(?=\x1b|$)", "", printed) if drawn else printed
    odd = {char for char in seen if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} - {"\n"}} - {
        "\n",
        "\t",
    }
    assert not odd, f"{odd!r} in {printed!r}"
    token = ""
    for line in seen.split("\n"):
        assert not re.search(r"##\w*\[", line), line
        heard = line.strip()
        if token and heard == f"::{token}::":
            token = ""
        elif annotated and re.fullmatch(r"::stop-commands::[0-9a-f]{32}", heard):
            token = heard.removeprefix("::stop-commands::")
        elif heard.startswith("::") and not token:
            assert annotated, line
            command, _, properties = heard[2:].partition("::")[0].partition(" ")
            assert command in OURS, line
            assert {one.partition("=")[0] for one in properties.split(",")} <= {"file", "line", "col", "title"}, line
        else:
            assert not heard.startswith("::"), line
    assert not token


class _Reader(HTMLParser):
    def __init__(self, allowed: set[str]) -> None:
        super().__init__(convert_charrefs=True)
        self._allowed = allowed
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in self._allowed, tag
        for name, value in attrs:
            assert not name.startswith("on"), (tag, name)
            assert name not in {"href", "src"} or (value or "").startswith("#"), (tag, name, value)
            self.words.append(value or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def harmless_page(page: str, allowed: set[str]) -> None:
    """Nothing in an HTML page is a tag or an attribute that is not ours, or a character that no eye can see."""
    reader = _Reader(allowed)
    reader.feed(page)
    reader.close()
    harmless_words("".join(reader.words))
    harmless_words(page)


def harmless_words(text: str) -> None:
    odd = {char for char in text if unicodedata.category(char) in UNSEEN} - {"\n", "\t"}
    assert not odd, odd


RENDERED = {
    *(
        "p",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "ul",
        "ol",
        "li",
        "strong",
        "em",
        "code",
        "pre",
        "blockquote",
        "br",
        "hr",
    ),
    *("table", "thead", "tbody", "tr", "th", "td", "details", "summary"),
}


def harmless_markdown(text: str) -> None:
    """Nothing in a text becomes a link, an image, a tag or a character that no eye can see once it is rendered."""
    harmless_words(text)
    made = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    harmless_page(made, RENDERED)
