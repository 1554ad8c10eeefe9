"""What somebody needs who signs for a change: a run, what it changed in access, and how far its tests bite."""

from collections.abc import Iterator
from dataclasses import dataclass

from policyloop.access.lint import LintResult
from policyloop.access.matrix import Matrix
from policyloop.access.mutate import MutateResult
from policyloop.access_report import AccessReport, Reason
from policyloop.events import Ended, Event, Started


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """Everything in one place. What could not be measured is None, and `missing` says why, a sentence each.

    `broken` says what is wrong with the ledger, None when it is whole; `records` is how many it holds. `against` names
    what access is compared with; `access` is None when nothing was.
    """

    events: tuple[Event, ...]
    ledger: str
    records: int
    broken: str | None
    against: str
    access: AccessReport | None = None
    matrices: tuple[Matrix, ...] = ()
    mutation: MutateResult | None = None
    lint: LintResult | None = None
    missing: tuple[str, ...] = ()

    @property
    def started(self) -> Started | None:
        """How the run began."""
        return next((event for event in self.events if isinstance(event, Started)), None)

    @property
    def ended(self) -> Ended | None:
        """How the run ended."""
        return next((event for event in reversed(self.events) if isinstance(event, Ended)), None)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Every change in access."""
        return self.access.reasons if self.access is not None else ()


def witnessed(review: Review, matrix: Matrix) -> Iterator[tuple[int, Reason]]:
    """The changes that the cells of a matrix lead to, numbered as there."""
    numbers = {number for row in matrix.rows for cell in row.cells for number in cell.reasons}
    yield from ((number, review.reasons[number]) for number in sorted(numbers))


def unplaced(review: Review) -> Iterator[tuple[int, Reason]]:
    """The changes that no cell leads to."""
    placed = {number for matrix in review.matrices for number, _ in witnessed(review, matrix)}
    yield from ((number, reason) for number, reason in enumerate(review.reasons) if number not in placed)
