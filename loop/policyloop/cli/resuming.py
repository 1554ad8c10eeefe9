"""What `run --resume` takes from an earlier run's ledger: its request, its releases, and what its model answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from policyloop.budget import Spent
from policyloop.errors import Exit, PersonNeeded, UsageError
from policyloop.events import Answered, Attempted, Clarified, Ended, Event, Judged, Started, decode
from policyloop.findings import Tally
from policyloop.guard import Release
from policyloop.ledger import Chain, find_run, latest_run, read
from policyloop.outcome import Ending
from policyloop.workspace import find_state, state_directory

GOES_ON = ("interrupted", "unavailable")


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier run, as far as its ledger tells. `answers` are the model's since it was `clarified`."""

    started: Started
    answers: tuple[Answered, ...]
    elapsed: float
    clarified: Clarified | None = None
    base: Clarified | None = None
    """The draft before the answers that the model had not taken in yet; None when there were none, or no draft."""
    digests: frozenset[str] = frozenset()
    """What the spec's file may hold: the spec at the start, and every draft."""

    @property
    def releases(self) -> tuple[Release, ...]:
        """What a person released then."""
        return tuple(Release(**r) for r in self.started.releases)


def read_past(name: str, state: Path | None, policies: Path | None = None) -> Past:
    """The run whose id begins with `name`, kept with `policies` or else in the state directory found from here.

    Raises `UsageError`, or `PersonNeeded` when its ledger is not whole.
    """
    path = open_run(name, state_directory(policies, state) if policies else state)
    chain = read(path)
    if chain.broken and not chain.torn:
        raise PersonNeeded(f"The ledger {path} is not whole: {chain.broken}.", "Start a new run.")
    events = events_of(chain)
    started = next((e for e in events if isinstance(e, Started)), None)
    ended = next((e for e in events if isinstance(e, Ended)), None)
    if started is None:
        raise UsageError(f"The ledger {path} holds no run.", "Start a new run.")
    if ended and ended.ending.value not in GOES_ON:
        raise UsageError(
            f"Run {started.run} ended {ended.ending.value}; there is nothing to resume.", "Start a new run."
        )
    answered = [e for e in events if isinstance(e, Answered)]
    clarified = [e for e in events if isinstance(e, Clarified)]
    last = clarified[-1] if clarified else None
    since = max((n for n, e in enumerate(events) if e is last), default=-1)
    drafts = [e for e in clarified if not e.due]
    return Past(
        started=started,
        answers=tuple(e for e in events[since + 1 :] if isinstance(e, Answered) and not e.over_budget),
        elapsed=answered[-1].elapsed if answered else 0.0,
        clarified=last,
        base=drafts[-1] if last and last.due and drafts else None,
        digests=frozenset(filter(None, (started.spec_digest, *(e.used.digest for e in clarified)))),
    )


def open_run(name: str | None, state: Path | None) -> Path:
    """The ledger of the run whose id begins with `name`, the latest run's without one. Raises `UsageError`."""
    folder = find_state(state)
    return find_run(folder, name) if name else latest_run(folder)


def events_of(chain: Chain) -> Sequence[Event]:
    """The events of a ledger, in order. A run that never ended was killed, or is still at work: that is told last."""
    events = [event for r in chain.records if (event := decode(r.kind, r.data)) is not None]
    if events and not isinstance(events[-1], Ended):
        events.append(_unfinished(events))
    return events


def _unfinished(events: Sequence[Event]) -> Ended:
    spent = [e.spent for e in events if isinstance(e, Judged | Attempted)]
    judged = [e for e in events if isinstance(e, Judged)]
    told = next((e for e in reversed(events) if isinstance(e, Clarified)), None)
    return Ended(
        ending=Ending.INTERRUPTED,
        exit_code=int(Exit.INTERRUPTED),
        stopped_by="interrupt",
        message="The run has no end: it was killed, or is still at work. Resume it with: policyloop run --resume RUN.",
        cycles=len(judged),
        spent=spent[-1] if spent else Spent(),
        diff="",
        findings=judged[-1].findings if judged else (),
        tally=judged[-1].tally if judged else Tally(),
        locked=judged[-1].locked if judged else 0,
        released=tuple(name for e in events if isinstance(e, Started) for name in e.released),
        spec=told.used if told else None,
        questions=told.questions if told else (),
        assumptions=told.assumptions if told else (),
        changes=told.changes if told else (),
    )
