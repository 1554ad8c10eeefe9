"""What lint found, as lines that every view for people shares."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from policyloop.printing import one_line
from policyloop.view.access import effect_word
from policyloop.view.mutants import question_words
from policyloop.view.words import Mark, explain_hint, plural

if TYPE_CHECKING:
    from policyloop.access.lint import Hole, LintResult

_WHO = {"engine": "by the compiler's engine", "server": "by a server"}


def hole_line(one: "Hole", policies: str = "") -> str:
    """A hole on one line, its place first."""
    prefix = f"{one_line(policies)}/" if policies else ""
    at = "".join(f":{number}" for number in (one.line, one.column) if number is not None)
    return f"{prefix}{one_line(one.file)}{at}: {one.level}/{one.code}: {one_line(one.message)}"


def shown_line(one: "Hole") -> str | None:
    """The request that shows it; None without one."""
    if one.witness is None:
        return None
    witness = one.witness
    said = f"{effect_word(witness.effect)} {_WHO[witness.confirmed_by]}"
    return f"{question_words(witness.question)}: {said}; {one_line(witness.because)}"


def lint_line(result: "LintResult") -> str:
    """The verdict of `lint`."""
    levels = [one.level for one in result.holes]
    counted = [plural(levels.count(level), level) for level in ("warning", "note") if level in levels]
    left = f"; {plural(len(result.unasked), 'thing')} not looked at" if result.unasked else ""
    said = ", ".join(counted) or "nothing found"
    return f"{result.outcome}: {said}; {plural(result.asked, 'request')} asked{left}"


def lint_mark(result: "LintResult") -> Mark:
    """`good` only where all was looked at and nothing was found."""
    if result.exit_code:
        return "bad"
    return "warn" if result.holes or result.unasked else "good"


def lint_lines(result: "LintResult") -> Iterator[str]:
    """Every hole, the request that shows it, and why."""
    for one in result.holes:
        yield hole_line(one, result.policies)
        shown = shown_line(one)
        if shown:
            yield f"  shown by: {shown}"
        yield from (f"  why: {one_line(reason)}" for reason in one.why)
    if result.holes:
        yield explain_hint(result.holes[0].code)
    yield from unasked_lines(result)


def unasked_lines(result: "LintResult") -> Iterator[str]:
    """What was not looked at."""
    yield from (f"not looked at: {one_line(line)}" for line in result.unasked)
