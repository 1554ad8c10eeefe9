"""The condition of a search, in SQL that both stores read alike."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from policyloop.audit.entry import Entry, words
from policyloop.audit.store.kinds import Query


@dataclass(slots=True)
class Condition:
    """Parts that must all hold, and their values in order. `mark` stands for a value: `?` or `%s`."""

    mark: str
    parts: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, part: str, *values: object) -> None:
        """One more part; each `{}` in it is a value."""
        self.parts.append(part.replace("{}", self.mark))
        self.values.extend(values)

    def text(self) -> str:
        """The condition."""
        return " AND ".join(self.parts) or "1 = 1"


def condition(query: Query, mark: str) -> Condition:
    """Everything but words and places, which each store keeps in its own way."""
    made = Condition(mark)
    for column in ("who", "tool", "session", "event"):
        wanted = getattr(query, column)
        if wanted is not None:
            made.add(f"{column} = {{}}", wanted)
    if query.decision == "deny":
        made.add("decision = 'deny'")  # as it stands in the index of denials
    elif query.decision is not None:
        made.add("decision = {}", query.decision)
    if query.since is not None:
        made.add("time >= {}", query.since)
    if query.until is not None:
        made.add("time < {}", query.until)
    return made


def below(place: str) -> tuple[str, str, str]:
    """A place itself, and the texts between which everything below it lies."""
    inside = place.rstrip("/") + "/"
    return place.rstrip("/") or "/", inside, inside[:-1] + "0"


def wanted_words(text: str) -> list[str]:
    """The words of a search."""
    return sorted(words(text))


def together(text: str) -> list[str]:
    """What must stand together, as it stands in an entry's JSON: parts that are more than one word."""
    parts = [part for part in text.casefold().split() if len(words(part)) != 1 or part not in words(part)]
    return [json.dumps(part, ensure_ascii=False)[1:-1] for part in parts]


def fitting(found: Iterable[Entry], query: Query) -> Iterator[Entry]:
    """Of what the index found, what has all parts together; not more than the query asks for."""
    parts = together(query.text or "")
    told = 0
    for entry in found:
        if query.limit is not None and told >= query.limit:
            return
        if parts and not _has(entry, parts):
            continue
        told += 1
        yield entry


def _has(entry: Entry, parts: Sequence[str]) -> bool:
    body = entry.body.decode("utf-8", "replace").casefold()
    return all(part in body for part in parts)
