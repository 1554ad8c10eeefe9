"""One line an event, no colours: for logs, pipes and people who grep."""

from typing import TYPE_CHECKING, TextIO

from policyloop.budget import Budget
from policyloop.events import Attempted, Clarified, Compared, Ended, Event, Judged, Started
from policyloop.findings import Finding, Weakened
from policyloop.printing import WHOLE, clean, one_line, say
from policyloop.results import CheckResult, DiffResult, GuardResult, SpecCheck, SpecResult
from policyloop.view.access import access_lines, diff_line
from policyloop.view.holes import lint_line, lint_lines
from policyloop.view.mutants import mutate_lines, score_line
from policyloop.view.specs import (
    DECISIONS_HEAD,
    RULES_HEAD,
    TESTS_HEAD,
    Row,
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
from policyloop.view.words import counts, explain_hint, finding_line, plural

if TYPE_CHECKING:
    from policyloop.session.answer import Answer

if TYPE_CHECKING:
    from policyloop.access.lint import LintResult
    from policyloop.access.mutate import MutateResult

MOST_FINDINGS = 20


class PlainView:
    """Plain lines on `out`, or else on stdout as it is when a line is printed."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out
        self._budget: Budget | None = None
        self._policies = ""

    def note(self, text: str) -> None:
        """Something a person should know before the run."""
        self._say(one_line(text))

    def event(self, event: Event) -> None:
        """One line, and below it what a person wants to see of it."""
        if isinstance(event, Started):
            self._budget, self._policies = event.budget, event.policies
        self._say(event_line(event, self._budget))
        match event:
            case Judged():
                self._findings(event.first)
            case Attempted() if event.diff:
                self._indented(event.diff)
            case Clarified():
                for change in event.changes:
                    self._say(f"  change: {one_line(change, WHOLE)}")
            case Compared():
                for line in access_lines(event.access, self._policies):
                    self._say(line)
            case Ended():
                self._ended(event)

    def check(self, result: CheckResult) -> None:
        """The findings of the first class, then the verdict."""
        report = result.report
        self._policies = result.policies
        self._findings(report.first)
        if report.first:
            self._say(explain_hint(report.first[0].code))
        for one in result.weakened:
            self._say(f"weakened: {weakened_line(one)}")
        for sentence in result.luck:
            self._say(f"may be luck: {one_line(sentence)}")
        ran = f"{report.tally.passed}/{report.tally.ran} assertions passed, {report.tally.skipped} skipped"
        self._say(f"{result.outcome}: {counts(report.findings)}; {ran}; {compiler_words(result)}")

    def diff(self, result: DiffResult) -> None:
        """Each change with the request that shows it, then the verdict."""
        for line in access_lines(result.access):
            self._say(line)
        self._say(diff_line(result))

    def guard(self, result: GuardResult) -> None:
        """Each released assertion, each weakened one and how, then the verdict."""
        for name in result.released:
            self._say(f"RELEASED by a person: {one_line(name)}")
        for one in result.weakened:
            self._say(weakened_line(one))
        if result.weakened:
            count = plural(result.locked, "assertion")
            self._say(f"weakened: {len(result.weakened)} of {count} would get weaker")
        else:
            self._say(f"kept: all {plural(result.locked, 'assertion')} are as strong as before")

    def spec(self, result: SpecResult) -> None:
        """A spec as a table."""
        from policyloop.view.details import detail_lines

        spec = result.spec
        self._say(f"request: {one_line(spec.request, WHOLE)}")
        self._rows(RULES_HEAD, rule_rows(spec))
        self._rows(DECISIONS_HEAD, decision_rows(spec))
        for line in (*detail_lines(spec), *answer_lines(spec)):
            self._say(line)
        self._say(f"{one_line(result.path)}: {state_line(spec)}")

    def spec_check(self, result: SpecCheck) -> None:
        """The gaps of a spec."""
        for gap in result.gaps:
            self._say(gap_line(gap, result.path))
        for line in paste_lines(result):
            self._say(line)
        self._say(check_line(result))

    def session(self, answer: "Answer") -> None:
        """A session answered."""
        from policyloop.view.sessions import session_lines

        for line in session_lines(answer):
            self._say(line)

    def lint(self, result: "LintResult") -> None:
        """The holes, then how many there are."""
        for line in lint_lines(result):
            self._say(line)
        self._say(lint_line(result))

    def mutate(self, result: "MutateResult") -> None:
        """The mutants that no test noticed, the tests that would, then the score."""
        for line in mutate_lines(result):
            self._say(line)
        suite = result.suite()
        if suite:
            self._say("tests to add, as a suite:")
            self._indented(suite)
        self._say(f"{result.outcome}: {score_line(result)}")

    def pause(self) -> None:
        """Nothing moves here."""

    def close(self) -> None:
        """Nothing to give back."""

    def _ended(self, event: Ended) -> None:
        if event.files_changed:
            self._say("written: " + ", ".join(one_line(path) for path in event.files_changed))
        for line in question_lines(event.questions):
            self._say(line)
        for one in event.contradictions:
            self._say(f"contradicts: {against_line(one)}")
        for text in event.assumptions:
            self._say(f"ASSUMED, nobody confirmed it: {one_line(text, WHOLE)}")
        if event.rules:
            self._rows(TESTS_HEAD, test_rows(event.rules))

    def _rows(self, head: Row, rows: list[Row]) -> None:
        for row in rows:
            self._say(f"{head[0]} {row[0]}: " + " | ".join(cell for cell in row[1:] if cell))

    def _findings(self, findings: tuple[Finding, ...]) -> None:
        for finding in findings[:MOST_FINDINGS]:
            self._say("  " + finding_line(finding, self._policies))
            if finding.excerpt:
                self._indented(finding.excerpt)
            for reason in finding.why:
                self._say(f"    why: {one_line(reason)}")
        if len(findings) > MOST_FINDINGS:
            self._say(f"  and {len(findings) - MOST_FINDINGS} more of this class")

    def _indented(self, text: str) -> None:
        for line in clean(text).splitlines():
            self._say(f"    {line}")

    def _say(self, line: str) -> None:
        say(line, out=self._out)


def weakened_line(one: Weakened) -> str:
    """A weakened assertion on one line."""
    suite, test, principal = one_line(one.suite), one_line(one.test), one_line(one.principal)
    names = f"{suite} / {test}: {principal} {one_line(one.action)} {one_line(one.resource)}"
    return f"{names}: {one.how} ({one_line(one.before)} -> {one_line(one.after)})"


def compiler_words(result: CheckResult) -> str:
    """Which compiler judged."""
    info = result.report.compiler
    return one_line(f"Cerbos {info.version} ({info.runner})")
