"""The matrix of an HTML review: roles by actions, each change with its request."""

import json
from typing import TYPE_CHECKING

from policyloop.shape import to_json
from policyloop.view.access import effect_word
from policyloop.view.paper import code_block, text
from policyloop.view.review import (
    answer_words,
    cell_words,
    changed,
    matrix_words,
    numbered,
    place_words,
    row_words,
    sign_of,
)

if TYPE_CHECKING:
    from policyloop.access.matrix import Answer, Cell, Matrix
    from policyloop.access_report import Reason
    from policyloop.review import Review


def matrix_of(matrix: "Matrix", review: "Review") -> str:
    """Who may do what with one kind of resource; a cell that changed leads to the request that shows it."""
    from policyloop.review import witnessed

    name = text(matrix_words(matrix))
    told = numbered(matrix)
    head = "".join(f'<th scope="col" class="code">{text(action)}</th>' for action in matrix.actions)
    rows = "".join(
        f'<tr><th scope="row">{text(row_words(row))}</th>'
        + "".join(_cell(cell, told, review) for cell in row.cells)
        + "</tr>"
        for row in matrix.rows
    )
    conditions = "".join(f"<li>{text(answer_words(answer))}</li>" for answer in told)
    listed = f'<ol class="when">{conditions}</ol>' if told else ""
    witnesses = "".join(witness(number, reason) for number, reason in witnessed(review, matrix))
    return (
        f'<h3>{name}</h3><div class="wide"><table class="matrix"><caption>Who may do what with {name}</caption>'
        f'<thead><tr><th scope="col">Roles</th>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
        f"{listed}{witnesses}"
    )


def _cell(cell: "Cell", told: "list[Answer]", review: "Review") -> str:
    words = text(cell_words(cell))
    sign = sign_of(cell.after, told)
    was = f" was {sign_of(cell.before, told)}" if cell.before is not None and changed(cell) else ""
    if not cell.reasons:
        mark = "changed" if was else cell.after.state
        return f'<td class="{mark}"><span role="img" aria-label="{words}" title="{words}">{sign}{was}</span></td>'
    links = " ".join(_link(number, review.reasons[number]) for number in cell.reasons)
    kinds = [_kind(review.reasons[number]) for number in cell.reasons]
    worst = next(kind for kind in ("wider", "asked", "narrower") if kind in kinds)
    return f'<td class="{worst}" title="{words}"><span aria-hidden="true">{sign}{was}</span> {links}</td>'


def _link(number: int, one: "Reason") -> str:
    word = "wider" if one.wider else "narrower"
    return f'<a href="#change-{number + 1}">{"▲" if one.wider else "▼"} {word}</a>'


def _kind(one: "Reason") -> str:
    return "narrower" if not one.wider else "asked" if one.asked_for is not None else "wider"


def witness(number: int, one: "Reason") -> str:
    """One change, and the request that shows it; `number` counts from 0."""
    may = "may now" if one.wider else "may no longer"
    roles = " + ".join(one.roles)
    asked = f"<dt>Asked for by</dt><dd>{text(one.asked_for)}</dd>" if one.asked_for is not None else ""
    moment = f"<dt>At</dt><dd>{text(one.now)}</dd>" if one.now else ""
    how = ["strict evaluation"] if one.strict else []
    how += ["schemas enforced"] if one.schemas == "reject" else []
    settings = f"<dt>With</dt><dd>{text(', '.join(how))}</dd>" if how else ""
    request = json.dumps(to_json(one.request), indent=2, ensure_ascii=False)
    return (
        f'<article class="witness {_kind(one)}" id="change-{number + 1}" tabindex="-1">'
        f'<a class="close" href="#access">Close</a>'
        f"<h4>{text(roles)} {may} {text(one.action)} {text(one.resource)}</h4><dl>"
        f"<dt>Before</dt><dd>{text(effect_word(one.before))}: {text(place_words(one.was))}</dd>"
        f"<dt>Now</dt><dd>{text(effect_word(one.after))}: {text(place_words(one.now_is))}</dd>"
        f"{asked}{moment}{settings}</dl><p>The smallest request that shows it, confirmed on both:</p>"
        f"{code_block(request)}</article>"
    )
