"""GitHub Actions: an annotation for each alarm, and a step summary.

Source: GitHub's workflow commands (`::error file=..,line=..::text`, with `%`, CR, LF and in properties `:` and `,`
escaped; between `::stop-commands::TOKEN` and `::TOKEN::` lines are only text) and the file named by
GITHUB_STEP_SUMMARY (at most 1 MiB a step).
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path

from policyloop.printing import annotate, clean, say_unheard
from policyloop.view.blocks import Alarm, Block, Details, Item, Page, Section
from policyloop.view.markdown import markdown
from policyloop.view.plain import PlainView

MOST_ANNOTATIONS = 50
"""Of one page; what is beyond stands in the log."""
MOST_SUMMARY_BYTES = 900_000


class GithubView:
    """Annotations on stdout between plain lines, and a Markdown summary of the step."""

    def __init__(self) -> None:
        self._buffer = StringIO()
        self._plain = PlainView(self._buffer)
        self._summary: list[str] = []

    def show(self, page: Page) -> None:
        """Annotations, then in plain lines what is none."""
        alarms = list(_alarms(page.blocks))[:MOST_ANNOTATIONS]
        for alarm in alarms:
            annotate(alarm.level, alarm.title, clean(alarm.text), file=alarm.file, line=alarm.line, col=alarm.column)
        self._plain.show(replace(page, blocks=tuple(_unannotated(page.blocks, alarms))))
        if self._buffer.tell():
            say_unheard(self._buffer.getvalue())
        self._buffer.seek(0)
        self._buffer.truncate()
        self._summary.append(markdown(page, level=3))

    def pause(self) -> None:
        """Nothing moves here."""

    def close(self) -> None:
        """Append the summary where GitHub reads it."""
        target = os.environ.get("GITHUB_STEP_SUMMARY")
        parts = [part for part in self._summary if part.strip()]
        self._summary.clear()
        if not target or not parts:
            return
        try:
            with Path(target).open("a", encoding="utf-8") as file:
                file.write("\n".join(_bounded(parts)) + "\n")
        except OSError as error:
            annotate("warning", "policyloop", f"no step summary: {clean(target)}: {error.strerror}")


def _alarms(blocks: Iterable[Block]) -> Iterator[Alarm]:
    for block in blocks:
        if isinstance(block, Alarm):
            yield block
        elif isinstance(block, Item) and block.alarm is not None:
            yield block.alarm
        elif isinstance(block, Section | Details):
            yield from _alarms(block.blocks)


def _unannotated(blocks: Iterable[Block], alarms: list[Alarm]) -> Iterator[Block]:
    for block in blocks:
        if isinstance(block, Section):
            yield replace(block, blocks=tuple(_unannotated(block.blocks, alarms)))
        elif not (isinstance(block, Item) and any(block.alarm is alarm for alarm in alarms)):
            yield block


def _bounded(parts: list[str]) -> Iterator[str]:
    """As many whole parts as GitHub takes; a part that was cut might leave a fence open."""
    left = MOST_SUMMARY_BYTES
    for number, part in enumerate(parts):
        left -= len(part.encode()) + 1
        if left < 0:
            yield f"{len(parts) - number} more parts are too long for a summary."
            return
        yield part
