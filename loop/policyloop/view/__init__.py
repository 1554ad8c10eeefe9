"""What a person or a script sees. One file a format, all behind `View`; text is redacted and made printable here."""

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # each view brings its own imports: a command line that only prints its help loads none
    from policyloop.access.lint import LintResult
    from policyloop.access.mutate import MutateResult
    from policyloop.events import Event
    from policyloop.results import CheckResult, DiffResult, GuardResult, SpecCheck, SpecResult
    from policyloop.session.answer import Answer


class Format(StrEnum):
    """How the result is shown. The values are those of `--format`."""

    RICH = "rich"
    PLAIN = "plain"
    JSON = "json"
    GITHUB = "github"


class View(Protocol):
    """One output format. The result goes to stdout; progress goes to stderr where stdout is one JSON object."""

    def note(self, text: str) -> None:
        """Something a person should know before the run."""
        ...

    def event(self, event: "Event") -> None:
        """Something happened in a run."""
        ...

    def check(self, result: "CheckResult") -> None:
        """A validation was made."""
        ...

    def diff(self, result: "DiffResult") -> None:
        """Access under two bundles was compared."""
        ...

    def guard(self, result: "GuardResult") -> None:
        """Two bundles' tests were compared."""
        ...

    def spec(self, result: "SpecResult") -> None:
        """A spec as a table."""
        ...

    def spec_check(self, result: "SpecCheck") -> None:
        """The gaps of a spec."""
        ...

    def session(self, answer: "Answer") -> None:
        """A session answered."""
        ...

    def lint(self, result: "LintResult") -> None:
        """Holes were searched for."""
        ...

    def mutate(self, result: "MutateResult") -> None:
        """Mutants were made."""
        ...

    def pause(self) -> None:
        """Something is asked on the terminal: nothing moves until the next event."""
        ...

    def close(self) -> None:
        """Nothing more will come; the terminal is given back."""
        ...


def open_view(name: Format) -> View:
    """The view of that name; each brings its own imports."""
    if name is Format.JSON:
        from policyloop.view.json import JsonView

        return JsonView()
    if name is Format.GITHUB:
        from policyloop.view.github import GithubView

        return GithubView()
    if name is Format.RICH:
        from policyloop.view.rich import RichView

        return RichView()
    from policyloop.view.plain import PlainView

    return PlainView()
