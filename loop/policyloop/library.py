"""What `import policyloop` gives: the loop with any judge, any model and any lock, and Cerbos as the judge it knows.

Nothing here reads a configuration or asks a person; nothing is written. Errors are `PolicyloopError`, each with a
sentence, a hint and the exit code that the command line would end with.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Literal, Self

from policyloop import controller, drive
from policyloop.access.compare.engine import Bounds, compare_access
from policyloop.access.pdp import Refused, Settings
from policyloop.budget import Budget, Spent
from policyloop.bundle import Bundle, Delete, Edit, Replace, Write
from policyloop.compose import compose
from policyloop.documents.access import DiffDocument, diff_document
from policyloop.documents.judged import CheckDocument, GuardDocument, check_document, guard_document
from policyloop.drive import Judge
from policyloop.errors import PersonNeeded, PolicyloopError, Unavailable, UsageError
from policyloop.events import Event
from policyloop.findings import AssertionId, CompilerInfo, ErrorClass, Finding, Ran, Report, Weakened
from policyloop.findings import Result as AssertionResult
from policyloop.guard import Lock
from policyloop.looking import broken, compared_tests, judged
from policyloop.models.claude import ClaudeModel as Claude
from policyloop.models.command import CommandModel as Program
from policyloop.models.recorded import RecordedModel as Recorded
from policyloop.outcome import Ending, Outcome
from policyloop.results import DiffResult
from policyloop.shape import to_json
from policyloop.shown import show_all
from policyloop.state import Attempt, Choose, L
from policyloop.task import Model, Proposal, Reply, Selection, Task
from policyloop.usage import Usage
from policyloop.validators.judge import validate
from policyloop.validators.pinned import IMAGE, VERSION
from policyloop.validators.select import open_runner
from policyloop.validators.settling import settling
from policyloop.workspace import read_baseline, read_bundle

__all__ = [
    "AssertionId",
    "AssertionResult",
    "Attempt",
    "Budget",
    "Bundle",
    "Cerbos",
    "Choose",
    "Claude",
    "CompilerInfo",
    "Delete",
    "Edit",
    "Ending",
    "ErrorClass",
    "Finding",
    "Judge",
    "Lock",
    "Model",
    "Outcome",
    "PersonNeeded",
    "PolicyloopError",
    "Program",
    "Proposal",
    "Ran",
    "Recorded",
    "Replace",
    "Reply",
    "Report",
    "Result",
    "Selection",
    "Spent",
    "Task",
    "Unavailable",
    "Usage",
    "UsageError",
    "Weakened",
    "Write",
    "check_policies",
    "diff_access",
    "guard_tests",
    "load_bundle",
    "run_loop",
    "show_all",
]


class Cerbos:
    """The real Cerbos compiler as a judge: `report = judge(bundle, lock)`. A context manager.

    `runner`: `docker`, `native`, or `auto`, which is Docker where an engine answers and has the image.
    `timeout_seconds` bounds one pass. Raises `Unavailable`, with what to do, where neither can be had: a judge that
    cannot judge is no yes. Raises `UsageError` for a version, an image or a time that is none.
    """

    def __init__(
        self,
        *,
        runner: Literal["auto", "docker", "native"] = "auto",
        version: str = VERSION,
        image: str = IMAGE,
        timeout_seconds: float = 60.0,
        require_tests: bool = True,
    ) -> None:
        """`require_tests`: a bundle in which no assertion runs is not green."""
        self._settings = Settings(runner=runner, version=version, image=image, timeout_seconds=timeout_seconds)
        self._require_tests = require_tests
        self.runner = open_runner(runner=runner, version=version, image=image, timeout_seconds=timeout_seconds)

    def __call__(self, bundle: Bundle, lock: Lock) -> Report:
        """Both passes of the compiler, and all three walls of the lock. Raises `Unavailable`."""
        return validate(self.runner, bundle, lock=lock, require_tests=self._require_tests)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.runner.close()

    def check(self, policies: str | Path, baseline: str | None = None) -> dict[str, Any]:
        """As `check_policies`."""
        bundle = read_bundle(Path(policies))
        lock = Lock.of(read_baseline(baseline, Path(policies)), settling(self.runner)) if baseline else None
        result = judged(str(policies), bundle, self.runner, lock=lock, require_tests=self._require_tests)
        return _as_json(check_document(result))

    def diff(self, old: Bundle, new: Bundle, *, seed: int = 0) -> dict[str, Any]:
        """As `diff_access`."""
        try:
            access = compare_access(old, new, self.runner, self._settings, Bounds(seed=seed))
        except Refused as refused:
            return _as_json(check_document(broken(self.runner, (("old", old), ("new", new)), refused.log)))
        result = DiffResult(old="old", new="new", access=access, cerbos=self.runner.info)
        return _as_json(diff_document(result))


@dataclass(frozen=True, slots=True, kw_only=True)
class Result(Generic[L]):
    """How a loop ended. `bundle` is what was judged green, else what came closest; nothing was written anywhere."""

    outcome: Outcome
    bundle: Bundle
    report: Report | None
    """What the judge said of `bundle`; None when it could not judge it."""
    lock: L
    """The lock at the end: assertions that ran and passed on the way have joined it."""
    attempts: tuple[Attempt, ...]
    spent: Spent

    @property
    def green(self) -> bool:
        """The judge is satisfied, and nothing that was locked got weaker."""
        return self.outcome.ending is Ending.GREEN


def run_loop(  # noqa: PLR0913
    bundle: Bundle,
    *,
    lock: L,
    judge: Judge[L],
    model: Model,
    budget: Budget | None = None,
    request: str = "",
    choose: Choose = compose,
    on_event: Callable[[Event], None] | None = None,
) -> Result[L]:
    """Let `model` edit `bundle` until `judge` is satisfied, under `lock` and within `budget`.

    `request`: what is wanted; without it what is there is repaired. `choose` is what the model is shown: `compose`
    knows Cerbos's files, `show_all` shows everything. `on_event` is told what happens, as the ledger of a run is.
    A missing judge or model, an interrupt and a cap are outcomes; nothing is raised for them.
    """
    state = controller.begin(bundle, lock, budget or Budget(), choose, request)
    for step in drive.drive(state, model, judge, drive.Stopwatch()):
        state = step.state
        for event in step.events:
            if on_event:
                on_event(event)
    assert isinstance(state.todo, Outcome)
    green = state.todo.ending is Ending.GREEN
    return Result(
        outcome=state.todo,
        bundle=state.current if green else state.best,
        report=state.report if green else state.best_report,
        lock=state.lock,
        attempts=state.attempts,
        spent=state.spent,
    )


def load_bundle(policies: str | Path) -> Bundle:
    """The policy directory as it is; an archive and a mounted ConfigMap are read as Cerbos reads them.

    Raises `UsageError` for what is none, is too large, or holds what a policy directory must not hold.
    """
    return read_bundle(Path(policies))


def check_policies(policies: str | Path, *, baseline: str | None = None) -> dict[str, Any]:
    """What `policyloop check --format json` prints (`policyloop schema check`), with the usual compiler.

    `baseline`: a directory or a git revision whose tests must all still be as strong.
    """
    with Cerbos() as judge:
        return judge.check(policies, baseline)


def guard_tests(baseline: Bundle, candidate: Bundle) -> dict[str, Any]:
    """What `policyloop guard --format json` prints where no compiler is: which tests of `baseline` got weaker.

    Nothing is compiled, so a changed test file about which YAML readers may differ counts as weaker (`ambiguous`).
    """
    return _as_json(guard_document(compared_tests(baseline, candidate)))


def diff_access(old: Bundle, new: Bundle, *, seed: int = 0) -> dict[str, Any]:
    """What `policyloop diff --format json` prints: which requests `new` decides otherwise, on the usual PDP.

    Where one of the bundles does not compile it is the document of `check`, with outcome `red`.
    """
    with Cerbos() as judge:
        return judge.diff(old, new, seed=seed)


def _as_json(document: CheckDocument | GuardDocument | DiffDocument) -> dict[str, Any]:
    written: dict[str, Any] = to_json(document)
    return written
