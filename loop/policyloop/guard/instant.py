"""`options.now` as an instant: two ways of writing the same moment are equal."""

import re
from datetime import datetime, timedelta

from policyloop.yaml_text.tree import Literal, Tree

_RFC3339 = re.compile(
    r"(\d{4}-\d{2}-\d{2})T(\d{1,2}):(\d{2}:\d{2})(?:[.,](\d+))?(?:Z|([+-])(\d{2}):(\d{2}))\Z", re.ASCII
)


def instant(tree: Tree) -> str | None:
    """The moment in UTC, to the nanosecond, or None when Cerbos may not take `tree` for a time."""
    if not isinstance(tree, str) or isinstance(tree, Literal):
        return None
    found = _RFC3339.match(tree)
    if not found:
        return None
    date, hour, rest, fraction, sign, hours, minutes = found.groups()
    try:
        moment = datetime.fromisoformat(f"{date}T{hour.zfill(2)}:{rest}")
        if sign:
            if int(hours) > 23 or int(minutes) > 59:
                return None
            offset = timedelta(hours=int(hours), minutes=int(minutes))
            moment = moment - offset if sign == "+" else moment + offset
    except (ValueError, OverflowError):
        return None
    nanos = (fraction or "")[:9].rstrip("0")
    return moment.isoformat() + (f".{nanos}" if nanos else "") + "Z"
