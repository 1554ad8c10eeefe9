"""A view as the audience of a run (`policyloop.run.people`)."""

import shutil

from policyloop.events import Ended, Event
from policyloop.printing import say_next
from policyloop.results import SpecResult
from policyloop.view import View
from policyloop.view.blocks import Page
from policyloop.view.pages.note import note_page
from policyloop.view.pages.run import Story
from policyloop.view.pages.spec import spec_page, spec_screens


class Shown:
    """Whatever a run tells is shown on `view`. `asked`: a person is asked after a spec, so it comes by the screen."""

    def __init__(self, view: View, *, asked: bool = False) -> None:
        self._view = view
        self._story = Story()
        self._asked = asked
        self._rest: Page | None = None

    @property
    def has_more(self) -> bool:
        """Whether there is something of the spec that was not shown yet."""
        return self._rest is not None

    def more(self) -> None:
        """Show the rest of the spec that was shown last."""
        if self._rest is not None:
            self._view.show(self._rest)
            self._rest = None

    def note(self, text: str) -> None:
        """Something a person should know before the run, or beside it."""
        self._view.show(note_page(text))

    def event(self, event: Event) -> None:
        """Something happened."""
        for page in self._story.pages(event):
            self._view.show(page)
        if isinstance(event, Ended):
            say_next(event.next)

    def spec(self, result: SpecResult) -> None:
        """The spec: whole, or its first screen before a question, and the rest with `more`."""
        if not self._asked:
            self._view.show(spec_page(result))
            return
        self._view.pause()
        first, self._rest = spec_screens(result, shutil.get_terminal_size().columns)
        self._view.show(first)
