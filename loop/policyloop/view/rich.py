"""A terminal: what happened scrolls by, and a panel below it shows the cycle, the class and each budget, live."""

import time
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table

from policyloop.access_report import AccessReport
from policyloop.budget import Budget, Spent
from policyloop.events import Answered, Asked, Attempted, Clarified, Compared, Ended, Event, Judged, Started
from policyloop.findings import Finding
from policyloop.outcome import Ending
from policyloop.printing import WHOLE, one_line
from policyloop.results import CheckResult, DiffResult, GuardResult, SpecCheck, SpecResult
from policyloop.view.access import beside_lines, diff_line, reason_line, request_line
from policyloop.view.canvas import Canvas, shown
from policyloop.view.holes import hole_line, lint_line, lint_mark, shown_line, unasked_lines
from policyloop.view.mutants import mutate_lines, score_line, score_mark
from policyloop.view.plain import MOST_FINDINGS, compiler_words, weakened_line
from policyloop.view.specs import (
    DECISIONS_HEAD,
    RULES_HEAD,
    TESTS_HEAD,
    against_line,
    answer_lines,
    check_line,
    decision_rows,
    gap_line,
    paste_lines,
    question_lines,
    rule_rows,
    state_line,
    test_rows,
)
from policyloop.view.timeline import event_line
from policyloop.view.words import Mark, counts, explain_hint, place, plural

if TYPE_CHECKING:
    from policyloop.access.lint import LintResult
    from policyloop.access.mutate import MutateResult
    from policyloop.session.answer import Answer

COLOURS = {"syntax": "magenta", "schema": "blue", "compile": "yellow", "test": "cyan"}


