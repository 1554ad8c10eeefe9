"""What a review is made of: the ledger, and what is measured on the policies as they are now."""

from collections.abc import Callable
from pathlib import Path

from policyloop.access.compare.engine import Bounds, compare_access
from policyloop.access.lint import lint
from policyloop.access.matrix import matrices_of
from policyloop.access.mutate import mutate
from policyloop.access.pdp import Refused, Settings
from policyloop.access_report import AccessReport
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.config import Config
from policyloop.configured import policy_directory
from policyloop.errors import UsageError
from policyloop.events import Ended, Started
from policyloop.ledger import read
from policyloop.recorded_run import events_of, open_run
from policyloop.review import Review
from policyloop.validators.judge import validate
from policyloop.workspace import read_baseline, read_bundle

Judged = Callable[[Path], tuple[Config, Runner]]


def gathered(
    run: str | None,
    state: Path | None,
    policies: Path | None,
    against: str | None,
    judged: Judged | None,
    server: Callable[[Config], Settings],
    told: Callable[[str], None] = lambda _: None,
) -> Review:
    """The review of a run. Without `judged` nothing is measured. `told` hears how it goes on.

    Raises `UsageError`, `Unavailable`.
    """
    path = open_run(run, state)
    chain = read(path)
    events = tuple(events_of(chain, path))
    started = next((event for event in events if isinstance(event, Started)), None)
    ended = next((event for event in reversed(events) if isinstance(event, Ended)), None)
    known = ended.access if ended else None
    plain = Review(
        events=events,
        ledger=str(path),
        records=len(chain.records),
        broken=chain.broken,
        against="the bundle at the beginning of the run" if known else "",
        access=known,
    )
    if judged is None or started is None:
        return plain
    directory = policies or Path(started.policies)
    try:
        if not directory.is_dir() and policies is None:
            directory = policy_directory(None)
        bundle = read_bundle(directory)
    except UsageError as error:
        if policies is not None or against is not None:
            raise
        from dataclasses import replace

        return replace(plain, missing=(f"Nothing was measured: {error.message}",))
    loaded, runner = judged(directory)
    try:
        return _Measured(plain, bundle, directory, runner, server(loaded), told).review(against)
    finally:
        runner.close()


class _Measured:
    """A bundle that is measured for a review."""

    def __init__(
        self,
        plain: Review,
        bundle: Bundle,
        directory: Path,
        runner: Runner,
        settings: Settings,
        told: Callable[[str], None],
    ) -> None:
        self._plain, self._bundle, self._directory = plain, bundle, directory
        self._runner, self._settings, self._told = runner, settings, told

    def review(self, against: str | None) -> Review:
        from dataclasses import replace

        old = read_baseline(against, self._directory) if against else None
        self._told("part 1 of 5: the compiler judges the policies as they are")
        report = validate(self._runner, self._bundle)
        if not report.green:
            told = report.findings[0].message if report.timed_out else "The policies are not green now"
            why = f"{told}, so neither the tests nor the access were measured on them."
            return replace(self._plain, missing=(*self._moved(), why))
        self._told("part 2 of 5: access is compared")
        access = self._compared(old) if old is not None else self._plain.access
        self._told("part 3 of 5: who may do what is asked")
        matrices, undrawn = matrices_of(old, self._bundle, self._settings, access)
        return replace(
            self._plain,
            against=against or self._plain.against,
            access=access,
            matrices=matrices,
            mutation=mutate(self._runner, self._bundle, "", settings=self._settings, told=self._part(4)),
            lint=lint(self._runner, self._bundle, "", settings=self._settings, told=self._part(5)),
            missing=(*self._moved(), *undrawn),
        )

    def _compared(self, old: Bundle) -> AccessReport:
        try:
            return compare_access(old, self._bundle, self._runner, self._settings, Bounds(), told=self._part(2))
        except Refused as error:
            return AccessReport(skipped=str(error))

    def _part(self, number: int) -> Callable[[str], None]:
        return lambda line: self._told(f"part {number} of 5: {line}")

    def _moved(self) -> tuple[str, ...]:
        """Whether the policies are what the run left behind, as far as the ledger tells."""
        judged = [event for event in self._plain.events if getattr(event, "bundle", None)]
        last = getattr(judged[-1], "bundle", "") if judged else ""
        if last == self._bundle.digest:
            return ()
        return ("The policies are not what the run last judged: they were changed since, or it did not end green.",)
