"""What every code means: the sections of docs/codes/, which are installed beside the package as `policyloop.pages`.

The pages are the table. A section is a heading of the third level, which is the code itself; its first paragraph is the
code's title. So a new code needs a section there and nothing here.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

KINDS = ("compiler", "lock", "spec", "lint", "mutate")
"""The pages, in the order in which a newcomer meets them. One name can stand in several: `wrong-type`, say."""

_SECTION = re.compile(r"^### (?P<name>.+?)\n\n(?P<text>.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
_GROUP = re.compile(r"^## (.+)$", re.MULTILINE)
_LINK = re.compile(r"\[`([^`\]]+)`\]\([^)]*\)")


@dataclass(frozen=True, slots=True)
class Code:
    """One code: on which page it stands, its name, what it means in a sentence, and its whole section as Markdown.

    `group` is the heading above it: for what the compiler says its class; empty on a page without such headings.
    """

    kind: str
    group: str
    name: str
    title: str
    text: str

    @property
    def anchor(self) -> str:
        """Where its section stands, from the project's root."""
        return f"docs/codes/{self.kind}.md#{self.name.lower().replace(' ', '-')}"

    @property
    def plain(self) -> str:
        """The section without links, which lead nowhere from a terminal."""
        return _LINK.sub(r"\1", self.text)


@cache
def codes() -> tuple[Code, ...]:
    """Every code, page by page."""
    return tuple(code for kind in KINDS for code in _on_page(kind))


def meanings(name: str) -> tuple[Code, ...]:
    """What a code means: a section of each page that has one of this name; none for an unknown one."""
    return tuple(code for code in codes() if code.name == name)


def _on_page(kind: str) -> list[Code]:
    page = (files("policyloop.pages") / f"{kind}.md").read_text(encoding="utf-8")
    found = []
    for section in _SECTION.finditer(page):
        text = section["text"].strip()
        title = " ".join(text.partition("\n\n")[0].split())
        above = _GROUP.findall(page, 0, section.start())
        found.append(Code(kind, above[-1] if above else "", section["name"], title, text))
    return found
