"""Whether it is certain that Cerbos reads a test file as we do.

We split YAML with libyaml, Cerbos with goccy/go-yaml 1.19.2, and the two differ in some corners: tags, directives, some
texts over several lines (`policyloop.yaml_text.folding`), an empty block of text, `{a:1}`, `[?a]`. A changed test file
may not stand in such a corner, and nothing is proved of a policy that does. What is plain enough was found by comparing
the two readings over many thousand generated files (`tests/test_guard_differential.py` goes on doing so).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, MappingStartEvent, NodeEvent, ScalarEvent

from policyloop.yaml_text.folding import plain_doubt, quoted_doubt
from policyloop.yaml_text.parse import Unreadable, compose, plain_json

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CHARACTER = re.compile("[^\n\r -~\xa0-\u2027\u202a-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|\r(?!\n)")
_MARKER = re.compile(r"(?m)^(?:%|\.\.\.)")
_ANCHOR = re.compile(r"[A-Za-z0-9_-]+\Z")
_NAMED = re.compile(r"\A&[A-Za-z0-9_-]+\s*")
_PLAIN_BLOCK = re.compile(r"(?:[^\s\-?:,\[\]{}#&*!|>'\"%@`]|-(?=\S))[^\n\r]*\Z")
_PLAIN_FLOW = re.compile(r"(?:[^\s\-?:,\[\]{}#&*!|>'\"%@`]|-(?=\w))[^\n\r,\[\]{}]*\Z")
_FLOW_SIGN = re.compile(r"[,\[\]{}]")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T[\d:.]+(?:Z|[+-]\d{2}:\d{2})\Z", re.ASCII)
_ESCAPE = re.compile(r"""\\(?!["\\/abefnrtv0 _NLP\n]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})""")
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


@dataclass(slots=True)
class _Open:
    """A collection that is being read. `flow_map`: whether it, or one around it, is written in curly brackets."""

    mapping: bool
    flow: bool
    flow_map: bool
    key_next: bool = True

    def step(self) -> None:
        """Go on from a key to its value, or from a value to the next key."""
        self.key_next = not self.key_next


def _doubts(text: str) -> Iterator[Doubt]:
    rest: list[str] = []
    done = 0
    stack = [_Open(mapping=False, flow=False, flow_map=False)]
    for event in yaml.parse(text, _LOADER):
        start, end = _at(event.start_mark), _at(event.end_mark)
        what, local = "", False
        if isinstance(event, CollectionEndEvent):
            stack.pop()
            stack[-1].step()
        elif isinstance(event, CollectionStartEvent):
            mapping, flow = isinstance(event, MappingStartEvent), bool(event.flow_style)
            stack.append(_Open(mapping, flow, flow and (mapping or stack[-1].flow_map)))
            if mapping and flow and text[start:end][-1:] != "{":
                what = "a pair in a list"
        elif isinstance(event, ScalarEvent):
            rest += [text[done:start], "x", "\n" * text.count("\n", start, end)]
            done = end
            raw = text[start:end]
            raw = _NAMED.sub("", raw) if event.anchor else raw
            time = _TIME.match(raw) and text[start - 2 : start] == ": "
            what, local = ("", False) if time else _scalar(event, raw, stack[-1])
            stack[-1].step()
        elif isinstance(event, AliasEvent):
            stack[-1].step()
        properties = _properties(event)
        if what or properties:
            yield Doubt(start, end, _line(text, start), what or properties, local and not properties)
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


def _scalar(event: ScalarEvent, raw: str, within: _Open) -> tuple[str, bool]:
    """What is in doubt about a scalar, and whether it is its value alone."""
    if event.style in ("|", ">"):
        return _block(event.value, raw), False
    key = within.mapping and within.key_next
    if "\n" in raw and key:
        return "a key over several lines", False
    if event.style in ("'", '"'):
        if event.style == '"' and _ESCAPE.search(raw):
            return "an odd escape", False
        return (quoted_doubt(raw, event.style), True) if "\n" in raw else ("", False)
    if not raw:
        return "", False
    return _plain(raw, within, key=key), False


def _plain(raw: str, within: _Open, *, key: bool) -> str:
    lines = raw.replace("\r\n", "\n").split("\n")
    if len(lines) > 1:
        if within.flow_map:
            return "bare text over several lines in curly brackets"
        if why := plain_doubt("\n".join(lines)):
            return why
    first, *others = lines
    pattern = _PLAIN_FLOW if within.flow else _PLAIN_BLOCK
    plain = bool(pattern.match(first)) and not (within.flow and any(map(_FLOW_SIGN.search, others)))
    # Between curly brackets Cerbos ends a key at any colon.
    return "" if plain and not (key and within.flow and ":" in raw) else f"the bare text {raw!r}"


def _block(value: str, raw: str) -> str:
    if not value.strip():
        return "an empty block of text"
    if _TRAILING_SPACE.search(raw):
        return "spaces at the end of a line of text"
    return "" if _BLOCK_HEADER.match(raw) else "the header of a block of text"
