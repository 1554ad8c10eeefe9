"""Text -> data with the line of everything, read as YAML 1.2: `on`, `yes` and `no` are text, and so is a date.

What different readers of YAML take for different things (`007`, `0x10`, `1e3`, `.inf`) is text. Anchors, aliases and
tags are refused: a spec is reviewed by people, so it says what it says where it says it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from policyloop.errors import UsageError

MAX_BYTES = 1_048_576
"""The largest spec that is read, in bytes of UTF-8."""
MAX_DEPTH = 40
MAX_NUMBER = 2**53
"""Cerbos keeps numbers as doubles; larger ones would lose digits."""

Path = tuple[str | int, ...]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)\Z")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+\Z")


@dataclass(frozen=True, slots=True)
class Document:
    """The data of a file, and the line on which each part of it stands."""

    data: Any
    lines: dict[Path, int]


@dataclass(slots=True)
class _Open:
    """A mapping or list that is being read. `key` is the one whose value comes next."""

    value: dict[str, Any] | list[Any]
    path: Path
    key: str | None = None
    seen: set[str] = field(default_factory=set)


def read_document(text: str, name: str) -> Document:
    """The one YAML document of `text`, a file called `name`. Raises `UsageError` with the line."""
    if len(text.encode(errors="surrogatepass")) > MAX_BYTES:
        raise UsageError(f"{name} has more than {MAX_BYTES} bytes.", "A spec is meant to be read by people.")
    reader = _Reader(name)
    try:
        for event in _events(text):
            reader.take(event)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
        raise UsageError(f"{name}{where}: this is not YAML: {problem}.") from None
    except UnicodeError:
        raise UsageError(f"{name}: this is not UTF-8.", "Save it as UTF-8.") from None
    if reader.documents == 0:
        raise UsageError(f"{name} is empty.", "A spec begins with `version: 1`.")
    return Document(reader.root, reader.lines)


def _events(text: str) -> Iterator[Event]:
    found: Iterator[Event] = yaml.parse(text, Loader=_LOADER)
    return found


class _Reader:
    """Events -> data, with a stack of its own, so that no nesting can exhaust ours."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._stack: list[_Open] = []
        self.root: Any = None
        self.lines: dict[Path, int] = {}
        self.documents = 0

    def take(self, event: Event) -> None:
        assert event.start_mark is not None
        line = event.start_mark.line + 1
        if isinstance(event, DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise self._wrong(line, "a second document", "A spec is one YAML document.")
        elif isinstance(event, AliasEvent) or getattr(event, "anchor", None):
            raise self._wrong(line, "an anchor or alias", "Write it out; `like:` takes over another example.")
        elif isinstance(event, ScalarEvent):
            self._plain_only(event, line)
            self._put(_value(event), line, event)
        elif isinstance(event, MappingStartEvent | SequenceStartEvent):
            self._plain_only(event, line)
            self._open({} if isinstance(event, MappingStartEvent) else [], line)
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            self._stack.pop()

    def _open(self, value: dict[str, Any] | list[Any], line: int) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise self._wrong(line, f"nested more than {MAX_DEPTH} levels deep")
        path = self._put(value, line)
        self._stack.append(_Open(value, path))

    def _put(self, value: Any, line: int, event: ScalarEvent | None = None) -> Path:
        """Put a value where it belongs, or take it for the next key; the path it has."""
        if not self._stack:
            self.root = value
            self.lines[()] = line
            return ()
        top = self._stack[-1]
        if isinstance(top.value, list):
            path = (*top.path, len(top.value))
            top.value.append(value)
            self.lines[path] = line
        elif top.key is None:
            return self._key(top, value, line, event)
        else:
            path = (*top.path, top.key)
            top.value[top.key] = self._number(value, line)
            top.key = None
            return path
        self._number(value, line)
        return path

    def _key(self, top: _Open, value: Any, line: int, event: ScalarEvent | None) -> Path:
        if not isinstance(value, str) or event is None:
            shown = event.value if event else "a list or a mapping"
            raise self._wrong(line, f"the key {shown!r} is no text", "Put it in quotes.")
        if value in top.seen:
            raise self._wrong(line, f"the key `{value}` stands there twice", "Take one of them out.")
        top.seen.add(value)
        top.key = value
        path = (*top.path, value)
        self.lines[path] = line
        return path

    def _number(self, value: Any, line: int) -> Any:
        if isinstance(value, int | float) and abs(value) > MAX_NUMBER:
            raise self._wrong(line, f"the number {value} is too large to be kept exactly", "Write it as text.")
        return value

    def _plain_only(self, event: Event, line: int) -> None:
        tag = getattr(event, "tag", None)
        if tag is not None and tag != "!":
            raise self._wrong(line, f"the tag {tag}", "Take it out; put text in quotes where it could be a number.")

    def _wrong(self, line: int, what: str, hint: str = "") -> UsageError:
        return UsageError(f"{self._name}:{line}: {what}.", hint)


def _value(event: ScalarEvent) -> str | int | float | bool | None:
    text = str(event.value)
    if event.style is not None and event.style != "":
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.match(text):
        return int(text) if len(text) < 400 else float("inf")
    return float(text) if _DECIMAL.match(text) else text
