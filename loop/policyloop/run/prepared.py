"""A run that has begun: everything that its stages work with."""

from dataclasses import dataclass
from pathlib import Path

from policyloop import outcome
from policyloop.cerbos.run import Runner
from policyloop.cerbos_loop import Judge, State
from policyloop.config import Config
from policyloop.controller import end
from policyloop.drive import INTERRUPTED, Stopwatch, drive
from policyloop.errors import Unavailable
from policyloop.events import Event, encode
from policyloop.guard import Release
from policyloop.ledger import Ledger
from policyloop.run.asked import Asked, Wishes
from policyloop.run.past import Past
from policyloop.run.people import Audience, Person
from policyloop.specification import Spec
from policyloop.task import Model
from policyloop.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The spec as it stands at the start: `text` is what the file holds, None for no file."""

    path: Path
    text: str | None
    spec: Spec | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A run whose parts are open and whose ledger is open. Nothing was paid for yet."""

    run_id: str
    asked: Asked
    """The command line."""
    policies: Path
    """The policy directory as it was given."""
    request: str
    wishes: Wishes
    known: Known | None
    """The spec that it is about; None for a run without one."""
    releases: tuple[Release, ...]
    past: Past | None
    """The run that this one goes on with."""
    junit: Path | None
    notes: tuple[str, ...]
    """What a person should know before anything is spent."""
    config: Config
    state: State
    """The loop over the policies as it would begin without a spec."""
    hold: Workspace
    runner: Runner
    model: Model
    """Books each call in the ledger; first gives again what the model of `past` answered."""
    judge: Judge
    """The compiler; the time that it takes is booked."""
    ledger: Ledger
    folder: Path
    """Where this run is kept."""
    clock: Stopwatch
    audience: Audience
    person: Person | None

    def emit(self, event: Event) -> None:
        """Into the ledger first, then told. Raises `Unavailable` when the ledger cannot be written."""
        self.ledger.append(*encode(event))
        self.audience.event(event)

    def driven(self, state: State, judge: Judge) -> State:
        """`state` at the end of the loop, whose events are told.

        An interrupt or a full disk between two steps counts as one within a step.
        """
        try:
            for step in drive(state, self.model, judge, self.clock):
                state = step.state
                for event in step.events:
                    self.emit(event)
        except KeyboardInterrupt:
            state = end(state, INTERRUPTED)
        except Unavailable as error:
            state = end(state, outcome.unavailable(error))
        return state