class RichView:
    """For people at a terminal. Text from files, models and the compiler is never read as markup."""

    def __init__(self, console: Console | None = None) -> None:
        self._canvas = Canvas(console)
        self._panel: StatusPanel | None = None
        self._live: Live | None = None

    def note(self, text: str) -> None:
        """Something a person should know before the run."""
        self._canvas.line(one_line(text), style="yellow")

    def event(self, event: Event) -> None:
        """Print what is worth keeping; show the rest in the panel."""
        if isinstance(event, Started):
            self._panel = StatusPanel(event.budget)
        if self._panel and self._live is None and not isinstance(event, Clarified | Compared | Ended):
            self._live = Live(self._panel, console=self._canvas.console, transient=True, refresh_per_second=8)
            self._live.start()
        if self._panel:
            self._panel.take(event)
        self._print(event)

    def _print(self, event: Event) -> None:
        match event:
            case Compared():
                self._access(event.access)
                self._canvas.line(event_line(event, None), style="bold")
            case Started() | Answered(replayed=True):
                self._canvas.line(event_line(event, None), style="bold")
            case Judged():
                self._judged(event)
            case Attempted():
                self._attempted(event)
            case Clarified():
                self._canvas.line(event_line(event, None), style="bold")
                for change in event.changes:
                    self._canvas.line(f"  change: {one_line(change, WHOLE)}", style="yellow")
            case Ended():
                self._ended(event)

    def check(self, result: CheckResult) -> None:
        """The findings of the first class, then the verdict."""
        self._findings(result.report.first)
        if result.report.first:
            self._canvas.line(explain_hint(result.report.first[0].code), style="dim")
        for one in result.weakened:
            self._canvas.line(f"weakened: {weakened_line(one)}", style="red")
        for sentence in result.luck:
            self._canvas.line(f"may be luck: {sentence}", style="yellow")
        tally = result.report.tally
        words = f"{counts(result.report.findings)}; {tally.passed}/{tally.ran} assertions passed"
        self._verdict(result.outcome, f"{words}, {tally.skipped} skipped; {compiler_words(result)}")

    def diff(self, result: DiffResult) -> None:
        """Each change with the request that shows it, then the verdict."""
        self._access(result.access)
        self._verdict(result.outcome, diff_line(result))

    def _access(self, access: AccessReport, policies: str = "") -> None:
        for one in access.reasons:
            colour = "yellow" if one.asked_for else "red" if one.wider else "cyan"
            self._canvas.line(reason_line(one, policies), style=colour)
            self._canvas.line(f"  shown by: {request_line(one)}", style="dim")
        for line in beside_lines(access, policies):
            self._canvas.line(line, style="yellow" if line.startswith("NOT COVERED") else "dim")

    def guard(self, result: GuardResult) -> None:
        """What a person released, what got weaker, then the verdict."""
        for name in result.released:
            self._canvas.line(f"RELEASED by a person: {one_line(name)}", style="yellow")
        for one in result.weakened:
            self._canvas.line(weakened_line(one), style="red")
        if result.weakened:
            self._verdict("weakened", f"{len(result.weakened)} of {plural(result.locked, 'assertion')}")
        else:
            self._verdict("kept", f"all {plural(result.locked, 'assertion')} are as strong as before")

    def spec(self, result: SpecResult) -> None:
        """A spec as a table."""
        from policyloop.view.details import detail_lines

        self.pause()
        spec = result.spec
        self._canvas.line(one_line(spec.request, WHOLE), style="bold")
        self._canvas.table("Rules", RULES_HEAD, rule_rows(spec))
        self._canvas.table("Decisions", DECISIONS_HEAD, decision_rows(spec))
        for line in (*detail_lines(spec), *answer_lines(spec)):
            self._canvas.line(line)
        style = "green" if spec.is_confirmed else "yellow"
        self._canvas.line(f"{one_line(result.path)}: {state_line(spec)}", style=style)

    def spec_check(self, result: SpecCheck) -> None:
        """The gaps of a spec."""
        for gap in result.gaps:
            self._canvas.line(gap_line(gap, result.path), style="red" if gap.contradiction else "")
        for line in paste_lines(result):
            self._canvas.line(line, style="dim")
        self._verdict(result.outcome, check_line(result).partition(": ")[2])

    def session(self, answer: "Answer") -> None:
        """A session answered."""
        from policyloop.view.sessions import session_lines

        head, *rest = session_lines(answer)
        style = {"GREEN": "bold green", "FIX": "bold yellow"}.get(answer.next, "bold red")
        self._canvas.line(head, style=style)
        for line in rest:
            self._canvas.line(line)

    def lint(self, result: "LintResult") -> None:
        """The holes, then how many there are."""
        for one in result.holes:
            colour = "yellow" if one.level == "warning" else "cyan"
            self._canvas.line(hole_line(one, result.policies), style=colour)
            if one.excerpt:
                self._canvas.line(one.excerpt, style="dim")
            shown = shown_line(one)
            if shown:
                self._canvas.line(f"  shown by: {shown}")
            for reason in one.why:
                self._canvas.line(f"  why: {one_line(reason)}")
        if result.holes:
            self._canvas.line(explain_hint(result.holes[0].code), style="dim")
        for line in unasked_lines(result):
            self._canvas.line(line, style="yellow")
        self._verdict(result.outcome, lint_line(result).partition(": ")[2], lint_mark(result))

    def mutate(self, result: "MutateResult") -> None:
        """The mutants that no test noticed, the tests that would, then the score."""
        for line in mutate_lines(result):
            self._canvas.line(line, style="yellow" if line.startswith("UNNOTICED") else "")
        suite = result.suite()
        if suite:
            self._canvas.rule("tests to add")
            self._canvas.code(suite, "yaml")
        self._verdict(result.outcome, score_line(result), score_mark(result))

    def pause(self) -> None:
        """Something is asked: the panel goes until the next event."""
        if self._live:
            self._live.stop()
            self._live = None

    def close(self) -> None:
        """Give the terminal back."""
        self.pause()

    def _judged(self, event: Judged) -> None:
        cycle = (f"cycle {event.cycle}  ", "bold")
        if event.next_class:
            name = event.next_class.value
            self._canvas.rule(cycle, (name, f"bold {COLOURS[name]}"), f"  {counts(event.first)}")
        else:
            ran = plural(event.tally.passed, "assertion")
            self._canvas.rule(cycle, ("green", "bold green"), f"  {ran} passed")
        self._findings(event.first)

    def _findings(self, findings: tuple[Finding, ...]) -> None:
        for finding in findings[:MOST_FINDINGS]:
            colour = COLOURS[finding.error_class.value]
            self._canvas.pieces((place(finding), "bold"), " ", (finding.code, colour), "  ", one_line(finding.message))
            if finding.excerpt:
                self._canvas.excerpt(finding.excerpt)
            for reason in finding.why:
                self._canvas.line(f"  why: {one_line(reason)}")
        if len(findings) > MOST_FINDINGS:
            self._canvas.line(f"and {len(findings) - MOST_FINDINGS} more of this class", style="dim")

    def _attempted(self, event: Attempted) -> None:
        style = "red" if event.weakened else "yellow" if event.refusal or not event.progress else "green"
        self._canvas.line(event_line(event, None), style=style)
        for one in event.weakened[:5]:
            self._canvas.line(f"  {weakened_line(one)}", style="red")
        if event.diff:
            self._canvas.code(event.diff, "diff", theme="ansi_dark")

    def _ended(self, event: Ended) -> None:
        self.close()
        if event.files_changed:
            self._canvas.line("written: " + ", ".join(one_line(p) for p in event.files_changed))
        for line in question_lines(event.questions):
            self._canvas.line(line)
        for one in event.contradictions:
            self._canvas.line(f"contradicts: {against_line(one)}", style="red")
        for text in event.assumptions:
            self._canvas.line(f"ASSUMED, nobody confirmed it: {one_line(text, WHOLE)}", style="yellow")
        self._canvas.table("Rules", TESTS_HEAD, test_rows(event.rules))
        words = event_line(event, None).partition(": ")[2]
        self._verdict(event.ending.value, words.removeprefix("Stopped: "))

    def _verdict(self, word: str, words: str, mark: Mark | None = None) -> None:
        mark = mark or ("good" if word in (Ending.GREEN.value, "kept", "complete") else "bad")
        colour = {"good": "green", "warn": "yellow", "bad": "red"}[mark]
        self._canvas.pieces((f" {word.upper()} ", f"reverse bold {colour}"), " ", words)


