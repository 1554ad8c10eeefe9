"""GitHub Actions: an annotation for each finding, and a step summary.

Source: GitHub's workflow commands (`::error file=..,line=..::text`, with `%`, CR, LF and in properties `:` and `,`
escaped; between `::stop-commands::TOKEN` and `::TOKEN::` lines are only text) and the file named by
GITHUB_STEP_SUMMARY (at most 1 MiB a step).
"""

import os
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from policyloop.access_report import AccessReport
from policyloop.budget import Budget
from policyloop.events import Attempted, Clarified, Compared, Ended, Event, Judged, Started
from policyloop.findings import Finding
from policyloop.printing import WHOLE, annotate, clean, one_line, say, say_unheard
from policyloop.results import CheckResult, DiffResult, GuardResult, SpecCheck, SpecResult
from policyloop.view.access import access_lines, diff_line, reason_line, request_line, uncovered_line
from policyloop.view.holes import lint_line, lint_lines, shown_line
from policyloop.view.markdown import escaped, fenced, table
from policyloop.view.mutants import mutant_line, mutate_lines, score_line, survivor_line
from policyloop.view.plain import PlainView, compiler_words, weakened_line
from policyloop.view.specs import (
    DECISIONS_HEAD,
    RULES_HEAD,
    TESTS_HEAD,
    against_line,
    answer_lines,
    check_line,
    decision_rows,
    gap_line,
    question_lines,
    rule_rows,
    state_line,
    test_rows,
)
from policyloop.view.timeline import event_line
from policyloop.view.words import counts, finding_line, plural

if TYPE_CHECKING:
    from policyloop.access.lint import LintResult
    from policyloop.access.mutate import MutateResult

MOST_ANNOTATIONS = 50
MOST_SUMMARY_BYTES = 900_000

if TYPE_CHECKING:
    from policyloop.session.answer import Answer


