"""What a run knows, and what passes between the controller and the world: immutable values without any behaviour."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from policyloop.budget import Budget, Spent
from policyloop.bundle import Bundle, Edit
from policyloop.findings import ErrorClass, Finding, Report
from policyloop.guard import Assertion, Lock, Weakened
from policyloop.outcome import Outcome
from policyloop.task import Dispute, Reply, Stage, Task, Usage


@dataclass(frozen=True, slots=True)
class Validate:
    """To do: have the real compiler judge `bundle` under `lock`, then tell `Validated`."""

    bundle: Bundle
    lock: Lock


@dataclass(frozen=True, slots=True)
class Propose:
    """To do: give `task` to the model, then tell `Proposed`."""

    task: Task


@dataclass(frozen=True, slots=True)
class Validated:
    """Told: what the compiler said of the bundle that was to be validated. `elapsed`: seconds since the run began."""

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
class State:
    """All that a run knows. `current` is what the next proposal edits; `best` is what came closest to green.

    `shown` is what the model was shown of each file, as it was shown last.
    """

    budget: Budget
    request: str
    lock: Lock
    start: Bundle
    todo: "Validate | Propose | Outcome"
    current: Bundle
    best: Bundle
    released: tuple[Assertion, ...] = ()
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

    @property
    def next_number(self) -> int:
        """The number of the next attempt, counted over the whole run."""
        return self.earlier + len(self.attempts) + 1

    @property
    def cycles(self) -> int:
        """Validations so far, the first included."""
        return self.spent.cycles
