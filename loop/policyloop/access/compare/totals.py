"""How many changes there are, and which of them are shown when there are too many."""

from collections.abc import Sequence

from policyloop.access_report import Reason, Totals

MOST_REASONS = 60
"""The most changes that are told; how many more there were is a note."""


def totals_of(reasons: Sequence[Reason]) -> Totals:
    """All of them, counted."""
    accepted = sum(one.wider and one.asked_for is not None for one in reasons)
    wider = sum(one.wider for one in reasons) - accepted
    return Totals(wider=wider, narrower=len(reasons) - wider - accepted, accepted=accepted)


def capped(reasons: Sequence[Reason]) -> tuple[tuple[Reason, ...], str]:
    """At most `MOST_REASONS`, as many of each sort as there is room for, wider ones first; and what is left out."""
    wider = [one for one in reasons if one.wider and one.asked_for is None]
    narrower = [one for one in reasons if not one.wider]
    accepted = [one for one in reasons if one.wider and one.asked_for is not None]
    if len(reasons) <= MOST_REASONS:
        return (*wider, *accepted, *narrower), ""
    sorts = [wider, narrower, accepted]
    room = dict.fromkeys(range(3), 0)
    left = MOST_REASONS
    while left:
        for at, some in enumerate(sorts):
            if left and room[at] < len(some):
                room[at] += 1
                left -= 1
    shown = (*wider[: room[0]], *accepted[: room[2]], *narrower[: room[1]])
    names = ("wider", "narrower", "wider as asked for")
    missing = [f"{len(some) - room[at]} {names[at]}" for at, some in enumerate(sorts) if len(some) > room[at]]
    return shown, f"{len(reasons) - len(shown)} more changes are counted but not shown: {', '.join(missing)}."
