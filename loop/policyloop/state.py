"""What a run knows, and what passes between the controller and the world: immutable values without any behaviour.

Nothing here knows Cerbos. Three things are given from outside: a lock, which says what a candidate weakens; a choice
of what a model is shown; and the judge, which `policyloop.drive` calls.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, Self, TypeVar

from policyloop.budget import Budget, Spent
from policyloop.bundle import Bundle, Edit
from policyloop.findings import AssertionId, ErrorClass, Finding, Report, Weakened
from policyloop.outcome import Outcome
from policyloop.task import Dispute, Reply, Selection, Stage, Task
from policyloop.usage import Usage


class Lock(Protocol):
    """What a candidate may not weaken. `policyloop.guard.Lock` is the one over the tests of a Cerbos bundle."""

    def __len__(self) -> int:
        """How many demands are locked."""

    def weakened_by(self, candidate: Bundle) -> tuple[Weakened, ...]:
        """Every locked demand that `candidate` no longer makes as strongly, and how; none when it keeps them all."""

    def joined_by(self, candidate: Bundle, passed: frozenset[AssertionId]) -> Self:
        """This lock, and besides what `candidate` demands that ran and passed."""


L = TypeVar("L", bound=Lock)


class Choose(Protocol):
    """What a model is shown of a bundle. `policyloop.compose.compose` is the one that knows Cerbos's files."""

    def __call__(
        self,
        bundle: Bundle,
        findings: Sequence[Finding],
        *,
        request: str = "",
        wanted: Sequence[str] = (),
        most: int | None = None,
    ) -> Selection:
        """Files for `findings` (those of one class), for `request` when there are none, and those `wanted` by name.

        `most`: bytes of text; None for the usual bound.
        """


@dataclass(frozen=True, slots=True)
class Validate(Generic[L]):
    """To do: have the judge judge `bundle` under `lock`, then tell `Validated`."""

    bundle: Bundle
    lock: L


@dataclass(frozen=True, slots=True)
class Propose:
    """To do: give `task` to the model, then tell `Proposed`."""

    task: Task


@dataclass(frozen=True, slots=True)
class Validated:
    """Told: what the judge said of the bundle that was to be validated. `elapsed`: seconds since the run began."""

    report: Report
    elapsed: float


@dataclass(frozen=True, slots=True)
class Proposed:
    """Told: what the model answered to the task. `seconds`: what the call took. `elapsed`: since the run began."""

    reply: Reply
    seconds: float
    elapsed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One turn of the loop: what was asked, what was proposed, and what came of it.

    `refusal` says why nothing was compiled (a weakened lock, an edit out of bounds, no proposal at all); then `report`
    is None and nothing changed. `weakened` is set when the lock was the reason.
    """

    number: int
    error_class: ErrorClass | None
    findings: tuple[Finding, ...]
    edits: tuple[Edit, ...] = ()
    note: str = ""
    dispute: Dispute | None = None
    refusal: str | None = None
    weakened: tuple[Weakened, ...] = ()
    before: Bundle
    after: Bundle
    report: Report | None = None
    progress: bool = False
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0


Measure = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class State(Generic[L]):
    """All that a run knows. `current` is what the next proposal edits; `best` is what came closest to green.

    `shown` is what the model was shown of each file, as it was shown last.
    """

    budget: Budget
    request: str
    lock: L
    choose: Choose
    start: Bundle
    todo: "Validate[L] | Propose | Outcome"
    current: Bundle
    best: Bundle
    released: tuple[str, ...] = ()
    """What a person let go of before the run, and what takes its place, as a model and a person are told it."""
    report: Report | None = None
    best_report: Report | None = None
    best_measure: Measure | None = None
    spent: Spent = field(default_factory=Spent)
    attempts: tuple[Attempt, ...] = ()
    pending: Attempt | None = None
    seen_bundles: frozenset[str] = frozenset()
    seen_proposals: frozenset[str] = frozenset()
    shown: Mapping[str, str] = field(default_factory=dict)
    wanted: tuple[str, ...] = ()
    reads: int = 0
    usage_of_reads: Usage = field(default_factory=Usage)
    seconds_of_reads: float = 0.0
    stage: Stage = "policies"
    spec: Mapping[str, Any] | None = None
    """The confirmed spec whose decisions are in the lock; then green is all there is to reach."""
    existing: Bundle | None = None
    """The policies that are there already: for a model that drafts a spec to read, never to edit."""
    earlier: int = 0
    """Attempts of this run before this stage."""
    settled: Mapping[Dispute, str] = field(default_factory=dict)
    """Disputes that a person has answered, and what the model is told of the answer."""

    @property
    def next_number(self) -> int:
        """The number of the next attempt, counted over the whole run."""
        return self.earlier + len(self.attempts) + 1

    @property
    def cycles(self) -> int:
        """Validations so far, the first included."""
        return self.spent.cycles
