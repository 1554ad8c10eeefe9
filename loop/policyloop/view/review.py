"""The words of a review that its HTML and its Markdown share."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from policyloop.printing import one_line
from policyloop.view.holes import lint_mark
from policyloop.view.mutants import score_mark
from policyloop.view.words import plural

if TYPE_CHECKING:
    from policyloop.access.matrix import Answer, Cell, Matrix, Row, Written
    from policyloop.access_report import Deciding
    from policyloop.review import Review

STATES = {
    "always": ("✓", "allowed", "allowed, whatever the attributes"),
    "when": ("◐", "depends", "allowed when the numbered conditions say so"),
    "never": ("·", "never", "never allowed, whatever the attributes"),
    "unknown": ("?", "not known", "not looked at whole; the page says why"),
}
"""State -> sign, word, meaning."""
CELLS = (
    "A row is somebody with just that role. Each cell holds for every resource and every person of that role: "
    "each case of the conditions was asked of the real PDP. A condition that ends in an error is not met; "
    "JSON Schemas are not enforced here, as is the PDP's default."
)
"""What a matrix says, and of which PDP it says it; it stands below each."""

_MOST = 400
"""Characters of one condition that are shown."""


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
        wider, narrower, asked = access.count.wider, access.count.narrower, access.count.accepted
        words = f"{wider} wider, {narrower} narrower" if wider or narrower or asked else "no change found"
        words += f", {asked} wider as asked for" if asked else ""
        words += f", {len(access.uncovered)} changed rules not covered" if access.uncovered else ""
        yield "Access", words, "bad" if wider else "warn" if access.uncovered else "good"
    if ended is not None:
        tested = sum(rule.tested for rule in ended.rules)
        if ended.rules:
            yield "Rules tested", f"{tested} of {len(ended.rules)}", "good" if tested == len(ended.rules) else "bad"
        yield (
            "Assertions",
            f"{ended.tally.passed} of {ended.tally.ran} passed",
            _mark(ended.tally.passed, ended.tally.ran),
        )
        if ended.released:
            yield "Tests released", str(len(ended.released)), "warn"
    if review.mutation is not None:
        score, unnoticed = review.mutation.score, len(review.mutation.shown) + len(review.mutation.untold)
        said = "nothing to measure" if score is None else f"{score}%"
        yield (
            "Mistakes noticed",
            said + (f", {unnoticed} unnoticed" if unnoticed else ""),
            score_mark(review.mutation),
        )
    if review.lint is not None:
        warnings, notes = review.lint.warnings, len(review.lint.holes) - review.lint.warnings
        told = [plural(count, word) for count, word in ((warnings, "warning"), (notes, "note")) if count]
        told += ["not all was looked at"] if review.lint.unasked else []
        yield "Holes", ", ".join(told) or "none found", lint_mark(review.lint)
    yield (
        "Ledger",
        "NOT whole" if review.broken else f"whole, {plural(review.records, 'record')}",
        _mark(not review.broken, 1),
    )


def _mark(have: int, want: int) -> str:
    return "good" if have == want and want else "bad"


def cell_words(cell: "Cell") -> str:
    """A cell for somebody who does not see it: `never, was allowed`."""
    words = STATES[cell.after.state][1]
    if not changed(cell) or cell.before is None:
        return words
    was = STATES[cell.before.state][1]
    return f"{words}, was {was}" if was != words else f"{words}, otherwise than before"


def changed(cell: "Cell") -> bool:
    """Whether the policies say something else of it than before, as far as before is known."""
    return cell.before is not None and cell.before.meaning != cell.after.meaning


def numbered(matrix: "Matrix") -> list["Answer"]:
    """The answers of a matrix that need words, each meaning once, in the order of the cells; before comes after."""
    told: dict[object, Answer] = {}
    for row in matrix.rows:
        for cell in row.cells:
            for answer in (cell.after, *([cell.before] if cell.before is not None and changed(cell) else [])):
                if answer.state in ("when", "unknown"):
                    told.setdefault(repr(answer.meaning), answer)
    return list(told.values())


def sign_of(answer: "Answer", told: "list[Answer]") -> str:
    """An answer in a cell: its sign, and the number (from 1) under which its words stand."""
    number = next((str(at) for at, other in enumerate(told, 1) if other.meaning == answer.meaning), "")
    return STATES[answer.state][0] + number


def answer_words(answer: "Answer") -> str:
    """When something is allowed, in the words of the policies, with file and line."""
    if answer.state == "unknown":
        return f"not known: {one_line(answer.because)}"
    if not answer.terms:
        return "depends on: " + "; ".join(_condition(held) for held in answer.on)
    ways = [" and ".join(_literal(held, true=true) for held, true in term) for term in answer.terms]
    return "allowed when " + "; or when ".join(ways)


def _literal(held: "Written", *, true: bool) -> str:
    return _condition(held) if true else f"not: {_condition(held)}"


def _condition(held: "Written") -> str:
    return f"`{one_line(held.text, _MOST)}` ({one_line(held.file)}:{held.line})"


def row_words(row: "Row") -> str:
    """Who a row is about."""
    roles = " + ".join(row.roles)
    derived = f", as {row.derived}" if row.derived else ""
    scope = f", scope {row.scope}" if row.scope else ""
    return one_line(f"{roles}{derived}{scope}")


def matrix_words(matrix: "Matrix") -> str:
    """What a matrix is about."""
    version = f", version {matrix.version}" if matrix.version else ""
    person = f", {matrix.person}, whom a principal policy names" if matrix.person else ""
    return one_line(f"{matrix.resource}{version}{person}")


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
