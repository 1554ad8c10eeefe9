"""A view as the audience of a run (`policyloop.run.people`)."""

from policyloop.events import Event
from policyloop.results import SpecResult
from policyloop.view import View
from policyloop.view.pages.note import note_page
from policyloop.view.pages.run import Story
from policyloop.view.pages.spec import spec_page


class Shown:
    """Whatever a run tells is shown on `view`."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._story = Story()

    def note(self, text: str) -> None:
        """Something a person should know before the run, or beside it."""
        self._view.show(note_page(text))

    def event(self, event: Event) -> None:
        """Something happened."""
        for page in self._story.pages(event):
            self._view.show(page)

    def spec(self, result: SpecResult) -> None:
        """The whole spec."""
        self._view.show(spec_page(result))
