"""Moments as a person types them: `90d`, `24h`, `2026-11-28`, `2026-11-28T09:00:00Z`."""

import re
from datetime import UTC, datetime, timedelta

from policyloop.audit.record import moment
from policyloop.errors import UsageError

_AGE = re.compile(r"(\d{1,6})([smhdw])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def moment_of(text: str, option: str, now: datetime | None = None) -> str:
    """The moment as records have them; without a zone it is UTC. Raises `UsageError`."""
    if age := _AGE.fullmatch(text):
        before = timedelta(seconds=int(age[1]) * _SECONDS[age[2]])
        try:
            return moment(((now or datetime.now(UTC)) - before).timestamp())
        except OverflowError:
            return moment(0)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} {text} is no moment.", "Give an age such as 90d or 24h, or a date such as 2026-11-28."
        ) from None
    return moment((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
