"""The page of `show --html`: a run's timeline out of its ledger."""

from collections.abc import Sequence

from policyloop.events import Ended, Event
from policyloop.view.blocks import Block, Line, Page
from policyloop.view.pages.run import Story, ended_verdict


def timeline_page(events: Sequence[Event], broken: str | None) -> Page:
    """All events. `broken` says what is wrong with the ledger's chain, None when it is whole."""
    chain = (
        Line(f"The ledger is not whole: {broken}. Do not rely on this page.", "bad")
        if broken
        else Line("The ledger is whole: its hash chain was verified when this page was written.", "good")
    )
    blocks: list[Block] = [chain]
    story = Story()
    for event in events:
        blocks += story.page(event).blocks
    ended = next((event for event in reversed(events) if isinstance(event, Ended)), None)
    return Page(title="policyloop run", verdict=ended_verdict(ended) if ended else None, blocks=tuple(blocks))
