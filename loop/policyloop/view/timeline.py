"""A run's timeline: one line for each event."""

from policyloop.budget import Budget
from policyloop.events import Answered, Asked, Attempted, Clarified, Compared, Ended, Event, Judged, Started
from policyloop.printing import WHOLE, one_line
from policyloop.view.access import access_line
from policyloop.view.specs import clarified_line
from policyloop.view.words import counts, edits_words, plural, spent_words


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
            return clarified_line(event)
        case Compared():
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
