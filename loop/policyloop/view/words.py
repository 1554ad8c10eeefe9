"""The sentences that every view for people shares."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from policyloop.findings import CompilerInfo, Finding, Weakened
from policyloop.printing import one_line

if TYPE_CHECKING:  # a page without events need not load them
    from policyloop.budget import Budget, Spent
    from policyloop.events import Attempted


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


def spent_words(spent: "Spent", budget: "Budget | None") -> str:
    """How much of each budget is used."""
    if budget is None:
        return f"cycles {spent.cycles}"
    usage = spent.usage
    return (
        f"tries {spent.tries}/{budget.attempts_per_class}, cycles {spent.cycles}/{budget.compile_cycles}, "
        f"refusals {spent.refusals}/{budget.refusals}, tokens {usage.tokens}/{budget.tokens}, "
        f"${usage.usd:.2f}/${budget.usd:.2f}, {spent.seconds:.0f}s/{budget.wall_seconds:.0f}s"
    )


def edits_words(attempt: "Attempted") -> str:
    """`edits a.yaml, deletes b.yaml`."""
    verbs = [("deletes" if "delete" in e else "edits", str(e.get("path", "?"))) for e in attempt.edits]
    if not verbs:
        return "no edits"
    return one_line(", ".join(f"{verb} {path}" for verb, path in verbs[:6]) + (" …" if len(verbs) > 6 else ""))


def weakened_line(weakened: Weakened) -> str:
    """A weakened assertion on one line."""
    suite, test, principal = one_line(weakened.suite), one_line(weakened.test), one_line(weakened.principal)
    names = f"{suite} / {test}: {principal} {one_line(weakened.action)} {one_line(weakened.resource)}"
    return f"{names}: {weakened.how} ({one_line(weakened.before)} -> {one_line(weakened.after)})"


def compiler_words(info: CompilerInfo) -> str:
    """Which compiler judged."""
    return one_line(f"Cerbos {info.version} ({info.runner})")
