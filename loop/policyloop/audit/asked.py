"""What a person asks of a store."""

from collections.abc import Sequence
from typing import Literal

from policyloop.audit.ages import moment_of
from policyloop.audit.entry import Entry
from policyloop.audit.store import Query, Reader
from policyloop.errors import UsageError

_DECISIONS = ("allow", "ask", "deny")


def query(  # noqa: PLR0913  (what can be asked for is so much)
    *,
    who: str | None = None,
    tool: str | None = None,
    decision: str | None = None,
    session: str | None = None,
    since: str | None = None,
    until: str | None = None,
    place: str | None = None,
    words: Sequence[str] = (),
    limit: int | None = None,
    oldest_first: bool = False,
) -> Query:
    """The query. Raises `UsageError` for what cannot be a moment or a decision."""
    if decision is not None and decision not in _DECISIONS:
        raise UsageError(f"There is no decision {decision!r}.", "Give allow, ask or deny.")
    return Query(
        who=who,
        tool=tool,
        decision=decision,
        session=session,
        since=moment_of(since, "--since") if since else None,
        until=moment_of(until, "--until") if until else None,
        place=place,
        text=" ".join(words) or None,
        limit=limit,
        oldest_first=oldest_first,
    )


def entries_of(reader: Reader, name: str, store: str) -> Sequence[Entry]:
    """The entries of the record with this id, or the entry with this number. Raises `UsageError` for none."""
    found = list(reader.by_id(name))
    if not found and name.isascii() and name.isdigit() and len(name) < 19:
        found = [entry for log, _ in reader.logs() for entry in _numbered(reader, log, int(name))]
    if not found:
        raise UsageError(f"{store} has no record {name}.", "See policyloop audit search.")
    return found


def _numbered(reader: Reader, log: str, seq: int) -> Sequence[Entry]:
    for number, body, _ in reader.entries(log, seq):
        return [Entry(log, seq, body)] if number == seq else []
    return []


Trusted = Literal["given", "kept", "store"]
"""Where the key is from by which a log is verified."""
