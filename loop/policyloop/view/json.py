"""One JSON object on stdout, with a published schema; progress as plain lines on stderr."""

import sys
from typing import TYPE_CHECKING

from policyloop.events import Attempted, Ended, Event, Started
from policyloop.printing import say_document
from policyloop.results import CheckResult, DiffResult, GuardResult, SpecCheck, SpecResult
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
                from policyloop.documents.run import run_document

                say_document(run_document(self._started, self._attempts, event))
        self._progress.event(event)

    def check(self, result: CheckResult) -> None:
        """The document of `check`."""
        from policyloop.documents.judged import check_document

        say_document(check_document(result))

    def diff(self, result: DiffResult) -> None:
        """The document of `diff`."""
        from policyloop.documents.access import diff_document

        say_document(diff_document(result))

    def guard(self, result: GuardResult) -> None:
        """The document of `guard`."""
        from policyloop.documents.judged import guard_document

        say_document(guard_document(result))

    def spec(self, result: SpecResult) -> None:
        """A spec as a table."""
        from policyloop.documents.spec import spec_document

        say_document(spec_document(result))

    def spec_check(self, result: SpecCheck) -> None:
        """The gaps of a spec."""
        from policyloop.documents.spec import spec_check_document

        say_document(spec_check_document(result))

    def session(self, answer: "Answer") -> None:
        """A session answered."""
        from policyloop.documents.session import session_document

        say_document(session_document(answer))

    def lint(self, result: "LintResult") -> None:
        """The document of `lint`."""
        from policyloop.documents.lint import lint_document

        say_document(lint_document(result))

    def mutate(self, result: "MutateResult") -> None:
        """The document of `mutate`."""
        from policyloop.documents.mutate import mutate_document

        say_document(mutate_document(result))

    def pause(self) -> None:
        """Nothing moves here."""

    def close(self) -> None:
        """Nothing to give back."""
