"""How a run ends: a value, and the exit code that belongs to it."""

from dataclasses import dataclass
from enum import Enum

from policyloop.errors import Exit, PersonNeeded, PolicyloopError, Unavailable
from policyloop.findings import Report


class Ending(Enum):
    """The words that `--format json` shows as `outcome`."""

    GREEN = "green"
    STOPPED = "stopped"
    WEAKENED = "weakened"
    WIDER = "wider"
    PERSON = "person"
    UNAVAILABLE = "unavailable"
    INTERRUPTED = "interrupted"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended, what ended it, and one sentence for a person.

    `stopped_by` is a cap of the budget, or `stuck`, `dispute`, `nothing-to-do`, `changed`, `environment`, `interrupt`,
    `questions`, `confirm`, `contradictions`, `usage`, `wider`, `unproved` (changed rules of which nobody knows whom
    they let in), `uncompared` (a comparison of access that could not be finished); None when green.
    """

    ending: Ending
    exit_code: Exit
    stopped_by: str | None
    message: str


def green(message: str) -> Outcome:
    """The compiler is satisfied and the lock is whole."""
    return Outcome(Ending.GREEN, Exit.GREEN, None, message)


def stopped(stopped_by: str, left: Report | None, message: str) -> Outcome:
    """A cap was reached or the loop was stuck. With nothing in the report that is left to fix, a person must look."""
    code = Exit.PERSON if left is None or left.green else left.exit_code
    return Outcome(Ending.PERSON if code is Exit.PERSON else Ending.STOPPED, code, stopped_by, message)


def weakened(stopped_by: str, message: str) -> Outcome:
    """The model kept trying to weaken locked tests."""
    return Outcome(Ending.WEAKENED, Exit.WEAKENED, stopped_by, message)


def wider(message: str) -> Outcome:
    """The green bundle opens access that nothing asks for."""
    return Outcome(Ending.WIDER, Exit.WIDER, "wider", message)


def unavailable(error: Unavailable) -> Outcome:
    """Something around the run is missing or gave out: compiler, engine, model, disk."""
    return Outcome(Ending.UNAVAILABLE, error.exit_code, "environment", str(error))


def failed(error: PolicyloopError) -> Outcome:
    """What the person gave turned out to be of no use after the run had begun, or only a person can go on."""
    if isinstance(error, Unavailable):
        return unavailable(error)
    if isinstance(error, PersonNeeded):
        return person("changed", str(error))
    return Outcome(Ending.ERROR, error.exit_code, "usage", str(error))


def person(stopped_by: str, message: str) -> Outcome:
    """Only a person can decide how to go on."""
    return Outcome(Ending.PERSON, Exit.PERSON, stopped_by, message)
