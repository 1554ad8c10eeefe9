"""What the stage before any policy is given, and what it comes to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from policyloop.budget import Budget, Spent
from policyloop.bundle import Bundle
from policyloop.cerbos_loop import Judge, State
from policyloop.drive import Stopwatch
from policyloop.events import Against, AskedQuestion, Event, SpecUsed
from policyloop.findings import CompilerInfo
from policyloop.guard import Release
from policyloop.outcome import Outcome
from policyloop.spec import Spec
from policyloop.task import Usage
from policyloop.view import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the person said on the command line about the spec."""

    answers: Mapping[str, str]
    assume: bool = False
    yes: bool = False
    by: str | None = None
    interactive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The spec as it stands at the start: `text` is what the file holds, None for no file."""

    path: Path
    text: str | None
    spec: Spec | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What this stage works with. `run` drives a state to its end and tells the events of it."""

    request: str
    wishes: Wishes
    known: Known
    bundle: Bundle
    releases: tuple[Release, ...]
    budget: Budget
    folder: Path
    info: CompilerInfo
    run: Callable[[State, Judge], State]
    emit: Callable[[Event], None]
    view: View
    clock: Stopwatch
    carried: Usage = field(default_factory=Usage)
    """What calls of the runs that this one resumes may have cost, that nothing else tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clarity:
    """How this stage ended. With `how` None the spec is confirmed and the run goes on."""

    spec: Spec | None
    used: SpecUsed | None
    spent: Spent
    earlier: int
    how: Outcome | None = None
    state: State | None = None
    questions: tuple[AskedQuestion, ...] = ()
    assumptions: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    contradictions: tuple[Against, ...] = ()


class Over(Exception):
    """This stage ends here."""

    def __init__(self, how: Outcome, against: Sequence[Against] = ()) -> None:
        self.how = how
        self.against = tuple(against)
        super().__init__(how.message)
