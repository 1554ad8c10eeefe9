"""Whether it is certain that Cerbos reads a test file as we do.

We split YAML with libyaml, Cerbos with goccy/go-yaml 1.19.2, and the two differ in some corners: tags, directives, text
over several lines, an empty block of text, `{a:1}`. A changed test file may not stand in such a corner. What is plain
enough was found by comparing the two readings over many thousand generated files (`tests/test_guard_differential.py`
goes on doing so).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.events import CollectionEndEvent, CollectionStartEvent, MappingStartEvent, NodeEvent, ScalarEvent

from policyloop.yaml_text.reading import Unreadable, compose, plain_json

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CHARACTER = re.compile("[^\n\r -~\xa0-\u2027\u202a-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|\r(?!\n)")
_MARKER = re.compile(r"(?m)^(?:%|\.\.\.)")
_ANCHOR = re.compile(r"[A-Za-z0-9_-]+\Z")
_NAMED = re.compile(r"\A&[A-Za-z0-9_-]+\s*")
_PLAIN_BLOCK = re.compile(r"(?:[^\s\-?:,\[\]{}#&*!|>'\"%@`]|-(?=\S))[^\n\r]*\Z")
_PLAIN_FLOW = re.compile(r"(?:[\w./+~$(]|-(?=\w))[\w./+~$()@=;^-]*(?: [\w./+~$()@=;^-]+)*\Z")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T[\d:.]+(?:Z|[+-]\d{2}:\d{2})\Z", re.ASCII)
_ESCAPE = re.compile(r"""\\(?!["\\/abefnrtv0 _NLP]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})""")
_BLOCK_HEADER = re.compile(r"[|>][-+]?\r?\n")
_TRAILING_SPACE = re.compile(r" (?:\r?\n|\Z)")
_COMMENT = re.compile(r"#[^\n]*")
_REST = re.compile(r"[^ \r\n\-:,\[\]{}&*x\w]")


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something that Cerbos may read otherwise: its first character and the one after its last, its line, and why.

    `local`: only the value of the scalar that stands there is in doubt. Otherwise all of the file is: what one reader
    takes for a text, the other may take for more or less of the file than that.
    """

    start: int
    end: int
    line: int
    why: str
    local: bool = False

    def __str__(self) -> str:
        return f"line {self.line}: {self.why}"


def doubt(text: str) -> str:
    """Why the reading of `text` is in doubt, in a few words; empty when it is not, or when `text` is no YAML at all."""
    try:
        return str(next(doubts(text), ""))
    except Unreadable:
        return ""


def doubts(text: str) -> Iterator[Doubt]:
    """Everything in `text` whose reading is in doubt. Raises `Unreadable` when it is no YAML at all."""
    text = plain_json(text)
    for pattern, why in ((_CHARACTER, ""), (_MARKER, "a directive, or the end of a document")):
        for match in pattern.finditer(text):
            character = f"U+{ord(match.group()[0]):04X}, a character that YAML readers take differently"
            yield Doubt(match.start(), match.end(), _line(text, match.start()), why or character)
    compose(text)
    yield from _doubts(text)


def _line(text: str, index: int) -> int:
    return text.count("\n", 0, index) + 1


def _doubts(text: str) -> Iterator[Doubt]:
    rest: list[str] = []
    done = 0
    flow = [False]
    for event in yaml.parse(text, _LOADER):
        start, end = _at(event.start_mark), _at(event.end_mark)
        what = ""
        if isinstance(event, CollectionStartEvent):
            flow.append(bool(event.flow_style))
            if isinstance(event, MappingStartEvent) and event.flow_style and text[start:end][-1:] != "{":
                what = "a pair in a list"
        elif isinstance(event, CollectionEndEvent):
            flow.pop()
        elif isinstance(event, ScalarEvent):
            rest += [text[done:start], "x", "\n" * text.count("\n", start, end)]
            done = end
            raw = text[start:end]
            raw = _NAMED.sub("", raw) if event.anchor else raw
            time = _TIME.match(raw) and text[start - 2 : start] == ": "
            what = "" if time else _scalar(event, raw, flow[-1])
        what = what or _properties(event)
        if what:
            yield Doubt(start, end, _line(text, start), what)
    rest.append(text[done:])
    match = _REST.search(_COMMENT.sub("", "".join(rest)))
    if match:
        yield Doubt(0, len(text), 1, f"{match.group()!r} outside of any text")


def _at(mark: Any) -> int:
    return int(mark.index)


def _properties(event: yaml.Event) -> str:
    if not isinstance(event, NodeEvent):
        return ""
    if event.anchor and not _ANCHOR.match(event.anchor):
        return f"the anchor {event.anchor!r}"
    tag = getattr(event, "tag", None)
    return f"the tag {tag!r}" if tag else ""


def _scalar(event: ScalarEvent, raw: str, in_flow: bool) -> str:  # noqa: FBT001
    if event.style in ("|", ">"):
        return _block(event.value, raw)
    if "\n" in raw:
        return "text over several lines"
    if event.style == '"':
        return "an odd escape" if _ESCAPE.search(raw) else ""
    if event.style == "'" or not raw:
        return ""
    return "" if (_PLAIN_FLOW if in_flow else _PLAIN_BLOCK).match(raw) else f"the bare text {raw!r}"


def _block(value: str, raw: str) -> str:
    if not value.strip():
        return "an empty block of text"
    if _TRAILING_SPACE.search(raw):
        return "spaces at the end of a line of text"
    return "" if _BLOCK_HEADER.match(raw) else "the header of a block of text"
