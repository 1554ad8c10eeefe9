"""A review as one self-contained HTML page, for the person who signs."""

from typing import TYPE_CHECKING

from policyloop.budget import Budget
from policyloop.effects import WORDS
from policyloop.events import Attempted, Clarified, Ended, Judged, RuleProof, Started
from policyloop.view.access import access_line, uncovered_line
from policyloop.view.holes import hole_line, shown_line, unasked_lines
from policyloop.view.mutants import mutant_line, score_line, survivor_line
from policyloop.view.paper import bullets, code_block, diff_block, document, text
from policyloop.view.review import (
    CELLS,
    STATES,
    facts,
    files_of,
    headline,
    ledger_line,
)
from policyloop.view.review_matrix import matrix_of, witness
from policyloop.view.review_style import STYLE
from policyloop.view.specs import against_line, question_lines
from policyloop.view.timeline import event_line
from policyloop.view.words import plural

if TYPE_CHECKING:
    from policyloop.review import Review

_SECTIONS = (
    ("request", "What was asked for"),
    ("rules", "Rules and their tests"),
    ("access", "What changed in access"),
    ("tests", "Do the tests bite?"),
    ("holes", "Holes that compile"),
    ("files", "What changed in the files"),
    ("timeline", "How it went"),
    ("ledger", "What this rests on"),
)


def page(review: "Review") -> str:
    """The whole document."""
    well, word, words = headline(review)
    run = review.started.run if review.started else "?"
    cards = "".join(
        f'<li><span>{text(name)}</span><b class="{mark}">{text(value)}</b></li>' for name, value, mark in facts(review)
    )
    made = (_request, _rules, _access, _tests, _holes, _files, _timeline, _ledger)
    sections = [(anchor, title, make(review)) for (anchor, title), make in zip(_SECTIONS, made, strict=True)]
    index = "".join(f'<li><a href="#{anchor}">{title}</a></li>' for anchor, title, body in sections if body)
    whole = "".join(
        f'<section aria-labelledby="{anchor}"><h2 id="{anchor}">{title}</h2>{body}</section>'
        for anchor, title, body in sections
        if body
    )
    mark = "good" if well else "bad"
    return document(
        f"Review of run {run}",
        f'<a class="skip" href="#access">To what changed in access</a>'
        f"<header><h1>Review of run {text(run)}</h1>"
        f'<p class="verdict"><b class="{mark}">{text(word)}</b>{text(words)}</p>'
        f'<ul class="facts">{cards}</ul>{bullets(review.missing, "warn")}'
        f'<nav aria-label="Sections"><ul>{index}</ul></nav></header><main>{whole}</main>',
        STYLE,
    )


def _request(review: "Review") -> str:
    started, ended = review.started, review.ended
    if started is None:
        return "<p>The ledger does not say.</p>"
    from html import escape

    from policyloop.printing import clean

    asked = clean(started.request) if started.request else "Repair what is there."
    said = f"<blockquote>{escape(asked)}</blockquote>"
    used = ended.spec if ended else None
    if used is not None:
        by = f"confirmed by {used.confirmed_by} at {used.confirmed_at}" if used.confirmed_by else "NOT confirmed"
        said += f'<p>The spec {text(used.path)} was {text(by)}. <span class="quiet code">{text(used.digest)}</span></p>'
    if ended is None:
        return said
    warnings = [f"ASSUMED, nobody confirmed it: {one}" for one in ended.assumptions]
    warnings += [f"Released by a person: {one}" for one in ended.released]
    warnings += [f"Contradicts: {against_line(one)}" for one in ended.contradictions]
    return said + bullets(warnings, "warn") + bullets(question_lines(ended.questions), "warn")


