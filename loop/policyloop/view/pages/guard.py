"""The page of `guard`: what a person released, what got weaker and how, then the verdict."""

from functools import partial

from policyloop.documents.judged import guard_document
from policyloop.printing import one_line
from policyloop.results import GuardResult
from policyloop.view.blocks import Alarm, Block, Item, Page, Verdict
from policyloop.view.pages.findings import weakened_items
from policyloop.view.words import plural


def guard_page(result: GuardResult) -> Page:
    """Two bundles' tests were compared."""
    blocks: list[Block] = []
    for name in result.released:
        alarm = Alarm(level="notice", title="Released by a person", text=one_line(name))
        blocks.append(Item(text=f"RELEASED by a person: {one_line(name)}", tone="warn", alarm=alarm))
    blocks += weakened_items(result.weakened)
    count = plural(result.locked, "assertion")
    if result.weakened:
        verdict = Verdict("weakened", f"{len(result.weakened)} of {count} would get weaker", "bad")
    else:
        verdict = Verdict("kept", f"all {count} are as strong as before", "good")

    return Page(
        title="policyloop guard", blocks=tuple(blocks), verdict=verdict, document=partial(guard_document, result)
    )
