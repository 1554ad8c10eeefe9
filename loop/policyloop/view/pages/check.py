"""The page of `check`: the findings of the first class, then the verdict."""

from functools import partial

from policyloop.documents.judged import check_document
from policyloop.printing import one_line
from policyloop.results import CheckResult
from policyloop.view.blocks import Alarm, Block, Item, Line, Mark, Page, Verdict
from policyloop.view.pages.findings import finding_items, weakened_items
from policyloop.view.words import compiler_words, counts, explain_hint


def check_page(result: CheckResult) -> Page:
    """A validation was made."""
    report = result.report
    blocks: list[Block] = [*finding_items(report.first, result.policies, alarmed=True)]
    if report.first:
        blocks.append(Line(explain_hint(report.first[0].code), "quiet"))
    blocks += weakened_items(result.weakened, "weakened: ")
    for sentence in result.luck:
        alarm = Alarm(level="warning", title="A test may pass by luck", text=sentence)
        blocks.append(Item(text=f"may be luck: {one_line(sentence)}", tone="warn", alarm=alarm))
    tally = report.tally
    ran = f"{tally.passed}/{tally.ran} assertions passed, {tally.skipped} skipped"
    words = f"{counts(report.findings)}; {ran}; {compiler_words(report.compiler)}"
    mark: Mark = "good" if result.outcome == "green" else "bad"

    return Page(
        title="policyloop check",
        blocks=tuple(blocks),
        verdict=Verdict(result.outcome, words, mark),
        document=partial(check_document, result),
    )