class GithubView:
    """Annotations on stdout between plain lines, and a Markdown summary of the step."""

    def __init__(self) -> None:
        self._buffer = StringIO()
        self._plain = PlainView(self._buffer)
        self._policies = ""
        self._started: Started | None = None
        self._summary: list[str] = []

    def note(self, text: str) -> None:
        """Something a person should know before the run."""
        annotate("notice", "policyloop", clean(text))

    def event(self, event: Event) -> None:
        """A plain line; annotations for what is still wrong when the run ended."""
        match event:
            case Started():
                self._started, self._policies = event, event.policies
                self._summary.append(f"### policyloop run {escaped(one_line(event.run))}\n")
            case Judged() | Attempted() | Clarified():
                self._summary.append(f"- {escaped(event_line(event, self._budget()))}")
                if isinstance(event, Clarified):
                    self._summary += [f"  - change: {escaped(one_line(one, WHOLE))}" for one in event.changes]
            case Compared():
                self._access(event.access, self._policies)
                self._summary.append(f"- {escaped(event_line(event, None))}")
                self._summary += [f"- {escaped(line)}" for line in access_lines(event.access)]
            case Ended():
                self._annotate(event.findings)
                self._summary.append(f"\n**{escaped(event_line(event, None))}**\n")
                self._summarise(event)
                if event.diff:
                    self._summary.append(fenced(event.diff))
        self._plain.event(event)
        self._flush()

    def check(self, result: CheckResult) -> None:
        """Annotations for the first class and for weakened tests."""
        self._policies = result.policies
        report = result.report
        self._annotate(report.first)
        for one in result.weakened[:MOST_ANNOTATIONS]:
            annotate("error", "Test weakened", weakened_line(one))
        for sentence in result.luck[:MOST_ANNOTATIONS]:
            annotate("warning", "A test may pass by luck", sentence)
        say(f"{result.outcome}: {counts(report.findings)}; {compiler_words(result)}")
        self._summary.append(f"### policyloop check: {result.outcome}\n")
        self._summary += [f"- {escaped(finding_line(f, self._policies))}" for f in report.first]
        self._summary += [f"- weakened: {escaped(weakened_line(one))}" for one in result.weakened]
        self._summary += [f"- may be luck: {escaped(sentence)}" for sentence in result.luck]
        ran = plural(report.tally.ran, "assertion")
        self._summary.append(f"\n{report.tally.passed} of {ran} passed; {escaped(compiler_words(result))}\n")

    def diff(self, result: DiffResult) -> None:
        """An annotation for each way in that is new."""
        self._access(result.access, result.new)
        say(one_line(diff_line(result), 1000))
        self._summary += [f"### policyloop diff: {escaped(diff_line(result))}\n"]
        self._summary += [f"- {escaped(line)}" for line in access_lines(result.access)]

    def _access(self, access: AccessReport, policies: str) -> None:
        for one in access.reasons[:MOST_ANNOTATIONS]:
            level = "error" if one.wider and one.asked_for is None else "notice"
            at = one.lets_in
            file = f"{policies}/{at.file}" if at.file and one.wider else ""
            text = f"{reason_line(one)}\nshown by: {request_line(one)}"
            annotate(level, f"access/{one.direction}", text, file=file, line=at.line if file else None)
        for rule in access.uncovered[:MOST_ANNOTATIONS]:
            text = uncovered_line(rule)
            annotate("warning", "access/not-covered", text, file=f"{policies}/{rule.file}", line=rule.line)

    def guard(self, result: GuardResult) -> None:
        """An annotation for each weakened assertion, a notice for each that a person released."""
        for name in result.released:
            annotate("notice", "Released by a person", one_line(name))
        for one in result.weakened[:MOST_ANNOTATIONS]:
            annotate("error", "Test weakened", weakened_line(one))
        word = "weakened" if result.weakened else "kept"
        line = f"{word}: {len(result.weakened)} of {plural(result.locked, 'assertion')} would get weaker"
        say(line)
        self._summary += [f"### policyloop guard: {line}\n"]
        self._summary += [f"- released by a person: {escaped(one_line(name))}" for name in result.released]
        self._summary += [f"- {escaped(weakened_line(one))}" for one in result.weakened]

    def spec(self, result: SpecResult) -> None:
        """A spec as a table."""
        from policyloop.view.details import detail_lines

        spec = result.spec
        self._plain.spec(result)
        self._flush()
        self._summary += [f"### policyloop spec: {escaped(state_line(spec))}\n"]
        self._summary += [table(RULES_HEAD, rule_rows(spec)), table(DECISIONS_HEAD, decision_rows(spec))]
        self._summary += [f"- {escaped(line)}" for line in (*detail_lines(spec), *answer_lines(spec))]

    def spec_check(self, result: SpecCheck) -> None:
        """The gaps of a spec."""
        for gap in result.gaps[:MOST_ANNOTATIONS]:
            annotate("error", f"spec/{gap.code}", clean(str(gap)), file=result.path, line=gap.line)
        say(one_line(check_line(result)))
        self._summary += [f"### policyloop spec check: {escaped(check_line(result))}\n"]
        self._summary += [f"- {escaped(gap_line(gap, result.path))}" for gap in result.gaps]

    def lint(self, result: "LintResult") -> None:
        """An annotation for each hole."""
        for one in result.holes[:MOST_ANNOTATIONS]:
            shown = shown_line(one)
            text = "\n".join([clean(one.message), *([f"shown by: {shown}"] if shown else []), *map(clean, one.why)])
            file = f"{result.policies}/{one.file}"
            level = {"note": "notice"}.get(one.level, one.level)
            annotate(level, f"lint/{one.code}", text, file=file, line=one.line, col=one.column)
        say(one_line(lint_line(result)))
        self._summary += [f"### policyloop lint: {escaped(lint_line(result))}\n"]
        self._summary += [f"- {escaped(line)}" for line in lint_lines(result)]

    def mutate(self, result: "MutateResult") -> None:
        """A warning for each mutant that no test noticed, and the tests that would."""
        for one in (*result.shown, *result.untold)[:MOST_ANNOTATIONS]:
            file = f"{result.policies}/{one.mutant.file}"
            text = f"{mutant_line(one.mutant)}\n{survivor_line(one)}"
            annotate("warning", f"mutate/{one.mutant.operator}", text, file=file, line=one.mutant.line)
        say(f"{result.outcome}: {score_line(result)}")
        self._summary += [f"### policyloop mutate: {escaped(score_line(result))}\n"]
        self._summary += [f"- {escaped(line)}" for line in mutate_lines(result)]
        suite = result.suite()
        self._summary += [f"\nTests to add:\n\n{fenced(suite, 'yaml')}"] if suite else []

    def session(self, answer: "Answer") -> None:
        """A session answered."""
        self._policies = answer.policies
        self._annotate(answer.findings)
        self._plain.session(answer)
        self._flush()
        self._summary.append(f"### policyloop session: {escaped(answer.next)}\n\n{escaped(answer.message)}\n")

    def pause(self) -> None:
        """Nothing moves here."""

    def close(self) -> None:
        """Append the summary where GitHub reads it."""
        target = os.environ.get("GITHUB_STEP_SUMMARY")
        if target and self._summary:
            text = "\n".join(self._summary).encode()[:MOST_SUMMARY_BYTES].decode(errors="ignore")
            self._summary.clear()
            try:
                with Path(target).open("a", encoding="utf-8") as file:
                    file.write(text + "\n")
            except OSError as error:
                annotate("warning", "policyloop", f"no step summary: {clean(target)}: {error.strerror}")

    def _flush(self) -> None:
        say_unheard(self._buffer.getvalue())
        self._buffer.seek(0)
        self._buffer.truncate()

    def _summarise(self, event: Ended) -> None:
        if event.rules:
            self._summary.append(table(TESTS_HEAD, test_rows(event.rules)))
        self._summary += [f"- {escaped(line)}" for line in question_lines(event.questions)]
        self._summary += [f"- contradicts: {escaped(against_line(one))}" for one in event.contradictions]
        self._summary += [f"- ASSUMED, nobody confirmed it: {escaped(one_line(a, WHOLE))}" for a in event.assumptions]

    def _annotate(self, findings: tuple[Finding, ...]) -> None:
        for finding in findings[:MOST_ANNOTATIONS]:
            text = "\n".join((clean(finding.message), *(f"why: {clean(reason)}" for reason in finding.why)))
            file = f"{self._policies}/{finding.file}" if finding.file else ""
            title = f"{finding.error_class.value}/{finding.code}"
            annotate("error", title, text, file=file, line=finding.line, col=finding.column)

    def _budget(self) -> Budget | None:
        return self._started.budget if self._started else None
