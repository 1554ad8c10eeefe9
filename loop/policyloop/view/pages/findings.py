"""Findings of the compiler, as every page shows them."""

from collections.abc import Iterable, Iterator

from policyloop.findings import Finding, Weakened
from policyloop.printing import one_line
from policyloop.view.blocks import Alarm, Block, Item, Line
from policyloop.view.words import place, weakened_line

MOST_FINDINGS = 20


def finding_items(findings: tuple[Finding, ...], policies: str, *, alarmed: bool) -> Iterator[Block]:
    """The first findings of a class, and how many more there are."""
    for finding in findings[:MOST_FINDINGS]:
        yield finding_item(finding, policies, alarm=finding_alarm(finding, policies) if alarmed else None)
    if len(findings) > MOST_FINDINGS:
        yield Line(f"and {len(findings) - MOST_FINDINGS} more of this class", "quiet", 1)


def finding_item(finding: Finding, policies: str = "", alarm: Alarm | None = None) -> Item:
    """What the compiler said, where, and why."""
    return Item(
        place=place(finding, policies),
        label=f"{finding.error_class.value}/{one_line(finding.code)}",
        text=one_line(finding.message),
        excerpt=finding.excerpt or "",
        details=tuple(f"why: {one_line(reason)}" for reason in finding.why),
        depth=1,
        alarm=alarm,
    )


def finding_alarm(finding: Finding, policies: str) -> Alarm:
    """A finding as an annotation."""
    return Alarm(
        level="error",
        title=f"{finding.error_class.value}/{finding.code}",
        text="\n".join((finding.message, *(f"why: {reason}" for reason in finding.why))),
        file=f"{policies}/{finding.file}" if finding.file else "",
        line=finding.line,
        column=finding.column,
    )


def weakened_items(weakened: Iterable[Weakened], prefix: str = "") -> Iterator[Item]:
    """Each test that got weaker, and how."""
    for test in weakened:
        line = weakened_line(test)
        yield Item(text=f"{prefix}{line}", tone="bad", alarm=Alarm(level="error", title="Test weakened", text=line))
