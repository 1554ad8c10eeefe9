"""The sentences that every view for people shares."""

from collections.abc import Iterable
from typing import Literal

from policyloop.budget import Budget, Spent
from policyloop.events import Answered, Asked, Attempted, Clarified, Compared, Ended, Event, Judged, Started
from policyloop.findings import Finding
from policyloop.printing import WHOLE, one_line

Mark = Literal["good", "warn", "bad"]
"""Green, amber, red: `good` is for what is good, not for what merely did not fail."""


def place(finding: Finding, policies: str = "") -> str:
    """`file:line:column` as far as known."""
    parts = [one_line(finding.file or policies or "-")]
    parts += [str(n) for n in (finding.line, finding.column) if n is not None]
    path = ":".join(parts)
    return f"{one_line(policies)}/{path}" if policies and finding.file else path


def explain_hint(code: str) -> str:
    """Where a code is explained: told once, below what carries it."""
    return f"policyloop explain {one_line(code)}: what that means, and how it is mended; so for every code"


def finding_line(finding: Finding, policies: str = "") -> str:
    """A finding on one line."""
    return (
        f"{place(finding, policies)}: {finding.error_class.value}/{one_line(finding.code)}: {one_line(finding.message)}"
    )


def counts(findings: Iterable[Finding]) -> str:
    """`2 syntax, 1 compile`, in the order in which they are fixed."""
    found: dict[str, int] = {}
    for finding in sorted(findings, key=lambda f: f.error_class.rank):
        found[finding.error_class.value] = found.get(finding.error_class.value, 0) + 1
    return ", ".join(f"{n} {name}" for name, n in found.items()) or "no findings"


def plural(count: int, noun: str) -> str:
    """`1 test`, `2 tests`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def spent_words(spent: Spent, budget: Budget | None) -> str:
    """How much of each budget is used."""
    if budget is None:
        return f"cycles {spent.cycles}"
    usage = spent.usage
    return (
        f"tries {spent.tries}/{budget.attempts_per_class}, cycles {spent.cycles}/{budget.compile_cycles}, "
        f"refusals {spent.refusals}/{budget.refusals}, tokens {usage.tokens}/{budget.tokens}, "
        f"${usage.usd:.2f}/${budget.usd:.2f}, {spent.seconds:.0f}s/{budget.wall_seconds:.0f}s"
    )


def edits_words(attempt: Attempted) -> str:
    """`edits a.yaml, deletes b.yaml`."""
    verbs = [("deletes" if "delete" in e else "edits", str(e.get("path", "?"))) for e in attempt.edits]
    if not verbs:
        return "no edits"
    return one_line(", ".join(f"{verb} {path}" for verb, path in verbs[:6]) + (" …" if len(verbs) > 6 else ""))


def event_line(event: Event, budget: Budget | None) -> str:
    """One line for one event: what happened, and how much of each budget is used. It is clean, whatever it tells."""
    return one_line(_event_line(event, budget), WHOLE)


def _event_line(event: Event, budget: Budget | None) -> str:
    match event:
        case Started():
            asked = f"request: {one_line(event.request, 120)}" if event.request else "repair what is there"
            return (
                f"run {event.run}: {plural(event.files, 'file')} in {one_line(event.policies)}, "
                f"{plural(event.locked, 'locked assertion')}, Cerbos {event.compiler.version} "
                f"({event.compiler.runner}), model {one_line(event.model)}; {asked}"
                + "".join(f"; RELEASED by a person: {one_line(name)}" for name in event.released)
            )
        case Judged():
            verdict = f"class {event.next_class.value}: {counts(event.first)}" if event.next_class else "green"
            ran = f"{event.tally.passed}/{event.tally.ran} assertions passed"
            if event.stage == "spec":
                verdict = verdict.replace("class ", "spec, ") if event.next_class else "the spec is whole"
                return f"cycle {event.cycle}: {verdict}; {spent_words(event.spent, budget)}"
            return f"cycle {event.cycle}: {verdict}; {ran}; {spent_words(event.spent, budget)}"
        case Asked():
            return f"attempt {event.attempt}: asking the model"
        case Answered():
            what = event.malformed or event.over_budget or "answered"
            old = " (replayed)" if event.replayed else ""
            said = one_line(what).rstrip(".")
            return f"attempt {event.attempt}: {said}{old}, {event.usage.tokens} tokens, {event.seconds:.1f}s"
        case Attempted():
            return f"attempt {event.number}: {_attempt_words(event)}"
        case Clarified():
            from policyloop.view.specs import clarified_line

            return clarified_line(event)
        case Compared():
            from policyloop.view.access import access_line

            return f"access: {access_line(event.access)} ({event.seconds:.1f}s)"
        case Ended():
            released = "".join(f" Released by a person: {one_line(name)}." for name in event.released)
            kept = f" The result is kept in {one_line(event.patch)}." if event.patch else ""
            return f"{event.ending.value} (exit {event.exit_code}): {one_line(event.message, 1000)}{kept}{released}"


def _attempt_words(event: Attempted) -> str:
    if event.dispute:
        test = f"{one_line(event.dispute.suite)} / {one_line(event.dispute.test)}"
        return f"DISPUTED {test}: {one_line(event.dispute.reason)}"
    if event.weakened:
        first = event.weakened[0]
        more = f" and {len(event.weakened) - 1} more" if len(event.weakened) > 1 else ""
        return (
            f"REFUSED, {one_line(first.suite)} / {one_line(first.test)}: {one_line(first.principal)} "
            f"{one_line(first.action)} {one_line(first.resource)}: {first.how}{more}"
        )
    if event.refusal:
        return f"not taken: {one_line(event.refusal)}"
    outcome = "progress" if event.progress else "no progress"
    note = f" ({one_line(event.note, 120)})" if event.note else ""
    return f"{outcome}, {edits_words(event)}{note}"
