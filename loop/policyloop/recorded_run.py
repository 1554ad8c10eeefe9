"""A run out of its ledger: found by its id, and read as the events that it tells."""

from collections.abc import Sequence
from pathlib import Path

from policyloop.budget import Spent
from policyloop.errors import Exit, PersonNeeded, UsageError
from policyloop.events import Attempted, Clarified, Ended, Event, Judged, Started, decode
from policyloop.findings import Tally
from policyloop.ledger import Chain, find_run, latest_run
from policyloop.next_command import Next, policyloop
from policyloop.outcome import Ending
from policyloop.task import cut
from policyloop.workspace import find_state


def open_run(name: str | None, state: Path | None) -> Path:
    """The ledger of the run whose id begins with `name`, the latest run's without one. Raises `UsageError`."""
    folder = find_state(state)
    return find_run(folder, name) if name else latest_run(folder)


def events_of(chain: Chain, path: Path) -> Sequence[Event]:
    """The events of the ledger `path`, in order. A run without an end was killed, or is at work: that is told last.

    Raises `UsageError` for a record that this version does not know, and `PersonNeeded` for a ledger of two runs.
    """
    events: list[Event] = []
    wrote = ""
    for record in chain.records:
        try:
            event = decode(record.kind, record.data)
        except ValueError as error:
            raise UsageError(
                f"Record {record.seq} of the ledger {path} is none that this policyloop reads "
                f"({record.kind}: {_first_fault(error)}).",
                f"Use the version that wrote it{f', {wrote}' if wrote else ''}.",
            ) from None
        if event is not None:
            events.append(event)
        if isinstance(event, Started):
            wrote = event.policyloop
    _check_one_run(events, path)
    if events and not isinstance(events[-1], Ended):
        events.append(_unfinished(events))
    return events


def _first_fault(error: ValueError) -> str:
    """Where a record is other than expected, and how, in a few words."""
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return cut(str(error), 200)
    fault = error.errors(include_url=False, include_input=False)[0]
    return cut(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}", 200)


def _check_one_run(events: Sequence[Event], path: Path) -> None:
    """A ledger tells of one run, that of its folder. Two that were joined hash well, if somebody sealed them anew."""
    runs = [event.run for event in events if isinstance(event, Started)]
    if events and (len(runs) != 1 or not isinstance(events[0], Started)):
        raise PersonNeeded(
            f"The ledger {path} tells of {len(runs)} runs instead of one from its beginning.", "Do not rely on it."
        )
    if runs and runs[0] != path.parent.name:
        raise PersonNeeded(f"The ledger {path} is that of run {runs[0]}, not of its folder.", "Do not rely on it.")


def _resuming(started: Started) -> Next:
    command = policyloop("run", policies=started.policies, resume=started.run)
    return Next(command, "to go on, with the model named as before")


def _unfinished(events: Sequence[Event]) -> Ended:
    spent = [e.spent for e in events if isinstance(e, Judged | Attempted)]
    judged = [e for e in events if isinstance(e, Judged)]
    told = next((e for e in reversed(events) if isinstance(e, Clarified)), None)
    return Ended(
        ending=Ending.INTERRUPTED,
        exit_code=int(Exit.INTERRUPTED),
        stopped_by="interrupt",
        message="The run has no end: it was killed, or is still at work.",
        cycles=len(judged),
        spent=spent[-1] if spent else Spent(),
        diff="",
        findings=judged[-1].findings if judged else (),
        tally=judged[-1].tally if judged else Tally(),
        locked=judged[-1].locked if judged else 0,
        released=tuple(name for e in events if isinstance(e, Started) for name in e.released),
        spec=told.used if told else None,
        next=tuple(_resuming(event) for event in events if isinstance(event, Started)),
        questions=told.questions if told else (),
        assumptions=told.assumptions if told else (),
        changes=told.changes if told else (),
    )
