"""Before a turn ends: not green and budget left means there is work to do."""

from policyloop.hooks.verdict import Fault
from policyloop.session import home


def stop(session: str) -> dict[str, object] | None:
    """Block the end of a turn, with what the last step said; None to let it end.

    At most as often as the session has compile cycles, and as it has attempts at a class without a step in between:
    a model that does nothing is let go, and the person is told. (Claude Code 2.1.329 itself overrides 8 in a row.)
    """
    try:
        entry = home.guarding(session)
        if entry is None or entry.phase != home.OPEN:
            return None
        before = home.blocks(entry)
        if before >= entry.most_blocks or before - entry.blocks_before >= entry.blocks_in_a_row:
            words = f"session {entry.run} over {entry.policies} is NOT green: the agent ended its turn all the same."
            return {"systemMessage": f"policyloop: {words}"}
        home.count_block(entry)
    except home.HomeError as error:
        raise Fault(f"{error}.") from None
    reason = (
        f"policyloop: session {entry.run} over {entry.policies} is not green yet, and there is budget left. "
        "Fix what the last step named, then run: policyloop session step. If a test contradicts a rule, run: "
        "policyloop session step --dispute WHY, which stops the session for a person. The last step said:\n"
    )
    return {"decision": "block", "reason": reason + entry.answer}
