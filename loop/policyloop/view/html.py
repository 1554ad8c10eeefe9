"""A run's timeline as one self-contained HTML file: no script, no network, light and dark, printable."""

from collections.abc import Iterable, Sequence
from html import escape

from policyloop.budget import Budget
from policyloop.events import Attempted, Clarified, Ended, Event, Judged, Started
from policyloop.findings import Finding
from policyloop.view.plain import weakened_line
from policyloop.view.specs import PROOFS_HEAD, Row, against_line, proof_rows, question_lines
from policyloop.view.words import WHOLE, clean, counts, event_line, one_line, place, plural, spent_words

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --good: #1a7f37; --bad: #cf222e; --soft: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; border-top: 1px solid var(--line); padding-top: 1rem; }
pre { background: var(--soft); padding: .6rem; overflow-x: auto; font: 13px/1.45 ui-monospace, monospace; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; } dt { opacity: .7; }
dd { margin: 0; overflow-wrap: anywhere; }
.good { color: var(--good); } .bad { color: var(--bad); } .code { font-family: ui-monospace, monospace; }
ins, del { text-decoration: none; display: block; } ins { color: var(--good); } del { color: var(--bad); }
@media (prefers-color-scheme: dark) { :root { --good: #3fb950; --bad: #ff7b72; } }
"""


def page(events: Sequence[Event], broken: str | None) -> str:
    """The whole document. `broken` says what is wrong with the ledger's chain, None when it is whole."""
    budget = next((e.budget for e in events if isinstance(e, Started)), None)
    body = "".join(_section(event, budget) for event in events)
    verdict = "".join(_verdict(event, "p") for event in events if isinstance(event, Ended))
    chain = (
        f'<p class="bad">The ledger is not whole: {_text(broken)}. Do not rely on this page.</p>'
        if broken
        else '<p class="good">The ledger is whole: its hash chain was verified when this page was written.</p>'
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>policyloop run</title>'
        '<meta name="viewport" content="width=device-width"><meta http-equiv="Content-Security-Policy" '
        f"content=\"default-src 'none'; style-src 'unsafe-inline'\"><style>{_STYLE}</style></head>"
        f"<body><h1>policyloop run</h1>{verdict}{chain}{body}</body></html>\n"
    )


def _section(event: Event, budget: Budget | None) -> str:
    match event:
        case Started():
            return _started(event)
        case Judged():
            head = f"Cycle {event.cycle}: {counts(event.first) if event.next_class else 'green'}"
            ran = f"{event.tally.passed} of {plural(event.tally.ran, 'assertion')} passed; "
            ran += spent_words(event.spent, budget)
            return f"<h2>{_text(head)}</h2><p>{_text(ran)}</p>{_findings(event.first)}"
        case Attempted():
            weak = "".join(f"<li>{_text(weakened_line(w))}</li>" for w in event.weakened)
            refused = f'<ul class="bad">{weak}</ul>' if weak else ""
            head = event_line(event, budget).removeprefix("attempt ")
            return f"<h2>Attempt {_text(head)}</h2>{refused}{_diff(event.diff)}"
        case Clarified():
            told = "".join(f"<li>{_text(change)}</li>" for change in event.changes)
            listed = f"<ul>{told}</ul>" if told else ""
            spec = f"<details><summary>The spec</summary><pre>{escape(clean(event.text))}</pre></details>"
            return f"<h2>{_text(event_line(event, budget))}</h2>{listed}{spec}"
        case Ended():
            whole = f"<details><summary>The whole diff</summary>{_diff(event.diff)}</details>" if event.diff else ""
            return _verdict(event, "h2") + _findings(event.findings) + _of_spec(event) + whole
    return ""


def _of_spec(event: Ended) -> str:
    lines = [
        *question_lines(event.questions),
        *(f"contradicts: {against_line(one)}" for one in event.contradictions),
        *(f"ASSUMED, nobody confirmed it: {text}" for text in event.assumptions),
    ]
    listed = f"<ul>{''.join(f'<li>{_text(line)}</li>' for line in lines)}</ul>" if lines else ""
    return listed + (_table(PROOFS_HEAD, proof_rows(event.rules)) if event.rules else "")


def _table(head: Row, rows: list[Row]) -> str:
    top = "".join(f"<th>{_text(cell)}</th>" for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _verdict(event: Ended, tag: str) -> str:
    mark = "good" if event.exit_code == 0 else "bad"
    return f'<{tag} class="{mark}">{_text(event_line(event, None))}</{tag}>'


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
    listed = "".join(f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in rows.items())
    return f"<dl>{listed}</dl>"


def _findings(findings: Iterable[Finding]) -> str:
    parts = []
    for one in findings:
        why = "".join(f"<li>{_text(reason)}</li>" for reason in one.why)
        excerpt = f"<pre>{escape(clean(one.excerpt))}</pre>" if one.excerpt else ""
        head = f'<span class="code">{_text(place(one))} {_text(one.code)}</span> {_text(one.message)}'
        parts.append(f"<li>{head}{excerpt}{f'<ul>{why}</ul>' if why else ''}</li>")
    return f"<ul>{''.join(parts)}</ul>" if parts else ""


def _diff(diff: str) -> str:
    if not diff:
        return ""
    tags = {"+": "ins", "-": "del"}
    lines = (
        f"<{tag}>{escape(line)}</{tag}>"
        if (tag := tags.get(line[:1])) and not line.startswith(("--- ", "+++ "))
        else escape(line) + "\n"
        for line in clean(diff).splitlines()
    )
    return f"<pre>{''.join(lines)}</pre>"


def _text(text: str) -> str:
    return escape(one_line(text, WHOLE))
