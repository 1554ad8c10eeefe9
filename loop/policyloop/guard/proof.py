"""The second wall: what the compiler says that it ran, held against the lock and against our own reading."""

from collections.abc import Iterable, Iterator, Sequence

from policyloop.findings import AssertionId, ErrorClass, Finding, Ran, Report, Result
from policyloop.guard.candidate import Candidate
from policyloop.guard.demand import Assertion

_PASSES = ("normal", "strict")


def unproven(
    locked: Sequence[Assertion], view: Candidate, report: Report, untouched: frozenset[str]
) -> tuple[Finding, ...]:
    """Findings for locked assertions that no passed test stands for, and for suites that ran otherwise than we read.

    `untouched` are the suites that are, fixtures and all, as they were when they were locked.
    """
    passes = (report.ran, report.ran_strict)
    disagreements = [
        one
        for name, ran in zip(_PASSES, passes, strict=True)
        for one in _disagreements(view, ran, name)
        if one.file not in untouched
    ]
    passed = [{one.id: one.effect for one in ran if one.result is Result.PASSED} for ran in passes]
    missing = (
        one for one in locked if not _stands([*view.runs(one), *([one] if one.id.file in untouched else [])], passed)
    )
    return (*disagreements, *(_not_run(one) for one in missing))


def _stands(candidates: Iterable[Assertion], passed: list[dict[AssertionId, str | None]]) -> bool:
    """Whether one of `candidates` passed in both passes with the effect that it demands."""
    return any(all(_passed(one, ran) for ran in passed) for one in candidates)


def _passed(one: Assertion, ran: dict[AssertionId, str | None]) -> bool:
    # By the names under which it ran; its effect must be the one demanded, for a passed test may demand another.
    effect = ran.get(one.id)
    return effect is not None and one.demand.effect in ("", effect)


def _disagreements(view: Candidate, ran: Iterable[Ran], name: str) -> Iterator[Finding]:
    executed: dict[str, set[AssertionId]] = {}
    for one in ran:
        # What was skipped did not run, whatever the report lists.
        if one.result is not Result.SKIPPED:
            executed.setdefault(one.id.file, set()).add(one.id)
    readings = view.readings.by_file
    for file in sorted({*executed, *readings}):
        reading = readings.get(file)
        # A suite that is broken in our eyes and runs all the same is a disagreement, the worst kind of it.
        ours = set() if reading is None or reading.broken else {one.id for one in reading.assertions}
        theirs = executed.get(file, set())
        if ours == theirs:
            continue
        extra, lacking = sorted(theirs - ours), sorted(ours - theirs)
        what = f"it ran {extra[0]}, which we do not read there" if extra else f"it did not run {lacking[0]}"
        if reading is not None and reading.broken:
            what += f" ({reading.broken})"
        yield Finding(
            error_class=ErrorClass.TEST,
            code="lock-disagrees",
            message=f"{file}: the compiler reads this suite otherwise than the lock does: {what} ({name} pass). "
            "Write the suite more plainly.",
            file=file,
            assertion=(extra or lacking)[0],
        )


def _not_run(one: Assertion) -> Finding:
    return Finding(
        error_class=ErrorClass.TEST,
        code="lock-not-run",
        message=f"no test that passed in both passes stands for the locked assertion {one.id}",
        file=one.id.file,
        assertion=one.id,
    )
