"""The page of `lint`: every hole, the request that shows it, and why; then what was not looked at."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from policyloop.printing import one_line
from policyloop.view.blocks import Alarm, Block, Item, Level, Line, Mark, Page, Verdict
from policyloop.view.pages.access import effect_word
from policyloop.view.pages.mutate import question_words
from policyloop.view.words import explain_hint, plural

if TYPE_CHECKING:
    from policyloop.access.lint import Hole, LintResult

_WHO = {"engine": "by the compiler's engine", "server": "by a server"}


def hole_place(hole: "Hole", policies: str = "") -> str:
    """`file:line:column` as far as known."""
    prefix = f"{one_line(policies)}/" if policies else ""
    at = "".join(f":{number}" for number in (hole.line, hole.column) if number is not None)
    return f"{prefix}{one_line(hole.file)}{at}"


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


def lint_page(result: "LintResult") -> Page:
    """Holes were searched for."""
    from policyloop.documents.lint import lint_document

    blocks: list[Block] = [hole_item(hole, result.policies) for hole in result.holes]
    if result.holes:
        blocks.append(Line(explain_hint(result.holes[0].code), "quiet"))
    blocks += unasked_blocks(result)
    word, _, words = lint_line(result).partition(": ")
    return Page(
        title="policyloop lint",
        blocks=tuple(blocks),
        verdict=Verdict(word, words, lint_mark(result)),
        document=partial(lint_document, result),
    )


def hole_item(hole: "Hole", policies: str = "") -> Item:
    """A hole, the request that shows it, and why."""
    shown = shown_line(hole)
    details = [*([f"shown by: {shown}"] if shown else []), *(f"why: {one_line(reason)}" for reason in hole.why)]
    level: Level = "notice" if hole.level == "note" else "warning"
    return Item(
        place=hole_place(hole, policies),
        label=f"{hole.level}/{hole.code}",
        text=one_line(hole.message),
        tone="warn" if hole.level == "warning" else "note",
        excerpt=hole.excerpt or "",
        details=tuple(details),
        alarm=Alarm(
            level=level,
            title=f"lint/{hole.code}",
            text="\n".join((hole.message, *details)),
            file=f"{policies}/{hole.file}",
            line=hole.line,
            column=hole.column,
        ),
    )


def unasked_blocks(result: "LintResult") -> Iterator[Line]:
    """What was not looked at."""
    yield from (Line(f"not looked at: {one_line(line)}", "warn") for line in result.unasked)
