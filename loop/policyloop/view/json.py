"""One JSON object on stdout, with a published schema; progress as plain lines on stderr."""

import sys

from policyloop.printing import say_document
from policyloop.view.blocks import Page
from policyloop.view.plain import PlainView


class JsonView:
    """Prints the document that a page is about; a page without one is progress."""

    def __init__(self) -> None:
        self._progress = PlainView(sys.stderr)

    def show(self, page: Page) -> None:
        """The document, or else progress."""
        if page.document is None:
            self._progress.show(page)
        else:
            say_document(page.document())

    def pause(self) -> None:
        """Nothing moves here."""

    def close(self) -> None:
        """Nothing to give back."""
