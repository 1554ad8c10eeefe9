"""A review as Markdown that reads well in a pull request."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from policyloop.events import Attempted, Clarified, Ended, Judged, Started
from policyloop.printing import one_line
from policyloop.shape import to_json
from policyloop.view.access import access_line, sides_line, uncovered_line
from policyloop.view.holes import hole_line, shown_line, unasked_lines
from policyloop.view.markdown import escaped, fenced, raw_table, table
from policyloop.view.mutants import mutant_line, score_line, survivor_line
from policyloop.view.review import (
    CELLS,
    STATES,
    answer_words,
    changed,
    facts,
    headline,
    ledger_line,
    matrix_words,
    numbered,
    row_words,
    sign_of,
)
from policyloop.view.specs import TESTS_HEAD, against_line, question_lines, test_rows
from policyloop.view.timeline import event_line
from policyloop.view.words import plural

if TYPE_CHECKING:
    from policyloop.access.matrix import Answer, Cell, Matrix
    from policyloop.access_report import Reason
    from policyloop.review import Review

_MARKS = {"good": "✅", "bad": "❌", "warn": "⚠️"}


def markdown(review: "Review") -> str:
    """The whole text."""
    well, word, words = headline(review)
    run = review.started.run if review.started else "?"
    parts = [
        f"## Review of run {escaped(one_line(run))}\n\n**{'✅' if well else '❌'} {escaped(word)}**: {escaped(words)}\n"
    ]
    parts.append(table(("", "", ""), [(_MARKS.get(mark, ""), name, value) for name, value, mark in facts(review)]))
    parts += [f"- ⚠️ {escaped(one_line(one))}" for one in review.missing]
    parts += _request(review)
    if review.ended and review.ended.rules:
        parts += ["\n### Rules and their tests\n", table(TESTS_HEAD, test_rows(review.ended.rules))]
    parts += _access(review)
    parts += _tests(review)
    parts += _holes(review)
    if review.ended and review.ended.diff:
        parts += ["\n### What changed in the files\n", _folded("The diff", fenced(review.ended.diff))]
    events = [e for e in review.events if isinstance(e, Started | Judged | Attempted | Clarified | Ended)]
    lines = "\n".join(f"1. {escaped(event_line(event, None))}" for event in events)
    parts += ["\n### How it went\n", _folded("The timeline", f"{lines}\n")]
    parts += [f"\n{'❌' if review.broken else '✅'} {escaped(ledger_line(review))}\n"]
    return "\n".join(parts)


def _request(review: "Review") -> Iterator[str]:
    started, ended = review.started, review.ended
    if started is not None:
        asked = started.request or "Repair what is there."
        yield "\n### What was asked for\n"
        yield "\n".join(f"> {escaped(one_line(line, 2000))}" for line in asked.splitlines())
    if ended is not None:
        yield ""
        lines = [f"ASSUMED, nobody confirmed it: {one}" for one in ended.assumptions]
        lines += [f"Released by a person: {one}" for one in ended.released]
        lines += [f"Contradicts: {against_line(one)}" for one in ended.contradictions]
        yield from (f"- ⚠️ {escaped(one_line(line, 1000))}" for line in (*lines, *question_lines(ended.questions)))


def _access(review: "Review") -> Iterator[str]:
    yield "\n### What changed in access\n"
    yield escaped(access_line(review.access)) if review.access else "Access was not compared."
    if review.access and review.against:
        yield f"\nCompared with: {escaped(one_line(review.against))}."
    if review.access:
        because = review.access.proofs.because if review.access.proofs else ()
        said = (
            *map(uncovered_line, review.access.uncovered),
            *(f"Not proved, because {why}" for why in because),
            *review.access.notes,
        )
        yield from (f"- {escaped(one_line(line))}" for line in said)
    signs = "; ".join(f"{sign} {word}" for sign, word, _ in STATES.values() if sign)
    for matrix in review.matrices:
        yield _matrix(matrix, review)
    if review.matrices:
        yield f"{signs}; ▲ wider, ▼ narrower, by the number of the change. {escaped(CELLS)}\n"
    for number, one in enumerate(review.reasons, 1):
        yield _folded(
            _change(number, one), fenced(json.dumps(to_json(one.request), indent=2, ensure_ascii=False), "json")
        )


def _change(number: int, one: "Reason") -> str:
    sign, may = ("▲", "may now") if one.wider else ("▼", "may no longer")
    roles = " + ".join(one.roles)
    asked = f", asked for by {one.asked_for}" if one.asked_for is not None else ""
    return one_line(f"{sign} {number}. {roles} {may} {one.action} {one.resource}{asked}: {sides_line(one)}", 600)


def _matrix(matrix: "Matrix", review: "Review") -> str:
    told = numbered(matrix)
    head = tuple(escaped(one_line(name)) for name in (matrix_words(matrix), *matrix.actions))
    rows = [
        (f"**{escaped(row_words(row))}**", *(_cell(cell, told, review) for cell in row.cells)) for row in matrix.rows
    ]
    listed = [f"{number}. {escaped(answer_words(answer))}" for number, answer in enumerate(told, 1)]
    return raw_table(head, rows) + "".join(f"\n{line}" for line in listed) + ("\n" if listed else "")


def _cell(cell: "Cell", told: "list[Answer]", review: "Review") -> str:
    changes = [f"**{'▲' if review.reasons[n].wider else '▼'}{n + 1}**" for n in cell.reasons]
    was = ["was", sign_of(cell.before, told)] if cell.before is not None and changed(cell) else []
    return " ".join([sign_of(cell.after, told), *was, *changes])


def _tests(review: "Review") -> Iterator[str]:
    yield "\n### Do the tests bite?\n"
    result = review.mutation
    if result is None:
        yield "Not measured.\n"
        return
    yield f"{escaped(score_line(result))}\n"
    yield from (f"- {escaped(mutant_line(one.mutant))}: {escaped(survivor_line(one))}" for one in result.survivors)
    suite = result.suite()
    if suite:
        yield _folded("Tests that would notice it", fenced(suite, "yaml"))


def _holes(review: "Review") -> Iterator[str]:
    yield "\n### Holes that compile\n"
    if review.lint is None:
        yield "Not searched for.\n"
        return
    for one in review.lint.holes:
        shown = shown_line(one)
        yield f"- {escaped(hole_line(one))}" + (f"\n  - shown by: {escaped(shown)}" if shown else "")
    if not review.lint.holes:
        yield f"None was found; {plural(review.lint.asked, 'request')} were asked.\n"
    yield from (f"- ⚠️ {escaped(line)}" for line in unasked_lines(review.lint))


def _folded(summary: str, body: str) -> str:
    from html import escape

    return f"\n<details><summary>{escape(escaped_summary(summary))}</summary>\n\n{body}\n</details>\n"


def escaped_summary(summary: str) -> str:
    """A summary is HTML, in which GitHub reads no Markdown; it only must be one line."""
    return one_line(summary, 600)
