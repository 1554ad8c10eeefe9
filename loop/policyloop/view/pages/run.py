"""The pages of a run: one for each event, as it happens and as its ledger tells it again."""

from collections.abc import Iterator
from functools import partial

from policyloop.budget import Budget, Spent
from policyloop.events import Answered, Asked, Attempted, Clarified, Compared, Ended, Event, Judged, Started
from policyloop.outcome import Ending
from policyloop.printing import WHOLE, one_line
from policyloop.view.blocks import (
    Block,
    Code,
    Details,
    Fact,
    Facts,
    Gauge,
    Line,
    Page,
    Passing,
    Status,
    Step,
    Table,
    Tone,
    Verdict,
)
from policyloop.view.pages.access import access_blocks, access_line
from policyloop.view.pages.findings import finding_alarm, finding_items
from policyloop.view.pages.spec import TESTS_HEAD, against_line, clarified_line, question_blocks, test_rows
from policyloop.view.words import counts, edits_words, plural, spent_words, weakened_line

MOST_WEAKENED = 5


class Story:
    """The events of a run as pages; it remembers what later ones are told with."""

    def __init__(self) -> None:
        self._started: Started | None = None
        self._attempts: list[Attempted] = []
        self._spent = Spent()
        self._class = "-"

    def pages(self, event: Event) -> Iterator[Page]:
        """What is shown of the next event; with the last one comes the document of the whole run."""
        yield self.page(event)
        if isinstance(event, Ended) and self._started:
            from policyloop.documents.run import run_document

            yield Page(document=partial(run_document, self._started, self._attempts, event))

    def page(self, event: Event) -> Page:
        """The next event alone."""
        match event:
            case Started():
                self._started = event
            case Judged():
                self._spent = event.spent
                self._class = event.next_class.value if event.next_class else "green"
            case Attempted():
                self._attempts.append(event)
                self._spent = event.spent
        policies = self._started.policies if self._started else ""
        title = f"policyloop run {one_line(event.run)}" if isinstance(event, Started) else ""
        verdict = ended_verdict(event) if isinstance(event, Ended) else None
        budget = self._started.budget if self._started else None
        return Page(
            title=title,
            blocks=tuple(event_blocks(event, budget, policies)),
            verdict=verdict,
            status=self._status(event, budget) if budget else None,
        )

    def _status(self, event: Event, budget: Budget) -> Status | None:
        """What goes on after `event`; None where nothing does."""
        match event:
            case Started() | Answered() | Attempted():
                doing = "running the compiler"
            case Judged():
                doing = "thinking what to ask"
            case Asked():
                doing = f"attempt {event.attempt}: waiting for the model"
            case _:
                return None
        spent, usage = self._spent, self._spent.usage
        return Status(
            f"cycle {spent.cycles}, class {self._class}: {doing}",
            (
                Gauge("tries", spent.tries, budget.attempts_per_class),
                Gauge("cycles", spent.cycles, budget.compile_cycles),
                Gauge("refusals", spent.refusals, budget.refusals),
                Gauge("tokens", usage.tokens, budget.tokens),
                Gauge("dollars", usage.usd, budget.usd, "{:.2f}"),
            ),
            Gauge("seconds", spent.seconds, budget.wall_seconds),
        )


def event_blocks(event: Event, budget: Budget | None, policies: str) -> Iterator[Block]:
    """What happened, and how much of each budget is used."""
    match event:
        case Started():
            yield Step(event_line(event, budget), tone="strong")
            yield Details("How it began", (started_facts(event),), open=True)
        case Judged():
            head, _, rest = event_line(event, budget).partition("; ")
            yield Step(head, rest, _judged_tone(event))
            yield from finding_items(event.first, policies, alarmed=False)
        case Asked() | Answered():
            yield Passing(event_line(event, budget))
        case Attempted():
            yield from _attempted(event)
        case Clarified():
            yield Step(event_line(event, budget), tone="strong")
            for change in event.changes:
                yield Line(f"change: {one_line(change, WHOLE)}", "warn", 1)
            yield Details("The spec", (Code(event.text, "yaml"),))
        case Compared():
            yield from access_blocks(event.access, policies)
            yield Step(event_line(event, budget), tone="strong")
        case Ended():
            yield from _ended(event, policies)


def ended_verdict(event: Ended) -> Verdict:
    """How a run ended: green, or what stopped it."""
    word, _, words = event_line(event, None).partition(": ")
    return Verdict(word, words, "good" if event.ending is Ending.GREEN else "bad")


def spec_lines(event: Ended) -> Iterator[Line]:
    """What the run has to say of its spec: open questions, contradicted tests, assumptions, what nobody said."""
    yield from question_blocks(event.questions)
    yield from (Line(f"contradicts: {against_line(test)}", "bad") for test in event.contradictions)
    for text in event.assumptions:
        yield Line(f"ASSUMED, nobody confirmed it: {one_line(text, WHOLE)}", "warn")
    for one in event.unsaid:
        now = "allowed" if one.allowed else "denied"
        yield Line(f"{one_line(one.question, WHOLE)} Now it is {now}.", "warn")
    if event.looked_for is not None and event.looked_for.cut:
        tried = f"{event.looked_for.tried} of {event.looked_for.made} mistakes tried"
        yield Line(
            f"What nobody said was looked for in part: {tried}; {one_line(event.looked_for.cut, WHOLE)}.", "warn"
        )


def started_facts(event: Started) -> Facts:
    """What a run began with."""
    budget = event.budget
    caps = (
        f"{budget.attempts_per_class} attempts a class, {budget.compile_cycles} cycles, "
        f"{budget.refusals} refusals, {budget.tokens} tokens, ${budget.usd:.2f}, {budget.wall_seconds:.0f} s"
    )
    rows = {
        "Run": event.run,
        "Request": event.request or "repair what is there",
        "Policies": f"{event.policies} ({plural(event.files, 'file')}, SHA-256 {event.bundle})",
        "Compiler": f"Cerbos {event.compiler.version}, {event.compiler.runner}, {event.compiler.digest}",
        "Model": event.model,
        "Lock": plural(event.locked, "assertion"),
        "Released by a person": "; ".join(event.released) or "nothing",
        "Budget": caps,
    }
    return Facts(tuple(Fact(name, value) for name, value in rows.items()))


def _attempted(event: Attempted) -> Iterator[Block]:
    yield Step(event_line(event, None), tone=_attempt_tone(event))
    for test in event.weakened[:MOST_WEAKENED]:
        yield Line(weakened_line(test), "bad", 1)
    if event.diff:
        yield Code(event.diff, "diff")


def _ended(event: Ended, policies: str) -> Iterator[Block]:
    yield from (finding_alarm(finding, policies) for finding in event.findings)
    if event.files_changed:
        yield Line("written: " + ", ".join(one_line(path) for path in event.files_changed))
    yield from spec_lines(event)
    if event.rules:
        yield Table(TESTS_HEAD, tuple(test_rows(event.rules)), "Rules")
    if event.findings:
        yield Details("What is still wrong", tuple(finding_items(event.findings, policies, alarmed=False)), open=True)
    if event.diff:
        yield Details("The whole diff", (Code(event.diff, "diff"),))


def _judged_tone(event: Judged) -> Tone:
    return "strong" if event.next_class else "good"


def _attempt_tone(event: Attempted) -> Tone:
    if event.weakened:
        return "bad"
    return "warn" if event.refusal or not event.progress else "good"


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
            return f"{event.ending.value} (exit {event.exit_code}): {one_line(event.message, 4000)}{kept}{released}"


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
