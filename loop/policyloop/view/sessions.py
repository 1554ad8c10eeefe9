"""The answer of a session as text: the same for a person, for an agent, and for the hook that repeats it."""

from collections.abc import Iterator

from policyloop.budget import left
from policyloop.printing import clean, one_line
from policyloop.session.answer import Answer
from policyloop.session.steps import DONE, FIX, STOP
from policyloop.view.specs import TESTS_HEAD, test_rows
from policyloop.view.words import finding_line, plural

MAX_EXCERPT = 2_000
"""Characters of one excerpt."""
MAX_WHY = 12
"""Lines of reasons for one failing assertion."""
MAX_NAMES = 20
"""Paths that are listed one by one."""


def text_of(answer: Answer) -> str:
    """All lines in one text."""
    return "\n".join(session_lines(answer))


def session_lines(answer: Answer) -> Iterator[str]:
    """The next action first, then what it is about, then what is left."""
    yield f"{answer.next}: {one_line(answer.message, 1000)}"
    for finding in answer.findings:
        yield f"  {finding_line(finding)}"
        if finding.excerpt:
            yield from (f"    {line}" for line in clean(finding.excerpt)[:MAX_EXCERPT].splitlines())
        yield from (f"    why: {one_line(why)}" for why in finding.why[:MAX_WHY])
    if answer.more:
        yield f"  and {answer.more} more of this class"
    if answer.weakened and answer.refusal:
        yield from (f"  {one_line(line, 1000)}" for line in answer.refusal.splitlines()[1:])
    if answer.look_at:
        yield f"look at: {_names(answer.look_at)}"
    for name in answer.released:
        yield f"RELEASED by a person: {one_line(name)}"
    if answer.restored:
        yield f"restored: {_names(answer.restored)}"
    if answer.changed_since:
        since = "it became green" if answer.phase in {"green", "accepted"} else "the last step"
        yield f"changed since {since}: {_names(answer.changed_since)}"
    yield from _end_lines(answer)
    yield f"session {answer.session} over {one_line(answer.policies)}: {_standing(answer)}"


def _end_lines(answer: Answer) -> Iterator[str]:
    if answer.next not in {DONE, STOP}:
        return
    yield f"files changed: {_names(answer.files_changed) or 'none'}"
    for text in answer.assumptions:
        yield f"ASSUMED, nobody confirmed it: {one_line(text)}"
    for row in test_rows(answer.rules):
        yield f"{TESTS_HEAD[0]} {row[0]}: " + " | ".join(cell for cell in row[1:] if cell)
    if answer.phase == "stopped":
        yield "Report to the person. Only they end the session (policyloop session end) or start anew (start --anew)."


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
