"""One validation of a bundle: the normal and the strict pass, why assertions fail, and the exam of the lock."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from policyloop.bundle import Bundle
from policyloop.cerbos.run import CompilerRun, Runner, Staged

if TYPE_CHECKING:
    from policyloop.findings import Report
    from policyloop.guard import Lock

MAX_EXPLAINED = 20
"""How many failing assertions are run again with a trace to tell why: the first ones of the report."""


def validate(
    runner: Runner,
    bundle: Bundle,
    *,
    lock: "Lock | None" = None,
    require_tests: bool = True,
    meanwhile: Callable[[], object] = lambda: None,
) -> "Report":
    """What the compiler says about `bundle`, each failing assertion with its reason.

    `meanwhile` is called once, while the compiler works, in the thread of the caller.

    On green a lock has the last word: the assertions that it demands must be among those that ran, and must pass once
    more in suites written from the lock alone. Raises `Unavailable` when the compiler cannot be run.
    """
    report = _compile(runner, bundle, require_tests=require_tests, meanwhile=meanwhile)
    if lock is None or not report.green:
        return report
    # The cheap wall first; the exam is a compile of its own.
    unproven = lock.unproven(bundle, report)
    if unproven:
        return report.with_findings(unproven)
    exam = lock.exam(bundle)
    # `require_tests=False`: a lock without any assertion makes an exam without any test, and that is no finding.
    return report.with_findings(lock.exam_findings(_compile(runner, exam, require_tests=False, reasons=False)))


def _compile(
    runner: Runner,
    bundle: Bundle,
    *,
    require_tests: bool,
    reasons: bool = True,
    meanwhile: Callable[[], object] = lambda: None,
) -> "Report":
    with ThreadPoolExecutor(2) as pool, runner.stage(bundle) as staged:
        normal, strict = _both(pool, staged)
        # Imported while the compiler works on it.
        from policyloop.cerbos.read import read_report
        from policyloop.cerbos.why import explain, filters_for

        meanwhile()
        report = read_report(runner.info, normal.result(), strict.result(), bundle, require_tests=require_tests)
        failing = tuple(found for found in report.first if found.assertion is not None)[:MAX_EXPLAINED]
        if not reasons or not failing:
            return report
        normal, strict = _both(pool, staged, verbose=True, filters=filters_for(failing))
        # The filters made the compiler skip the others, so nothing may be read off these runs about them.
        explained = explain(replace(report, findings=failing), normal.result(), strict.result(), bundle)
    told = dict(zip(failing, explained.findings, strict=True))
    return replace(report, findings=tuple(told.get(found, found) for found in report.findings))


def _both(
    pool: ThreadPoolExecutor, staged: Staged, *, verbose: bool = False, filters: Sequence[str] = ()
) -> tuple[Future[CompilerRun], Future[CompilerRun]]:
    """The normal and the strict pass, side by side. An interrupt leaves the stage first, which ends both."""
    normal, strict = (
        pool.submit(staged.compile, strict=strict, verbose=verbose, filters=filters) for strict in (False, True)
    )
    return normal, strict