class StatusPanel:
    """What the run is doing now, and how much of each budget is used."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._spent = Spent()
        self._doing = "running the compiler"
        self._class = "-"
        self._since = time.monotonic()
        self._spinner = Spinner("dots")

    def take(self, event: Event) -> None:
        """Note what `event` changes."""
        match event:
            case Judged():
                self._spent, self._doing = event.spent, "thinking what to ask"
                self._class = event.next_class.value if event.next_class else "green"
            case Asked():
                self._doing = f"attempt {event.attempt}: waiting for the model"
            case Answered():
                self._doing = "running the compiler"
            case Attempted():
                self._spent = event.spent

    def __rich__(self) -> Panel:
        """The panel as it is now."""
        budget, spent = self._budget, self._spent
        table = Table.grid(padding=(0, 1))
        rows: tuple[tuple[str, float, float, str], ...] = (
            ("tries", spent.tries, budget.attempts_per_class, f"{spent.tries}/{budget.attempts_per_class}"),
            ("cycles", spent.cycles, budget.compile_cycles, f"{spent.cycles}/{budget.compile_cycles}"),
            ("refusals", spent.refusals, budget.refusals, f"{spent.refusals}/{budget.refusals}"),
            ("tokens", spent.usage.tokens, budget.tokens, f"{spent.usage.tokens}/{budget.tokens}"),
            ("dollars", spent.usage.usd, budget.usd, f"{spent.usage.usd:.2f}/{budget.usd:.2f}"),
            ("seconds", self._elapsed(), budget.wall_seconds, f"{self._elapsed():.0f}/{budget.wall_seconds:.0f}"),
        )
        for name, used, cap, words in rows:
            bar = ProgressBar(total=cap, completed=min(used, cap), width=24, complete_style="cyan")
            table.add_row(name, bar, words)
        self._spinner.update(text=shown(f" cycle {spent.cycles}, class {self._class}: {self._doing}"))
        return Panel(Group(self._spinner, table), title="policyloop", title_align="left", border_style="dim")

    def _elapsed(self) -> float:
        return max(self._spent.seconds, time.monotonic() - self._since)
