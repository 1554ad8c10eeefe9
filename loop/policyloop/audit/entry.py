"""An entry of a log: a record, and where it stands. Its text is what is hashed, kept, exported and proved.

    {"log":"policyloop/host/5f2a90c1","record":{...},"seq":17}

The keys are in canonical order, so the whole is canonical as its record is. That the place stands in it makes a moved
entry tell on itself.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_WORD = re.compile(r"[^\W_]+")
_PLACES = (
    *("reads", "writes", "deletes", "lists", "hosts"),
    *("may_read", "may_write", "may_delete", "may_list", "may_reach"),
)
MOST_WORDS = 2_000
"""Words of one record that the full text knows; and `MOST_PLACES` of its paths."""
MOST_PLACES = 500


@dataclass(frozen=True, slots=True)
class Form:
    """How the entries of one log begin and end."""

    log: str

    def entry(self, record: bytes, seq: int) -> bytes:
        """The text of the entry."""
        return b"%s%s%s" % (self.head(), record, self.tail(seq))

    def head(self) -> bytes:
        """How each entry of the log begins."""
        return b'{"log":%s,"record":' % json.dumps(self.log, ensure_ascii=False).encode()

    @staticmethod
    def tail(seq: int) -> bytes:
        """How the entry with this number ends."""
        return b',"seq":%d}' % seq


@dataclass(frozen=True, slots=True)
class Draft:
    """A record that will be an entry: all but its place."""

    record: bytes
    time: str
    words: Sequence[str]
    places: Sequence[str]

    @staticmethod
    def of(record: bytes) -> "Draft":
        """Of a record's canonical JSON."""
        kept = json.loads(record)
        return Draft(record, str(kept["time"]), words_of(kept), places_of(kept))


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry that was read."""

    log: str
    seq: int
    body: bytes

    def record(self) -> dict[str, Any]:
        """The record. What was changed by others may be anything: then it is empty."""
        try:
            read = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        record = read.get("record") if isinstance(read, dict) else None
        return record if isinstance(record, dict) else {}


def words(text: str) -> set[str]:
    """The words by which a text is found: letters and digits, in small letters."""
    return set(_WORD.findall(text.casefold()))


def words_of(record: Mapping[str, Any]) -> list[str]:
    """The words of all texts of a record, each once; of a huge one the first `MOST_WORDS`."""
    found: dict[str, None] = {}
    for text in _texts(record):
        for word in _WORD.findall(text.casefold()):
            found[word] = None
        if len(found) > MOST_WORDS:
            break
    return list(found)[:MOST_WORDS]


def places_of(record: Mapping[str, Any]) -> list[str]:
    """The paths and hosts that the call touches, definitely or possibly, and those that its input names as such."""
    effects = record.get("effects")
    given = record.get("input")
    found: dict[str, None] = {}
    if isinstance(effects, Mapping):
        for kind in _PLACES:
            for place in effects.get(kind) or ():
                if isinstance(place, str):
                    found[place] = None
    if isinstance(given, Mapping):
        for name in ("file_path", "path", "notebook_path", "url"):
            if isinstance(given.get(name), str):
                found[given[name]] = None
    return list(found)[:MOST_PLACES]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield str(name)
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
