"""The words of a review that its HTML and its Markdown share."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from policyloop.view.words import one_line, plural

if TYPE_CHECKING:
    from policyloop.review import Cell, Review
    from policyloop.widened import Deciding

STATES = {
    "always": ("✓", "allowed", "every request that was asked is allowed"),
    "sometimes": ("◐", "depends", "some of the requests that were asked are allowed"),
    "never": ("·", "denied", "none of the requests that were asked is allowed"),
    "unknown": ("", "not asked", "nothing was asked"),
}
"""State -> sign, word, meaning."""


def headline(review: "Review") -> tuple[bool, str, str]:
    """Whether all is well, how the run ended in a word, and in a sentence."""
    ended = review.ended
    if ended is None:
        return False, "no end", "The run has no end."
    return ended.exit_code == 0 and review.broken is None, ended.ending.value, one_line(ended.message, 1000)


def facts(review: "Review") -> Iterator[tuple[str, str, str]]:
    """What a person wants to know at a glance: name, value, and whether it is `good`, `bad`, `warn` or nothing."""
    access, ended = review.access, review.ended
    if access is None or access.skipped is not None:
        yield "Access", "not compared", "warn"
    else:
        wider, narrower = len(access.wider), len(access.narrower)
        asked = sum(one.wider and one.asked_for is not None for one in access.reasons)
        words = f"{wider} wider, {narrower} narrower" if wider or narrower or asked else "no change found"
        words += f", {asked} wider as asked for" if asked else ""
        yield "Access", words, "bad" if wider else "good"
    if ended is not None:
        proven = sum(rule.proven for rule in ended.rules)
        if ended.rules:
            yield "Rules proven", f"{proven} of {len(ended.rules)}", "good" if proven == len(ended.rules) else "bad"
        yield (
            "Assertions",
            f"{ended.tally.passed} of {ended.tally.ran} passed",
            _mark(ended.tally.passed, ended.tally.ran),
        )
        if ended.released:
            yield "Tests released", str(len(ended.released)), "warn"
    if review.mutation is not None:
        score, unnoticed = review.mutation.score, len(review.mutation.shown)
        said = "nothing to measure" if score is None else f"{score}%"
        yield (
            "Mistakes noticed",
            said + (f", {unnoticed} unnoticed" if unnoticed else ""),
            "warn" if unnoticed else "good",
        )
    if review.lint is not None:
        warnings = sum(one.level == "warning" for one in review.lint.holes)
        yield "Holes", plural(warnings, "warning") if warnings else "none found", "warn" if warnings else "good"
    yield (
        "Ledger",
        "NOT whole" if review.broken else f"whole, {plural(review.records, 'record')}",
        _mark(not review.broken, 1),
    )


def _mark(have: int, want: int) -> str:
    return "good" if have == want and want else "bad"


def cell_words(cell: "Cell") -> str:
    """A cell for somebody who does not see it: `denied, was allowed`."""
    after, before = STATES[cell.after][1], STATES[cell.before][1]
    return after if cell.before in (cell.after, "unknown") else f"{after}, was {before}"


def place_words(one: "Deciding") -> str:
    """The rule and the line that decided; what there is of it."""
    if one.file is None:
        return one_line(one.policy) if one.policy else "no rule"
    if not one.rule:
        return f"no rule of {one_line(one.file)} applies"
    return f"{one_line(one.rule)} ({one_line(one.file)}:{one.line})"


def ledger_line(review: "Review") -> str:
    """Whether the ledger can be relied on."""
    if review.broken:
        return (
            f"The ledger {one_line(review.ledger)} is NOT whole: {one_line(review.broken)}. Do not rely on this page."
        )
    records = plural(review.records, "record")
    return f"The hash chain of {one_line(review.ledger)} was verified over {records} when this page was written."


def files_of(diff: str) -> list[tuple[str, str]]:
    """The parts of a unified diff, each with the name of its file."""
    found: list[list[str]] = []
    for line in diff.splitlines(keepends=True):
        if line.startswith("diff --git ") or not found:
            found.append([])
        found[-1].append(line)
    return [(_name("".join(part)), "".join(part)) for part in found]


def _name(part: str) -> str:
    first = part.split("\n", 1)[0]
    return first.rpartition(" b/")[2].strip('"') if first.startswith("diff --git ") else "changes"
