"""The matrix of a review: who may do what, and each change in it with the request that shows it."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from policyloop.printing import one_line
from policyloop.shape import to_json
from policyloop.view.blocks import Block, Cell, Code, Details, Fact, Facts, Grid, Line, Link
from policyloop.view.pages.access import effect_word

if TYPE_CHECKING:
    from policyloop.access import matrix as measured
    from policyloop.access.matrix import Answer, Matrix, Row, Written
    from policyloop.access_report import Deciding, Reason
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


def matrix_blocks(matrix: "Matrix", review: "Review") -> Iterator[Block]:
    """Who may do what with one kind of resource; a cell that changed leads to the request that shows it."""
    from policyloop.review import witnessed

    told = numbered(matrix)
    rows = tuple((row_words(row), tuple(_cell(cell, told, review) for cell in row.cells)) for row in matrix.rows)
    notes = tuple(answer_words(answer) for answer in told)
    yield Grid(matrix_words(matrix), "Roles", tuple(one_line(action) for action in matrix.actions), rows, notes)
    for number, reason in witnessed(review, matrix):
        yield changed_details(number, reason, linked=True)


def changed_details(number: int, reason: "Reason", *, linked: bool) -> Details:
    """One change, and the request that shows it; `number` counts from 0. `linked`: a cell may lead to it."""
    sign, may = ("▲", "may now") if reason.wider else ("▼", "may no longer")
    roles = one_line(" + ".join(reason.roles))
    how = ["strict evaluation"] if reason.strict else []
    how += ["schemas enforced"] if reason.schemas == "reject" else []
    rows = [
        ("Before", f"{effect_word(reason.before)}: {place_words(reason.was)}"),
        ("Now", f"{effect_word(reason.after)}: {place_words(reason.now_is)}"),
        ("Asked for by", reason.asked_for or ""),
        ("At", reason.now or ""),
        ("With", ", ".join(how)),
    ]
    return Details(
        f"{sign}{number + 1} {roles} {may} {one_line(reason.action)} {one_line(reason.resource)}",
        (
            Facts(tuple(Fact(name, value) for name, value in rows if value)),
            Line("The smallest request that shows it, confirmed on both:"),
            Code(json.dumps(to_json(reason.request), indent=2, ensure_ascii=False), "json"),
        ),
        anchor=f"change-{number + 1}" if linked else "",
        back="access",
        look=_kind(reason),
    )


def _cell(cell: "measured.Cell", told: "list[Answer]", review: "Review") -> Cell:
    sign = sign_of(cell.after, told)
    was = f" was {sign_of(cell.before, told)}" if cell.before is not None and changed(cell) else ""
    links = tuple(_link(number, review.reasons[number]) for number in cell.reasons)
    kinds = [_kind(review.reasons[number]) for number in cell.reasons]
    look = next(
        (kind for kind in ("wider", "asked", "narrower") if kind in kinds), "changed" if was else cell.after.state
    )
    return Cell(sign + was, cell_words(cell), look, links)


def _link(number: int, reason: "Reason") -> Link:
    sign, word = ("▲", "wider") if reason.wider else ("▼", "narrower")
    return Link(f"change-{number + 1}", f"{sign}{number + 1}", word)


def _kind(reason: "Reason") -> str:
    return "narrower" if not reason.wider else "asked" if reason.asked_for is not None else "wider"


def cell_words(cell: "measured.Cell") -> str:
    """A cell for somebody who does not see it: `never, was allowed`."""
    words = STATES[cell.after.state][1]
    if not changed(cell) or cell.before is None:
        return words
    was = STATES[cell.before.state][1]
    return f"{words}, was {was}" if was != words else f"{words}, otherwise than before"


def changed(cell: "measured.Cell") -> bool:
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
