"""What a log says of a time: who reached what with which tool, what was denied and why, and what is not in it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from policyloop.audit.entry import Entry, places_of

MOST_KEPT = 2_000
"""Different persons, tools, places, reasons that are counted one by one; others are counted together."""
OTHERS = "(others)"
QUIET = timedelta(days=1)
"""A time without any entry that is told of."""
_SECRETS = (".env", ".pem", ".key", ".p12", "id_rsa", "id_ed25519", "credential", "secret", "token", ".netrc", ".npmrc")
_TOUCHES = ("secret-read", "exfiltration")


@dataclass(slots=True)
class Tally:
    """Calls by decision."""

    allow: int = 0
    ask: int = 0
    deny: int = 0

    def add(self, decision: str) -> None:
        """One more."""
        if decision == "allow":
            self.allow += 1
        elif decision == "ask":
            self.ask += 1
        elif decision == "deny":
            self.deny += 1

    @property
    def calls(self) -> int:
        """All of them."""
        return self.allow + self.ask + self.deny


@dataclass(frozen=True, slots=True)
class Touched:
    """A call that touched what is named like a secret, or that was seen to read one."""

    entry: int
    time: str
    who: str
    tool: str
    decision: str
    place: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without any entry, or in which the clock went back."""

    first: str
    last: str
    why: str


@dataclass(slots=True)
class Summary:
    """Counted in one pass; its size does not grow with the log."""

    entries: int = 0
    first: str = ""
    last: str = ""
    people: dict[str, Tally] = field(default_factory=dict)
    tools: dict[str, Tally] = field(default_factory=dict)
    places: dict[str, Tally] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    unenforced: int = 0
    """Calls that were let go because of the mode, though the decision was another."""
    unknown: int = 0
    """Calls of which it was not known whole what they would do, and that were let go."""
    unverified: int = 0
    """Calls of nobody who was verified."""
    secrets: Tally = field(default_factory=Tally)
    touched: list[Touched] = field(default_factory=list)
    """The first `MOST_TOLD` that were let go."""
    gaps: list[Gap] = field(default_factory=list)
    unreadable: int = 0


MOST_TOLD = 100


def summed(entries: Iterable[Entry]) -> Summary:
    """The summary of entries in the order of their times."""
    summary = Summary()
    for entry in entries:
        record = entry.record()
        if not record:
            summary.unreadable += 1
            continue
        _add(summary, entry, record)
    return summary


def _add(summary: Summary, entry: Entry, record: Mapping[str, Any]) -> None:
    summary.entries += 1
    decision = str(record.get("decision"))
    who = _of(record, "who", "subject") or "unknown"
    tool = str(record.get("tool") or record.get("event"))
    _tally(summary.people, who).add(decision)
    _tally(summary.tools, tool).add(decision)
    places = places_of(record)
    for place in places:
        _tally(summary.places, _folder(place)).add(decision)
    if decision == "deny":
        reason = f"{record.get('rule') or 'no rule'}: {record.get('reason') or 'no reason'}"
        summary.reasons[reason if reason in summary.reasons or len(summary.reasons) < MOST_KEPT else OTHERS] += 1
    if record.get("would_be"):
        summary.unenforced += 1
    if _of(record, "who", "verified") in ("", "none"):
        summary.unverified += 1
    effects = record.get("effects")
    given = effects if isinstance(effects, dict) else {}
    if decision == "allow" and (given.get("unparsed") or given.get("unknown")):
        summary.unknown += 1
    _secrets(summary, entry, decision, who, tool, given, places)
    _time(summary, str(record.get("time", "")))


def _secrets(
    summary: Summary, entry: Entry, decision: str, who: str, tool: str, effects: Mapping[str, Any], places: list[str]
) -> None:
    does = [*(effects.get("does") or ()), *(effects.get("may_do") or ())]
    seen = any(flag in _TOUCHES for flag in does)
    named = next((place for place in places if any(sign in place.rsplit("/", 1)[-1] for sign in _SECRETS)), None)
    if named is None and not seen:
        return
    summary.secrets.add(decision)
    if decision != "deny" and len(summary.touched) < MOST_TOLD:
        record = entry.record()
        place = named or (places[0] if places else "")
        summary.touched.append(Touched(entry.seq, str(record.get("time", "")), who, tool, decision, place))


def _time(summary: Summary, time: str) -> None:
    if not summary.first:
        summary.first = summary.last = time
        return
    before, summary.last = summary.last, time
    if len(summary.gaps) >= MOST_TOLD:
        return
    try:
        passed = datetime.fromisoformat(time) - datetime.fromisoformat(before)
    except (ValueError, OverflowError):
        summary.gaps.append(Gap(before, time, "a time cannot be read"))
        return
    if passed > QUIET:
        summary.gaps.append(Gap(before, time, f"no entry for {passed.days} days and {passed.seconds // 3600} hours"))


def _tally(counted: dict[str, Tally], name: str) -> Tally:
    if name not in counted and len(counted) >= MOST_KEPT:
        name = OTHERS
    return counted.setdefault(name, Tally())


def _folder(place: str) -> str:
    """The folder of a path, so that a table has an end; hosts as they are."""
    return place.rsplit("/", 1)[0] or "/" if place.startswith("/") else place


def _of(record: Mapping[str, Any], *names: str) -> str:
    value: Any = record
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else ""
