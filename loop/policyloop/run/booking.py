"""What a call may cost is booked before it is made, and while it lasts: a call that is killed has been paid for, too.

The records are of the kind `booked`: the usage that the call can have cost, and until when on the run's clock its time
is booked. An answer takes the place of what was booked for it. A pulse books further while a call lasts, each time for
a quarter of what it has taken, so that a hung call leaves few records and hands back no time.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass

from policyloop.bundle import Bundle
from policyloop.cerbos_loop import Judge
from policyloop.errors import PersonNeeded, Unavailable
from policyloop.events import Event
from policyloop.findings import Report
from policyloop.guard import Lock
from policyloop.ledger import Ledger, Record
from policyloop.task import Foretelling, Model, Reply, Task
from policyloop.usage import Usage

KIND = "booked"
FIRST_SECONDS = 1.0
"""After how long a call first books more time."""
SLACK_SECONDS = 0.5
"""Booked beyond the next pulse, for a machine that is busy."""


@dataclass(frozen=True, slots=True)
class Unsettled:
    """What was booked for a call that has no answer: its usage, and the run's clock until which its time counts."""

    usage: Usage
    until: float


class Booking:
    """The model of a run whose calls are booked in its ledger.

    A model that foretells nothing is booked at the dearest call that the run has seen.
    """

    def __init__(self, model: Model, ledger: Ledger, clock: Callable[[], float], seen: Iterable[Usage] = ()) -> None:
        self._model = model
        self._ledger = ledger
        self._clock = clock
        self._dearest = max(seen, key=_dearness, default=Usage())
        self.name = model.name
        self.note = model.note

    def propose(self, task: Task) -> Reply:
        """Ask the model, with the call booked first."""
        most = self._model.most(task) if isinstance(self._model, Foretelling) else self._dearest
        with self._booked(most, at_once=True):
            reply = self._model.propose(task)
        self._dearest = max(self._dearest, reply.usage, key=_dearness)
        return reply

    def close(self) -> None:
        """Close the real model."""
        self._model.close()

    def timed(self, judge: Judge) -> Judge:
        """The same judge; the time of a validation is booked once it takes longer than a moment."""

        def judged(bundle: Bundle, lock: Lock) -> Report:
            with self._booked(Usage(), at_once=False):
                return judge(bundle, lock)

        return judged

    @contextmanager
    def _booked(self, usage: Usage, *, at_once: bool) -> Iterator[None]:
        if at_once:
            self._book(usage, self._clock() + FIRST_SECONDS + SLACK_SECONDS)
        over = threading.Event()
        pulse = threading.Thread(target=self._pulse, args=(usage, over), name="policyloop-pulse", daemon=True)
        pulse.start()
        try:
            yield
        except BaseException as error:
            over.set()
            pulse.join()
            # No answer at all costs nothing; one that was broken off may have cost all of it.
            with suppress(Unavailable):
                self._book(Usage() if isinstance(error, Unavailable) else usage, self._clock())
            raise
        finally:
            over.set()
            pulse.join()

    def _pulse(self, usage: Usage, over: threading.Event) -> None:
        began = self._clock()
        pause = FIRST_SECONDS
        while not over.wait(pause):
            now = self._clock()
            pause = max(FIRST_SECONDS, (now - began) / 4)
            try:
                self._book(usage, now + pause + SLACK_SECONDS)
            except Unavailable:
                return  # the disk is full: the run's next record says so

    def _book(self, usage: Usage, until: float) -> None:
        self._ledger.append(KIND, {"usage": asdict(usage), "until": until})


def unsettled(records: Iterable[tuple[Record, Event | None]], settles: tuple[type[Event], ...]) -> Unsettled | None:
    """What was booked last, if nothing of the kinds `settles` came after it. Raises `PersonNeeded` for a bad record."""
    last: Unsettled | None = None
    for record, event in records:
        if record.kind == KIND:
            last = _read(record)
        elif isinstance(event, settles):
            last = None
    return last


def _read(record: Record) -> Unsettled:
    from pydantic import TypeAdapter, ValidationError

    try:
        usage = TypeAdapter(Usage).validate_python(record.data.get("usage"))
        until = TypeAdapter(float).validate_python(record.data.get("until"))
    except ValidationError:
        raise PersonNeeded(
            f"Record {record.seq} of the ledger books nothing that can be read.", "Start a new run."
        ) from None
    return Unsettled(usage, max(until, 0.0))


def _dearness(usage: Usage) -> tuple[float, int]:
    return usage.usd, usage.tokens
