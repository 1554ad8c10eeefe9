"""One JSON object on stdout, with a published schema; progress as plain lines on stderr."""

import sys
from typing import TYPE_CHECKING

from policyloop.events import Attempted, Ended, Event, Started
from policyloop.printing import say_document
from policyloop.results import CheckResult, DiffResult, GuardResult, SpecCheck, SpecResult, run_to_json
from policyloop.view.plain import PlainView

if TYPE_CHECKING:
    from policyloop.access.lint import LintResult
    from policyloop.access.mutate import MutateResult
    from policyloop.session.answer import Answer


class JsonView:
    """Gathers a run's events and prints its document when it ends."""

    def __init__(self) -> None:
        self._progress = PlainView(sys.stderr)
        self._started: Started | None = None
        self._attempts: list[Attempted] = []

    def note(self, text: str) -> None:
        """Something a person should know before the run."""
        self._progress.note(text)

    def event(self, event: Event) -> None:
        """Progress now; the document when the run ended."""
        match event:
            case Started():
                self._started = event
            case Attempted():
                self._attempts.append(event)
            case Ended() if self._started:
                say_document(run_to_json(self._started, self._attempts, event))
        self._progress.event(event)

    def check(self, result: CheckResult) -> None:
        """The document of `check`."""
        say_document(result.to_json())

    def diff(self, result: DiffResult) -> None:
        """The document of `diff`."""
        say_document(result.to_json())

    def guard(self, result: GuardResult) -> None:
        """The document of `guard`."""
        say_document(result.to_json())

    def spec(self, result: SpecResult) -> None:
        """A spec as a table."""
        say_document(result.to_json())

    def spec_check(self, result: SpecCheck) -> None:
        """The gaps of a spec."""
        say_document(result.to_json())

    def session(self, answer: "Answer") -> None:
        """A session answered."""
        say_document(answer.to_json())

    def lint(self, result: "LintResult") -> None:
        """The document of `lint`."""
        say_document(result.to_json())

    def mutate(self, result: "MutateResult") -> None:
        """The document of `mutate`."""
        say_document(result.to_json())

    def pause(self) -> None:
        """Nothing moves here."""

    def close(self) -> None:
        """Nothing to give back."""
