"""A sentence that a person should know beside the result."""

from policyloop.printing import one_line
from policyloop.view.blocks import Alarm, Item, Page


def note_page(text: str) -> Page:
    """Something a person should know before the run."""
    return Page(
        blocks=(Item(text=one_line(text), tone="warn", alarm=Alarm(level="notice", title="policyloop", text=text)),)
    )
