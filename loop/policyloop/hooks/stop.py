"""Before a turn ends: not green and budget left means there is work to do, and green is what is green as it lies there.

The directory is judged as it is at that moment, not as the last step saw it.
"""

from typing import Any

from policyloop.hooks.resting import changed_since, speaks_by_itself
from policyloop.hooks.verdict import Fault
from policyloop.session import home
from policyloop.session.home import Entry

MAX_NAMED = 5


def stop(session: str, question: dict[str, Any]) -> dict[str, object] | None:
    """Block the end of a turn, and say why; None to let it end.

    At most as often as the session has compile cycles, and as it has attempts at a class without a step in between:
    a model that does nothing is let go, and the person is told. (Claude Code 2.1.329 itself overrides 8 in a row.)
    """
    try:
        entry = home.guarding(session)
        # Stopped is for a person: an agent that cannot end its turn could not even tell them.
        if entry is None or entry.phase == home.STOPPED:
            return None
        changed = changed_since(entry)
        if entry.phase == home.GREEN and not changed:
            _at_rest(entry, question)
            return None
        # Before the block: from here on the next prompt may be one of the agent's own, not a person's.
        home.unrest(entry)
        return _blocked(entry, changed)
    except home.HomeError as error:
        raise Fault(f"{error}.") from None


def _at_rest(entry: Entry, question: dict[str, Any]) -> None:
    """Keep whether the next prompt can only be a person's."""
    if speaks_by_itself(question):
        home.unrest(entry)
    else:
        home.rest(entry)


def _blocked(entry: Entry, changed: tuple[str, ...]) -> dict[str, object]:
    before = home.blocks(entry)
    names = f"{', '.join(changed[:MAX_NAMED])}{f' and {len(changed) - MAX_NAMED} more' * (len(changed) > MAX_NAMED)}"
    # A turn that can never end spends the person's money and helps nobody; the guard over the tools stays.
    if before >= entry.most_blocks or before - entry.blocks_before >= entry.blocks_in_a_row:
        words = f"session {entry.run} over {entry.policies} is NOT green: the agent ended its turn all the same."
        if entry.phase == home.GREEN:
            words = f"session {entry.run} over {entry.policies} was green, and is NOT any more: {names} changed since."
        return {"systemMessage": f"policyloop: {words}"}
    home.count_block(entry)
    return {"decision": "block", "reason": f"policyloop: {_reason(entry, changed, names)}"}


def _reason(entry: Entry, changed: tuple[str, ...], names: str) -> str:
    about = f"session {entry.run} over {entry.policies}"
    if entry.phase == home.GREEN:
        return (
            f"{about} was green, and is NOT green as it lies there now: something changed {names} since. Do not report "
            "GREEN. Tell the person what changed (policyloop session status names it); they decide."
        )
    since = f"Changed since that step, and not judged yet: {names}. " if changed else ""
    return (
        f"{about} is not green yet, and there is budget left. {since}"
        "Fix what the last step named, then run: policyloop session step. If a test contradicts a rule, run: "
        "policyloop session step --dispute WHY, which stops the session for a person. The last step said:\n"
        f"{entry.answer}"
    )
