"""The document of `report`."""

from dataclasses import dataclass
from typing import Literal

from policyloop.errors import Exit
from policyloop.review import Review


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDocument:
    """What `policyloop report --format json` prints. `markdown`: the review itself, when no file was asked for."""

    outcome: Literal["written", "person"]
    exit_code: Literal[Exit.GREEN, Exit.PERSON]
    run: str | None
    ledger: str
    broken: str | None
    """What is wrong with the ledger; null when it is whole."""
    missing: tuple[str, ...]
    """What could not be measured, and why."""
    written: tuple[str, ...]
    markdown: str | None


def report_document(review: Review, written: tuple[str, ...], markdown: str | None) -> ReportDocument:
    """A review that was written to the files `written`, or is here as Markdown."""
    return ReportDocument(
        outcome="person" if review.broken else "written",
        exit_code=Exit.PERSON if review.broken else Exit.GREEN,
        run=review.started.run if review.started else None,
        ledger=review.ledger,
        broken=review.broken,
        missing=review.missing,
        written=written,
        markdown=markdown,
    )
