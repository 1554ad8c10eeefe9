"""The answer of a session as text: the same for a person, for an agent, and for the hook that repeats it."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from policyloop.budget import left
from policyloop.documents.session import session_document
from policyloop.next_command import Next, policyloop
from policyloop.printing import clean, one_line
from policyloop.session.answer import Answer
from policyloop.session.steps import DONE, FIX, STOP
from policyloop.view.blocks import Block, Line, Page, Table, Tone
from policyloop.view.pages.findings import finding_alarm, finding_item
from policyloop.view.pages.spec import TESTS_HEAD, test_rows
from policyloop.view.plain import page_lines
from policyloop.view.words import plural

MAX_EXCERPT = 2_000
"""Characters of one excerpt."""
MAX_WHY = 12
"""Lines of reasons for one failing assertion."""
MAX_NAMES = 20
"""Paths that are listed one by one."""
_TONES: dict[str, Tone] = {DONE: "good", FIX: "warn"}


def session_page(answer: Answer) -> Page:
    """A session answered: the next action first, then what it is about, then what is left."""
    return Page(title="policyloop session", blocks=tuple(_blocks(answer)), document=partial(session_document, answer))


def text_of(answer: Answer) -> str:
    """All of it in one text."""
    return "\n".join(page_lines(session_page(answer)))


def _blocks(answer: Answer) -> Iterator[Block]:
    yield Line(f"{answer.next}: {one_line(answer.message, 1000)}", _TONES.get(answer.next, "bad"))
    for finding in answer.findings:
        item = finding_item(finding, alarm=finding_alarm(finding, answer.policies))
        # What an agent reads is bounded; a cut through a secret would hide it from what recognises secrets.
        yield replace(item, excerpt=clean(item.excerpt)[:MAX_EXCERPT], details=item.details[:MAX_WHY])
    if answer.more:
        yield Line(f"and {answer.more} more of this class", depth=1)
    if answer.weakened and answer.refusal:
        yield from (Line(one_line(line, 1000), depth=1) for line in answer.refusal.splitlines()[1:])
    if answer.look_at:
        yield Line(f"look at: {_names(answer.look_at)}")
    for name in answer.released:
        yield Line(f"RELEASED by a person: {one_line(name)}", "warn")
    if answer.restored:
        yield Line(f"restored: {_names(answer.restored)}")
    if answer.changed_since:
        since = "it became green" if answer.phase in {"green", "accepted"} else "the last step"
        yield Line(f"changed since {since}: {_names(answer.changed_since)}")
    if answer.next in {DONE, STOP}:
        yield from _end(answer)
    yield Line(f"session {answer.session} over {one_line(answer.policies)}: {_standing(answer)}")


def _end(answer: Answer) -> Iterator[Block]:
    yield Line(f"files changed: {_names(answer.files_changed) or 'none'}")
    for text in answer.assumptions:
        yield Line(f"ASSUMED, nobody confirmed it: {one_line(text)}", "warn")
    if answer.rules:
        yield Table(TESTS_HEAD, tuple(test_rows(answer.rules)), "Rules")
    if answer.phase == "stopped":
        yield Line("Report to the person. Only they end the session, or start anew.")
        yield from (Line(str(command)) for command in onward(answer))


def onward(answer: Answer) -> tuple[Next, ...]:
    """What a person can type after a session that stopped."""
    end = policyloop("session", "end", policies=answer.policies)
    anew = policyloop("session", "start", anew=True, policies=answer.policies)
    return Next(end, "a person, to end it"), Next(anew, "a person, to start anew")


def _standing(answer: Answer) -> str:
    tally, rest = answer.tally, left(answer.budget, answer.spent)
    ran = f"{tally.passed}/{tally.ran} assertions passed, {answer.locked} locked"
    if answer.next in {DONE, STOP}:
        return f"{answer.phase}; {ran}"
    refusals = max(0, answer.budget.refusals - answer.spent.refusals)
    tries = "attempts at this class" if answer.next == FIX else "attempts"
    return (
        f"{ran}; left: {rest.attempts} {tries}, {plural(rest.cycles, 'compile cycle')}, "
        f"{plural(refusals, 'refusal')}, {rest.seconds:.0f} s"
    )


def _names(paths: tuple[str, ...]) -> str:
    shown = ", ".join(one_line(path) for path in paths[:MAX_NAMES])
    return shown + (f" and {len(paths) - MAX_NAMES} more" if len(paths) > MAX_NAMES else "")
