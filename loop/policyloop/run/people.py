"""Who a run speaks with: a person who is asked, and an audience that is told."""

from dataclasses import dataclass
from typing import Protocol

from policyloop.events import Event
from policyloop.results import SpecResult
from policyloop.specification import Spec
from policyloop.specification.model import Question


@dataclass(frozen=True, slots=True)
class Yes:
    """This is what the person wants."""


@dataclass(frozen=True, slots=True)
class No:
    """It is not."""


@dataclass(frozen=True, slots=True)
class Edited:
    """The person changed it. `text` is the file as they left it, whose comments are kept."""

    spec: Spec
    text: str | None


class Person(Protocol):
    """A person who can be asked now. Every question may be broken off, which is a `KeyboardInterrupt`."""

    def answer(self, question: Question, number: int, count: int) -> str:
        """The id of an option, or words. It is question `number` of `count`."""
        ...

    def agree(self, spec: Spec, text: str | None) -> Yes | No | Edited:
        """Whether the spec, which was shown, is what they want. `text` is the file before, for its comments."""
        ...

    def let_in(self, words: str) -> bool:
        """Whether access that got wider, or could not be compared, as `words` say, is meant."""
        ...


class Audience(Protocol):
    """Whoever sees the run. It is told documents; what it makes of them is its own affair."""

    def note(self, text: str) -> None:
        """Something a person should know before the run, or beside it."""
        ...

    def event(self, event: Event) -> None:
        """Something happened, as the ledger has it."""
        ...

    def spec(self, result: SpecResult) -> None:
        """The whole spec, for a person to say yes or no to."""
        ...
