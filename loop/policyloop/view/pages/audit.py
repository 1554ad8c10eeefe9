"""The page of `audit report`: what agents had access to, what was denied and why, and what the log cannot say."""

from collections.abc import Mapping, Sequence

from policyloop.audit.asked import Trusted
from policyloop.audit.summary import MOST_TOLD, Summary, Tally
from policyloop.audit.told import log_lines
from policyloop.audit.verify import Verified
from policyloop.view.blocks import Block, Fact, Facts, Line, Mark, Page, Section, Table, Verdict
from policyloop.view.words import plural

_MOST_ROWS = 200


def report_page(summary: Summary, checked: Sequence[tuple[Verified, Trusted]], since: str) -> Page:
    """Everything on one page."""
    whole = all(verified.bad is None for verified, _ in checked)
    return Page(
        title="What agents did, as recorded",
        verdict=_verdict(summary, whole=whole, sure=all(trusted != "store" for _, trusted in checked)),
        blocks=(
            _glance(summary, since),
            Section("secrets", "Did any agent read secrets?", _secrets(summary), first=True),
            Section("denied", "What was denied, and why", _denied(summary)),
            Section("people", "By person", (_tallies("Person", summary.people),)),
            Section("tools", "By tool", (_tallies("Tool", summary.tools),)),
            Section("places", "By place", (_tallies("Folder or host", summary.places),)),
            Section("gaps", "What is not in the record", tuple(_gaps(summary))),
            Section("log", "Is the log whole?", tuple(_log(checked))),
        ),
    )


def _verdict(summary: Summary, *, whole: bool, sure: bool) -> Verdict:
    if not whole:
        return Verdict("not whole", "the log was changed: what is said below cannot be relied on", "bad")
    words = f"{plural(summary.entries, 'decision')} recorded, and the log is whole"
    if not sure:
        words += ", by the key that it names itself"
    good = sure and not summary.unenforced and not summary.unreadable
    return Verdict("whole", words, "good" if good else "warn")


def _at(time: str) -> str:
    """A moment to the second, in UTC."""
    return time[:19].replace("T", " ")


def _glance(summary: Summary, since: str) -> Facts:
    denied = sum(tally.deny for tally in summary.people.values())
    facts = [
        Fact("From", _at(summary.first) or since),
        Fact("To", _at(summary.last) or "nothing recorded"),
        Fact("Decisions", str(summary.entries)),
        Fact("Denied", str(denied)),
        Fact("People", str(len(summary.people))),
    ]
    return Facts(tuple(facts), cards=True)


def _secrets(summary: Summary) -> tuple[Block, ...]:
    secrets = summary.secrets
    let_go = secrets.allow + secrets.ask
    blocks: list[Block] = [
        Line(
            f"{plural(let_go, 'call')} that touched a place named like a secret, or that was seen to read one, "
            f"{'was' if let_go == 1 else 'were'} let go; {secrets.deny} denied.",
            "warn" if let_go else "",
        ),
        Line("Searched by names of files and by what a command was seen to do: a secret of another name is not seen."),
    ]
    if summary.unknown:
        blocks.append(
            Line(
                f"{plural(summary.unknown, 'call')} were let go of which not all was known that they would do.", "warn"
            )
        )
    if summary.touched:
        rows = tuple((_at(t.time), t.who, t.tool, t.decision, t.place, str(t.entry)) for t in summary.touched)
        title = "Let go" if let_go <= MOST_TOLD else f"Let go: the first {MOST_TOLD} of {let_go}"
        blocks.append(Table(("When", "Who", "Tool", "Decision", "Place", "Entry"), rows, title))
    return tuple(blocks)


def _denied(summary: Summary) -> tuple[Block, ...]:
    if not summary.reasons:
        return (Line("Nothing was denied."),)
    rows = tuple((reason, str(count)) for reason, count in summary.reasons.most_common(_MOST_ROWS))
    return (Table(("Rule and reason", "Times"), rows), *_left_out(len(summary.reasons)))


def _tallies(name: str, counted: Mapping[str, Tally]) -> Table:
    listed = sorted(counted.items(), key=lambda item: (-item[1].deny, -item[1].calls, item[0]))
    rows = tuple((key, str(t.calls), str(t.allow), str(t.ask), str(t.deny)) for key, t in listed[:_MOST_ROWS])
    left = len(listed) - len(rows)
    return Table((name, "Calls", "Allowed", "Asked", "Denied"), rows, f"{left} more are not shown" if left else "")


def _left_out(count: int) -> tuple[Block, ...]:
    return (Line(f"{count - _MOST_ROWS} more are not shown."),) if count > _MOST_ROWS else ()


def _gaps(summary: Summary) -> list[Block]:
    blocks: list[Block] = [
        Line("What did not ask is not recorded: policyloop audit coverage holds an agent's session files against it."),
        _counted(summary.unenforced, "let go though the decision was another, because of the mode", "warn"),
        _counted(summary.unverified, "by nobody who was verified", "warn"),
        _counted(summary.unreadable, "that cannot be read", "bad"),
    ]
    if summary.gaps:
        rows = tuple((_at(gap.first), _at(gap.last), gap.why) for gap in summary.gaps)
        blocks.append(Table(("After", "Before", "What"), rows, "Times without an entry"))
    return blocks


def _counted(count: int, what: str, tone: Mark) -> Line:
    return Line(f"{count} {'entry' if count == 1 else 'entries'} {what}.", tone if count else "")


def _log(checked: Sequence[tuple[Verified, Trusted]]) -> list[Block]:
    blocks: list[Block] = []
    for verified, trusted in checked:
        first, *rest = log_lines(verified, trusted)
        blocks.append(Line(first, "bad" if verified.bad else "good"))
        blocks += [Line(line.strip(), depth=1) for line in rest]
    return blocks
