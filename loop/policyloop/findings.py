"""What the compiler said, in one shape: findings, the assertions that ran, and the report of one validation."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from typing import Literal

from policyloop.errors import Exit
from policyloop.layout import Kind, kind
from policyloop.shape import Count

TIMEOUT = "timeout"
"""The code of the finding that the compiler did not end in the time that it has."""


class ErrorClass(Enum):
    """The four classes, in the order in which they are fixed. Only the first one present goes to the model."""

    SYNTAX = "syntax"
    SCHEMA = "schema"
    COMPILE = "compile"
    TEST = "test"

    @property
    def rank(self) -> int:
        """0 for the class that is fixed first."""
        return list(ErrorClass).index(self)


class Result(Enum):
    """What became of one assertion in one pass."""

    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, order=True)
class AssertionId:
    """The names under which the compiler reports one assertion. `principal` and `resource` are fixture keys."""

    file: str
    suite: str
    test: str
    principal: str
    resource: str
    action: str

    def __str__(self) -> str:
        return f"{self.suite} / {self.test}: {self.principal} {self.action} {self.resource}"


@dataclass(frozen=True, slots=True)
class Ran:
    """One assertion as the compiler ran it. `effect` is `EFFECT_ALLOW` or `EFFECT_DENY`, None when it got none."""

    id: AssertionId
    result: Result
    effect: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing the compiler said.

    `line` and `column` count from 1; None where neither the compiler nor the file itself tells a place. `code` is
    stable across releases. `why` explains a failing assertion, a line each. `assertion` is set when the finding is
    about one.
    """

    error_class: ErrorClass
    code: str
    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    excerpt: str | None = None
    why: tuple[str, ...] = ()
    assertion: AssertionId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingDocument:
    """One thing the compiler said. Lines and columns count from 1."""

    class_: ErrorClass
    code: str
    file: str | None
    line: Count | None
    column: Count | None
    message: str
    excerpt: str | None
    why: tuple[str, ...]
    assertion: AssertionId | None


@dataclass(frozen=True, slots=True)
class Weakened:
    """One locked assertion that a candidate weakens. The first five are names; `*` where a name could not be read.

    `how` is one of: gone, skipped, unreachable, ambiguous, expectation changed, principal changed, resource changed,
    auxData changed, options changed. `before` and `after` say the field that differs, in a few words.
    """

    suite: str
    test: str
    principal: str
    resource: str
    action: str
    how: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class CompilerInfo:
    """Which compiler judged: its version, `docker` or `native`, and the image's digest or the binary's SHA-256."""

    version: str
    runner: Literal["docker", "native"]
    digest: str


@dataclass(frozen=True, slots=True)
class Tally:
    """How many assertions ran, and what became of them, over one pass."""

    ran: int = 0
    passed: int = 0
    skipped: int = 0


@dataclass(frozen=True)
class Report:
    """All findings of one validation, and every assertion that ran in the normal and in the strict pass."""

    compiler: CompilerInfo
    findings: tuple[Finding, ...] = ()
    ran: tuple[Ran, ...] = field(default=(), repr=False)
    ran_strict: tuple[Ran, ...] = field(default=(), repr=False)
    output: tuple[str, ...] = field(default=(), repr=False)
    """What the compiler itself wrote, one text a pass, cut to a bounded size: for the ledger and for people."""

    @property
    def green(self) -> bool:
        """Nothing was found. A hollow green is a finding, so an exit code of 0 is not enough for this."""
        return not self.findings

    @cached_property
    def next_class(self) -> ErrorClass | None:
        """The class to fix first, None when green."""
        return min((f.error_class for f in self.findings), key=lambda c: c.rank, default=None)

    @cached_property
    def policies_compile(self) -> bool:
        """Whether all that was found is about tests: one that fails, or a file of tests that does not load."""
        return all(f.error_class is ErrorClass.TEST or _of_tests(f.file) for f in self.findings)

    @property
    def timed_out(self) -> bool:
        """Whether nothing is known but that the compiler did not come to an end: no verdict, neither way."""
        return bool(self.findings) and all(f.code == TIMEOUT for f in self.findings)

    @property
    def exit_code(self) -> Literal[Exit.GREEN, Exit.COMPILE, Exit.TESTS, Exit.ENVIRONMENT]:
        """0 green, 3 policies do not compile, 4 tests alone, 8 when the compiler did not come to an end."""
        if self.green:
            return Exit.GREEN
        if self.timed_out:
            return Exit.ENVIRONMENT
        return Exit.TESTS if self.policies_compile else Exit.COMPILE

    @cached_property
    def first(self) -> tuple[Finding, ...]:
        """The findings of the class to fix first: all that a model is ever shown."""
        return tuple(f for f in self.findings if f.error_class is self.next_class)

    @cached_property
    def tally(self) -> Tally:
        """Counts of the normal pass."""
        results = [one.result for one in self.ran]
        skipped = results.count(Result.SKIPPED)
        return Tally(ran=len(results) - skipped, passed=results.count(Result.PASSED), skipped=skipped)

    def passed_in_both(self) -> frozenset[AssertionId]:
        """Assertions that ran and passed in the normal and in the strict pass."""
        return _passed(self.ran) & _passed(self.ran_strict)

    def with_findings(self, more: Iterable[Finding]) -> "Report":
        """The same report with `more` findings added."""
        return replace(self, findings=(*self.findings, *more))


def finding_document(finding: Finding) -> FindingDocument:
    """One finding in the published shape."""
    return FindingDocument(
        class_=finding.error_class,
        code=finding.code,
        file=finding.file,
        line=finding.line,
        column=finding.column,
        message=finding.message,
        excerpt=finding.excerpt,
        why=finding.why,
        assertion=finding.assertion,
    )


def _passed(ran: Iterable[Ran]) -> frozenset[AssertionId]:
    return frozenset(one.id for one in ran if one.result is Result.PASSED)


def _of_tests(file: str | None) -> bool:
    return file is not None and kind(file) in (Kind.SUITE, Kind.FIXTURE)