def _rules(review: "Review") -> str:
    rules = review.ended.rules if review.ended else ()
    if not rules:
        return "<p>The run had no spec, so there are no rules to test.</p>"
    rows = "".join(map(_rule, rules))
    return (
        '<div class="wide"><table><thead><tr><th scope="col">Rule</th><th scope="col">Where it lives</th>'
        f'<th scope="col">Tests</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _rule(rule: RuleProof) -> str:
    where = f"{rule.file}:{rule.line}" if rule.line else rule.file or "nowhere"
    passed = sum(one.result == "passed" for one in rule.assertions)
    mark, word = ("good", "tested") if rule.tested else ("bad", "NOT tested")
    decisions = "".join(
        f"<li>{text(decision.decision)}"
        + bullets(
            f"{one.principal} {one.action} {one.resource}: {WORDS.get(one.effect or '', 'no effect')}, {one.result}"
            f" ({one.file}, {one.test})"
            for one in decision.assertions
        )
        + "</li>"
        for decision in rule.decisions
    )
    count = f"{passed} of {plural(len(rule.assertions), 'assertion')}"
    return (
        f'<tr><th scope="row">{text(rule.rule)}</th><td class="code">{text(where)}</td><td><details><summary>'
        f'<span class="{mark}">{word}</span> <span class="quiet">{count}</span></summary><ul>{decisions}</ul>'
        "</details></td></tr>"
    )


def _access(review: "Review") -> str:
    from policyloop.review import unplaced

    said = f"<p>{text(access_line(review.access))}.</p>" if review.access else "<p>Access was not compared.</p>"
    said += f"<p>Compared with: {text(review.against)}.</p>" if review.access and review.against else ""
    proofs = review.access.proofs if review.access else None
    said += bullets(map(uncovered_line, review.access.uncovered if review.access else ()))
    said += bullets(f"Not proved, because {why}" for why in (proofs.because if proofs else ()))
    said += bullets(review.access.notes if review.access else ())
    if not review.matrices:
        return said + "".join(witness(number, one) for number, one in enumerate(review.reasons))
    legend = "; ".join(f"{sign} {word}: {meaning}" for sign, word, meaning in STATES.values() if sign)
    said += (
        f'<p class="legend">{text(legend)}. ▲ wider, ▼ narrower: follow it to the request that shows it. '
        f"{text(CELLS)}</p>"
    )
    rest = "".join(witness(number, reason) for number, reason in unplaced(review))
    return said + "".join(matrix_of(matrix, review) for matrix in review.matrices) + rest


def _tests(review: "Review") -> str:
    result = review.mutation
    if result is None:
        return "<p>Not measured.</p>"
    said = (
        f"<p>{text(score_line(result))}.</p>"
        '<p class="quiet">Small mistakes were made in the policies, one at a time, and the tests were run on each with '
        "the real compiler.</p>"
    )
    for one in result.shown:
        said += (
            f'<details><summary><span class="warn">unnoticed</span> {text(mutant_line(one.mutant))}</summary>'
            f"<p>Shown by: {text(survivor_line(one))}</p><p>A test that would notice it:</p>"
            f"{code_block(one.test or '')}</details>"
        )
    said += bullets((f"unnoticed: {mutant_line(one.mutant)}: {survivor_line(one)}" for one in result.untold), "warn")
    alike = [f"{mutant_line(one.mutant)}: {survivor_line(one)}" for one in result.proved]
    more = [f"invalid: {mutant_line(one)}" for one in result.invalid]
    if alike or more:
        count = plural(len(alike) + len(more), "mistake")
        said += f"<details><summary>{count} that cannot be noticed</summary>{bullets([*alike, *more])}</details>"
    return said


def _holes(review: "Review") -> str:
    if review.lint is None:
        return "<p>Not searched for.</p>"
    parts = []
    for one in review.lint.holes:
        shown = shown_line(one)
        mark = "warn" if one.level == "warning" else "quiet"
        body = bullets([*([f"Shown by: {shown}"] if shown else []), *one.why])
        body += code_block(one.excerpt) if one.excerpt else ""
        parts.append(f'<details><summary class="{mark}">{text(hole_line(one))}</summary>{body}</details>')
    found = "".join(parts) or f"<p>None was found; {plural(review.lint.asked, 'request')} were asked.</p>"
    return found + bullets(unasked_lines(review.lint), "warn")


def _files(review: "Review") -> str:
    diff = review.ended.diff if review.ended else ""
    parts = [
        f'<details open><summary class="code">{text(name)}</summary>{diff_block(part)}</details>'
        for name, part in files_of(diff)
    ]
    return "".join(parts) or "<p>Nothing.</p>"


def _timeline(review: "Review") -> str:
    budget = review.started.budget if review.started else None
    items = []
    for event in review.events:
        if isinstance(event, Started | Judged | Attempted | Clarified | Ended):
            diff = diff_block(event.diff) if isinstance(event, Attempted) else ""
            folded = f"<details><summary>Its edits</summary>{diff}</details>" if diff else ""
            items.append(f"<li>{text(event_line(event, None))}{folded}</li>")
    return f'{_spent(review, budget)}<ol class="line">{"".join(items)}</ol>'


def _spent(review: "Review", budget: Budget | None) -> str:
    if budget is None or review.ended is None:
        return ""
    spent = review.ended.spent
    rows: tuple[tuple[str, float, float, str], ...] = (
        ("Compile cycles", spent.cycles, budget.compile_cycles, "{:.0f}"),
        ("Refusals", spent.refusals, budget.refusals, "{:.0f}"),
        ("Tokens", spent.usage.tokens, budget.tokens, "{:,.0f}"),
        ("Dollars", spent.usage.usd, budget.usd, "{:.2f}"),
        ("Seconds", spent.seconds, budget.wall_seconds, "{:.0f}"),
    )
    body = "".join(
        f'<dt>{name}</dt><dd><span class="bar" aria-hidden="true"><i style="width:{_percent(used, cap)}%"></i></span>'
        f"{shape.format(used)} of {shape.format(cap)}</dd>"
        for name, used, cap, shape in rows
    )
    return f"<dl>{body}</dl>"


def _percent(used: float, cap: float) -> int:
    return round(100 * min(used / cap, 1)) if cap else 100 if used else 0


def _ledger(review: "Review") -> str:
    mark = "bad" if review.broken else "good"
    said = f'<p class="{mark}">{text(ledger_line(review))}</p>'
    started = review.started
    if started is None:
        return said
    compiler = started.compiler
    rows = {
        "Policies": f"{started.policies} ({plural(started.files, 'file')}, SHA-256 {started.bundle} at the start)",
        "Compiler": f"Cerbos {compiler.version}, {compiler.runner}, {compiler.digest}",
        "Model": started.model,
        "Lock": plural(started.locked, "assertion"),
        "policyloop": started.policyloop or "?",
    }
    return said + "<dl>" + "".join(f"<dt>{name}</dt><dd>{text(value)}</dd>" for name, value in rows.items()) + "</dl>"
