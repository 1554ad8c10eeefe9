"""What a person or a script sees. One file a format, all behind `View`; text is redacted and made printable here."""

from typing import TYPE_CHECKING, Literal, Protocol

from policyloop.events import Event
from policyloop.results import CheckResult, DiffResult, GuardResult, SpecCheck, SpecResult

if TYPE_CHECKING:
    from policyloop.access.lint import LintResult
    from policyloop.access.mutate import MutateResult

if TYPE_CHECKING:
    from policyloop.session.answer import Answer

Format = Literal["rich", "plain", "json", "github"]


class View(Protocol):
    """One output format. The result goes to stdout; progress goes to stderr where stdout is one JSON object."""

    def note(self, text: str) -> None:
        """Something a person should know before the run."""
        ...

    def event(self, event: Event) -> None:
        """Something happened in a run."""
        ...

    def check(self, result: CheckResult) -> None:
        """A validation was made."""
        ...

    def diff(self, result: DiffResult) -> None:
        """Access under two bundles was compared."""
        ...

    def guard(self, result: GuardResult) -> None:
        """Two bundles' tests were compared."""
        ...

    def spec(self, result: SpecResult) -> None:
        """A spec as a table."""
        ...

    def spec_check(self, result: SpecCheck) -> None:
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
    if name == "json":
        from policyloop.view.json import JsonView

        return JsonView()
    if name == "github":
        from policyloop.view.github import GithubView

        return GithubView()
    if name == "rich":
        from policyloop.view.rich import RichView

        return RichView()
    from policyloop.view.plain import PlainView

    return PlainView()
