"""What a person or a script sees: one file a format, which draws pages made of blocks; one file a document in `pages/`.

Text is redacted and made printable by the formats.
"""

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # each format brings its own imports: a command line that only prints its help loads none
    from policyloop.view.blocks import Page


class Format(StrEnum):
    """How the result is shown. The values are those of `--format`."""

    RICH = "rich"
    PLAIN = "plain"
    JSON = "json"
    GITHUB = "github"


class View(Protocol):
    """One output format. It knows blocks, and none of the documents that are made of them.

    The result goes to stdout; progress goes to stderr where stdout is one JSON object.
    """

    def show(self, page: "Page") -> None:
        """Show a document, or a note on what goes on."""
        ...

    def pause(self) -> None:
        """Something is asked on the terminal: nothing moves until the next page."""
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
