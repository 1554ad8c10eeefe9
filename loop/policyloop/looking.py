"""What the commands that only look do, without a command line: `check`, `guard` and `diff` as functions to a value."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from policyloop.bundle import Bundle
from policyloop.errors import Unavailable

if TYPE_CHECKING:
    from policyloop.cerbos.run import Runner
    from policyloop.findings import Report
    from policyloop.guard import Lock, Release
    from policyloop.results import CheckResult, GuardResult


def judged(
    name: str,
    bundle: Bundle,
    runner: "Runner",
    *,
    lock: "Lock | None" = None,
    require_tests: bool = True,
    meanwhile: Callable[[], object] = lambda: None,
) -> "CheckResult":
    """One validation of `bundle`, which is called `name`, against the tests that `lock` holds.

    `meanwhile` is called once, while the compiler works. Raises `Unavailable` when that does not come to an end.
    """
    from policyloop.validators.judge import validate

    luck: tuple[str, ...] = ()

    def look() -> None:
        # What needs no verdict, and what is slow to load, does not keep the compiler waiting.
        nonlocal luck
        from policyloop.access.ask.luck import luck_in

        luck = luck_in(bundle)
        meanwhile()

    weakened = lock.weakened_by(bundle) if lock else ()
    # What is weakened is told as such, not once more as what did not run.
    report = validate(runner, bundle, lock=None if weakened else lock, require_tests=require_tests, meanwhile=look)
    if not weakened:
        require_verdict(report)
    from policyloop.results import CheckResult

    return CheckResult(
        policies=name,
        bundle=bundle,
        report=report,
        locked=len(lock) if lock else 0,
        weakened=weakened,
        luck=luck,
    )


def require_verdict(report: "Report") -> None:
    """Raises `Unavailable` when the compiler did not come to an end: that says nothing about the policies."""
    if report.timed_out:
        raise Unavailable(
            f"Nothing was judged: {report.findings[0].message}.",
            "Give it more time, such as POLICYLOOP_CERBOS_TIMEOUT_SECONDS=600, or cerbos.timeout_seconds.",
        )


def compared_tests(
    baseline: Bundle,
    candidate: Bundle,
    releases: Sequence["Release"] = (),
    settle: Callable[[Bundle], bytes] | None = None,
) -> "GuardResult":
    """What `candidate` weakens of the tests of `baseline`, but for what a person releases.

    Nothing is compiled but by `settle`, where our reading is in doubt (`policyloop.guard.settled`).
    """
    from policyloop.guard import Lock
    from policyloop.results import GuardResult

    lock, released = Lock.of(baseline, settle).release(releases)
    names = tuple(str(assertion.id) for assertion in released)
    return GuardResult(locked=len(lock), weakened=lock.weakened_by(candidate), released=names)


def broken(runner: "Runner", sides: Sequence[tuple[str, Bundle]], log: str) -> "CheckResult":
    """Of bundles that a PDP refused, with its `log`: the first that does not compile, with its findings.

    Raises `Unavailable` when the compiler takes them all: then it is not the policies that keep the PDP from starting.
    """
    for name, whole in sides:
        result = judged(name, whole.without_tests(), runner, require_tests=False)
        if not result.report.green:
            return result
    last = next((line.strip() for line in reversed(log.splitlines()) if line.strip()), "it said nothing")
    raise Unavailable(f"The PDP does not start although the policies compile: {last[:500]}", "Run it again.")
