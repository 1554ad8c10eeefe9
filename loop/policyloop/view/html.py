"""A run's timeline as one self-contained HTML file: no script, no network, light and dark, printable."""

from collections.abc import Iterable, Sequence

from policyloop.budget import Budget
from policyloop.events import Attempted, Clarified, Compared, Ended, Event, Judged, Started
from policyloop.findings import Finding
from policyloop.view.access import access_line, access_lines
from policyloop.view.paper import bullets, code_block, diff_block, document, table, text
from policyloop.view.plain import weakened_line
from policyloop.view.specs import TESTS_HEAD, against_line, question_lines, test_rows
from policyloop.view.timeline import event_line
from policyloop.view.words import counts, place, plural, spent_words


def page(events: Sequence[Event], broken: str | None) -> str:
    """The whole document. `broken` says what is wrong with the ledger's chain, None when it is whole."""
    budget = next((e.budget for e in events if isinstance(e, Started)), None)
    body = "".join(_section(event, budget) for event in events)
    verdict = "".join(_verdict(event, "p") for event in events if isinstance(event, Ended))
    chain = (
        f'<p class="bad">The ledger is not whole: {text(broken)}. Do not rely on this page.</p>'
        if broken
        else '<p class="good">The ledger is whole: its hash chain was verified when this page was written.</p>'
    )
    return document("policyloop run", f"<h1>policyloop run</h1>{verdict}{chain}{body}")


def _section(event: Event, budget: Budget | None) -> str:
    match event:
        case Started():
            return _started(event)
        case Judged():
            head = f"Cycle {event.cycle}: {counts(event.first) if event.next_class else 'green'}"
            ran = f"{event.tally.passed} of {plural(event.tally.ran, 'assertion')} passed; "
            ran += spent_words(event.spent, budget)
            return f"<h2>{text(head)}</h2><p>{text(ran)}</p>{_findings(event.first)}"
        case Attempted():
            weak = "".join(f"<li>{text(weakened_line(w))}</li>" for w in event.weakened)
            refused = f'<ul class="bad">{weak}</ul>' if weak else ""
            head = event_line(event, budget).removeprefix("attempt ")
            return f"<h2>Attempt {text(head)}</h2>{refused}{diff_block(event.diff)}"
        case Clarified():
            told = "".join(f"<li>{text(change)}</li>" for change in event.changes)
            listed = f"<ul>{told}</ul>" if told else ""
            spec = f"<details><summary>The spec</summary>{code_block(event.text)}</details>"
            return f"<h2>{text(event_line(event, budget))}</h2>{listed}{spec}"
        case Compared():
            listed = "".join(f"<li>{text(line)}</li>" for line in access_lines(event.access))
            return f"<h2>Access: {text(access_line(event.access))}</h2>{f'<ul>{listed}</ul>' if listed else ''}"
        case Ended():
            whole = (
                f"<details><summary>The whole diff</summary>{diff_block(event.diff)}</details>" if event.diff else ""
            )
            return _verdict(event, "h2") + _findings(event.findings) + _of_spec(event) + whole
    return ""


def _of_spec(event: Ended) -> str:
    lines = [
        *question_lines(event.questions),
        *(f"contradicts: {against_line(one)}" for one in event.contradictions),
        *(f"ASSUMED, nobody confirmed it: {assumed}" for assumed in event.assumptions),
    ]
    return bullets(lines) + (table(TESTS_HEAD, test_rows(event.rules)) if event.rules else "")


def _verdict(event: Ended, tag: str) -> str:
    mark = "good" if event.exit_code == 0 else "bad"
    return f'<{tag} class="{mark}">{text(event_line(event, None))}</{tag}>'


def _started(event: Started) -> str:
    budget = event.budget
    rows = {
        "Run": event.run,
        "Request": event.request or "repair what is there",
        "Policies": f"{event.policies} ({plural(event.files, 'file')}, SHA-256 {event.bundle})",
        "Compiler": f"Cerbos {event.compiler.version}, {event.compiler.runner}, {event.compiler.digest}",
        "Model": event.model,
        "Lock": plural(event.locked, "assertion"),
        "Released by a person": "; ".join(event.released) or "nothing",
        "Budget": (
            f"{budget.attempts_per_class} attempts a class, {budget.compile_cycles} cycles, "
            f"{budget.refusals} refusals, {budget.tokens} tokens, ${budget.usd:.2f}, {budget.wall_seconds:.0f} s"
        ),
    }
    listed = "".join(f"<dt>{text(name)}</dt><dd>{text(value)}</dd>" for name, value in rows.items())
    return f"<dl>{listed}</dl>"


def _findings(findings: Iterable[Finding]) -> str:
    parts = []
    for one in findings:
        why = "".join(f"<li>{text(reason)}</li>" for reason in one.why)
        excerpt = code_block(one.excerpt) if one.excerpt else ""
        head = f'<span class="code">{text(place(one))} {text(one.code)}</span> {text(one.message)}'
        parts.append(f"<li>{head}{excerpt}{f'<ul>{why}</ul>' if why else ''}</li>")
    return f"<ul>{''.join(parts)}</ul>" if parts else ""
