"""Where things stand in a YAML or JSON text: each key and each item of a list, by its path.

Only for showing places. What a text *means* is the compiler's to say: aliases and merges are not followed, and of a
broken text the outline is what stands before the break.
"""

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

Path = tuple[str | int, ...]

MAX_DEPTH = 64
"""The deepest nesting that is looked at."""
TOO_DEEP = 1_000
"""Nesting that nobody needs. libyaml's time grows with its square, and the compiler's stack until memory runs out."""
MAX_PLACES = 200_000
"""The most places of one text that are kept."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STEP = re.compile(r"""\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|([^.\[\]]+)""")


@dataclass(frozen=True, slots=True)
class Place:
    """A line and a column, both from 1; `value` is the text that stands there when it is a plain value."""

    line: int
    column: int
    value: str | None


@dataclass(slots=True)
class _Open:
    path: Path
    mapping: bool
    next_index: int = 0
    key: str | None = None
    place: tuple[int, int] = (1, 1)


def outline(text: str) -> Mapping[Path, Place]:
    """The place of every key and list item of the first document in `text`, in the order of the text."""
    places: dict[Path, Place] = {}
    with contextlib.suppress(yaml.YAMLError, ValueError):
        _walk(text, places)
    return places


def parses(text: str) -> bool:
    """Whether a YAML parser of ours can read `text` at all."""
    try:
        return all(depth <= TOO_DEEP for _, depth in _events(text))
    except (yaml.YAMLError, ValueError):
        return False


def too_deep(text: str) -> Place | None:
    """Where `text` is nested more than `TOO_DEEP` levels deep, if it is."""
    with contextlib.suppress(yaml.YAMLError, ValueError):
        return next((Place(*_at(event), None) for event, depth in _events(text) if depth > TOO_DEEP), None)
    return None


def _events(text: str) -> Iterator[tuple[yaml.Event, int]]:
    """Each event, and how many collections are open after it."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        yield event, depth


def _walk(text: str, places: dict[Path, Place]) -> None:
    stack: list[_Open] = []
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionEndEvent):
            stack.pop()
        elif isinstance(event, yaml.DocumentEndEvent):
            return
        elif isinstance(event, yaml.NodeEvent):
            top = stack[-1] if stack else None
            if top is not None and top.mapping and top.key is None:
                if not isinstance(event, yaml.ScalarEvent):
                    return
                top.key, top.place = event.value, _at(event)
                continue
            path = _keep(top, event, places)
            if isinstance(event, yaml.CollectionStartEvent):
                if len(stack) >= MAX_DEPTH or len(places) >= MAX_PLACES:
                    return
                stack.append(_Open(path, isinstance(event, yaml.MappingStartEvent)))


def _keep(top: _Open | None, event: yaml.NodeEvent, places: dict[Path, Place]) -> Path:
    """Note where a value stands: at its key in a mapping, as the compiler has it, else where it begins."""
    path: Path = ()
    line, column = _at(event)
    if top is not None and top.mapping:
        path, (line, column), top.key = (*top.path, top.key or ""), top.place, None
    elif top is not None:
        path, top.next_index = (*top.path, top.next_index), top.next_index + 1
    places.setdefault(path, Place(line, column, event.value if isinstance(event, yaml.ScalarEvent) else None))
    return path


def _at(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def path_of(dotted: str) -> Path:
    """A path as the compiler writes it in a message: `tests[0].expected[1].actions["view"]`."""
    steps = (int(index) if index else quoted or plain for index, quoted, plain in _STEP.findall(dotted[:1000]))
    return tuple(steps)


def nearest(places: Mapping[Path, Place], path: Path) -> Place | None:
    """The place of `path`, or of what holds it when it is not there itself; None when not even its first step is."""
    for length in range(len(path), 0, -1):
        if found := places.get(path[:length]):
            return found
    return None


def second_document(text: str) -> Place | None:
    """The `---` line that begins the second document of `text`."""
    content = False
    for number, line in enumerate(text.split("\n"), 1):
        marker = re.match(r"---(\s|$)", line)
        if marker and content:
            return Place(number, 1, None)
        rest = line[3:].strip() if marker else line.strip()
        content = content or (not rest.startswith(("#", "%", "...")) and bool(rest))
    return None


def loops(text: str) -> Place | None:
    """The place of an alias inside the very node it stands for, if there is one."""
    anchors: list[str | None] = []
    with contextlib.suppress(yaml.YAMLError, ValueError):
        for event, depth in _events(text):
            if depth > TOO_DEEP:
                break
            if isinstance(event, yaml.CollectionStartEvent):
                anchors.append(event.anchor)
            elif isinstance(event, yaml.CollectionEndEvent):
                anchors.pop()
            elif isinstance(event, yaml.AliasEvent) and event.anchor in anchors:
                return Place(*_at(event), None)
    return None
