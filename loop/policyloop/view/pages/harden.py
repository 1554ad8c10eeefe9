"""The page of `harden`: what is to be written, what drifted, and how it ended."""

from functools import partial

from policyloop.documents.harden import harden_document
from policyloop.harden.plan import Hardened, Plan
from policyloop.printing import clean, one_line
from policyloop.view.blocks import Alarm, Block, Item, Page, Verdict
from policyloop.view.words import plural


def change_words(plan: Plan) -> str:
    """The diff, and where it goes; before anything is written."""
    return f"To be written to {one_line(plan.where.name)}:\n{clean(plan.diff).rstrip()}"


def harden_page(result: Hardened) -> Page:
    """Hardened settings were compared with those that are there, or written."""
    blocks: list[Block] = []
    if result.outcome != "person" or not result.plan.changes or result.written:
        for drift in result.drift:
            alarm = Alarm(level="error", title="policyloop harden", text=str(drift), file=drift.file, line=drift.line)
            blocks.append(Item(text=one_line(str(drift), 1000), tone="bad", alarm=alarm))

    return Page(
        title="policyloop harden",
        blocks=tuple(blocks),
        verdict=_verdict(result),
        document=partial(harden_document, result),
    )


def _verdict(result: Hardened) -> Verdict:
    name, count = one_line(result.plan.where.name), len(result.drift)
    match result.outcome:
        case "in place" | "hardened":
            return Verdict(result.outcome, name, "good")
        case "drift":
            mend = "; `policyloop harden` mends what it can" if any(drift.mendable for drift in result.drift) else ""
            return Verdict("drift", f"{plural(count, 'difference')} from hardened settings{mend}", "bad")
    if not result.written and result.plan.changes:
        return Verdict("not written", "say yes on a terminal, or give --yes", "warn")
    done = "written" if result.written else "nothing to write"
    words = f"{done}, but {plural(count, 'setting')} above undo it; only a person takes them out"
    return Verdict("open", words, "warn")
