"""What `run --resume` takes from an earlier run's ledger: its request, its releases, and what its model answered."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from policyloop.errors import PersonNeeded, UsageError
from policyloop.events import Answered, Attempted, Clarified, Ended, Event, Judged, Started, decode
from policyloop.guard import Release
from policyloop.ledger import read
from policyloop.protocol import proposal_from_json
from policyloop.recorded_run import events_of, open_run
from policyloop.run.booking import unsettled
from policyloop.task import Dispute, Malformed
from policyloop.usage import Usage
from policyloop.workspace import state_directory

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
    carried: Usage = field(default_factory=Usage)
    """What calls without an answer may have cost, where neither an answer nor a draft carries it on."""
    disputes: tuple[Dispute, ...] = ()
    """The disputes of tests in it; where it ended over one, that is the last."""
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
    events = events_of(chain, path)
    started = _started(events, path)
    clarified = [event for event in events if isinstance(event, Clarified)]
    last = clarified[-1] if clarified else None
    answers = _answers_since(last, events)
    _check_answers(answers, path)
    told = [(record, decode(record.kind, record.data)) for record in chain.records]
    timed = unsettled(told, (Answered, Judged))
    past = Past(
        started=started,
        answers=answers,
        elapsed=max(_clocks(events), timed.until if timed else 0.0),
        clarified=last,
        carried=started.carried,
        base=_base_of(last, clarified),
        disputes=tuple(dict.fromkeys(e.dispute for e in events if isinstance(e, Attempted) and e.dispute)),
        digests=frozenset(filter(None, (started.spec_digest, *(draft.used.digest for draft in clarified)))),
    )
    lost = unsettled(told, (Answered,))
    return _with_usage(past, lost.usage) if lost else past


def _started(events: Sequence[Event], path: Path) -> Started:
    """How the run began. Raises `UsageError` for a run that ended for good."""
    started = next((event for event in events if isinstance(event, Started)), None)
    if started is None:
        raise UsageError(f"The ledger {path} holds no run.", "Start a new run.")
    ended = next((event for event in events if isinstance(event, Ended)), None)
    # An agent's own session names no test in its dispute, so there is nothing in it to be answered here.
    disputed = any(event.dispute and event.dispute.suite for event in events if isinstance(event, Attempted))
    answerable = ended is not None and ended.stopped_by == "dispute" and disputed
    if ended and ended.ending.value not in GOES_ON and not answerable:
        raise UsageError(
            f"Run {started.run} ended {ended.ending.value}; there is nothing to resume.", "Start a new run."
        )
    return started


def _answers_since(last: Clarified | None, events: Sequence[Event]) -> tuple[Answered, ...]:
    """What the model answered since the spec was told last; a call that no budget allowed is no answer."""
    since = 0
    for number, event in enumerate(events, 1):
        if event is last:
            since = number
    return tuple(event for event in events[since:] if isinstance(event, Answered) and not event.over_budget)


def _base_of(last: Clarified | None, clarified: Sequence[Clarified]) -> Clarified | None:
    """The draft that the model had its say on, where answers upon it are due."""
    if last is None or not last.due:
        return None
    drafts = [draft for draft in clarified if not draft.due]
    return drafts[-1] if drafts else None


def _with_usage(past: Past, lost: Usage) -> Past:
    """The past with what a call without an answer may have cost.

    It goes with what the next run starts from, so that a run that resumes that one finds it there.
    """
    if past.answers:
        answer = past.answers[-1]
        return replace(past, answers=(*past.answers[:-1], replace(answer, usage=answer.usage + lost)))
    if past.clarified:
        spent = past.clarified.spent
        told = replace(past.clarified, spent=replace(spent, usage=spent.usage + lost))
        return replace(past, clarified=told)
    return replace(past, carried=past.carried + lost)


def _clocks(events: Sequence[Event]) -> float:
    """The latest moment on the run's clock that any record tells."""
    clocks = [0.0]
    for event in events:
        match event:
            case Started():
                clocks.append(event.already)
            case Answered():
                clocks.append(event.elapsed)
            case Judged() | Attempted() | Clarified() | Ended():
                clocks.append(event.spent.seconds)
    return max(clocks)


def _check_answers(answers: Sequence[Answered], path: Path) -> None:
    """What is replayed was a proposal once. Raises `PersonNeeded`."""
    for answer in answers:
        try:
            if answer.proposal is not None:
                proposal_from_json(answer.proposal)
        except Malformed as error:
            raise PersonNeeded(
                f"The ledger {path} holds an answer to attempt {answer.attempt} that is none: {error}.",
                "Start a new run.",
            ) from None
