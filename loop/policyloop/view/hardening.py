"""What `harden` shows: what is to be written, what drifted, and how it ended."""

from policyloop.harden.plan import Hardened, Plan
from policyloop.printing import annotate, clean, one_line, say, say_document
from policyloop.view.words import plural


def change_words(plan: Plan) -> str:
    """The diff, and where it goes."""
    return f"To be written to {one_line(plan.where.name)}:\n{clean(plan.diff).rstrip()}"


def ending_words(result: Hardened) -> str:
    """The last line."""
    name, count = one_line(result.plan.where.name), len(result.drift)
    match result.outcome:
        case "in place":
            return f"in place: {name}"
        case "hardened":
            return f"hardened: {name}"
        case "drift":
            mend = "; `policyloop harden` mends what it can" if any(one.mendable for one in result.drift) else ""
            return f"drift: {plural(count, 'difference')} from hardened settings{mend}"
    if not result.written and result.plan.changes:
        return "not written: give --yes, or run it on a terminal and say yes"
    head = "written, but" if result.written else "nothing to write, but"
    return f"{head} {plural(count, 'setting')} above undo it; only a person takes them out"


def show(result: Hardened, output: str) -> None:
    """Say how it ended, in a format of `--format`."""
    if output == "json":
        from policyloop.documents.harden import harden_document

        say_document(harden_document(result))
        return
    if result.outcome != "person" or not result.plan.changes or result.written:
        for one in result.drift:
            if output == "github":
                annotate("error", "policyloop harden", str(one), file=one.file, line=one.line)
            else:
                say(one_line(str(one), 1000))
    say(ending_words(result))
