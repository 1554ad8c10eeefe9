"""The documents of `check` and `guard`, and what of a verdict the others show as well."""

from dataclasses import dataclass
from typing import Literal

from policyloop.errors import Exit
from policyloop.findings import CompilerInfo, ErrorClass, FindingDocument, Tally, Weakened, finding_document
from policyloop.results import CheckResult, GuardResult
from policyloop.shape import Count


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertionsDocument:
    """Counts of the normal pass, and the size of the lock."""

    ran: Count
    passed: Count
    skipped: Count
    locked: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckDocument:
    """What `policyloop check --format json` prints."""

    outcome: Literal["green", "red", "weakened"]
    exit_code: Literal[Exit.GREEN, Exit.COMPILE, Exit.TESTS, Exit.WEAKENED, Exit.ENVIRONMENT]
    next_class: ErrorClass | None
    findings: tuple[FindingDocument, ...]
    assertions: AssertionsDocument
    weakened: tuple[Weakened, ...]
    luck: tuple[str, ...]
    """Why a test that passes may be luck."""
    cerbos: CompilerInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardDocument:
    """What `policyloop guard --format json` prints."""

    outcome: Literal["kept", "weakened"]
    exit_code: Literal[Exit.GREEN, Exit.WEAKENED]
    locked: Count
    weakened: tuple[Weakened, ...]
    released: tuple[str, ...]


def check_document(result: CheckResult) -> CheckDocument:
    """One validation."""
    report = result.report
    return CheckDocument(
        outcome=result.outcome,
        exit_code=result.exit_code,
        next_class=report.next_class,
        findings=tuple(finding_document(finding) for finding in report.findings),
        assertions=assertions_document(report.tally, result.locked),
        weakened=result.weakened,
        luck=result.luck,
        cerbos=report.compiler,
    )


def guard_document(result: GuardResult) -> GuardDocument:
    """The tests of two bundles, compared."""
    return GuardDocument(
        outcome=result.outcome,
        exit_code=result.exit_code,
        locked=result.locked,
        weakened=result.weakened,
        released=result.released,
    )


def assertions_document(tally: Tally, locked: int) -> AssertionsDocument:
    """Counts of the normal pass, and how many assertions the lock holds."""
    return AssertionsDocument(ran=tally.ran, passed=tally.passed, skipped=tally.skipped, locked=locked)
