"""The lock: the assertions that may not get weaker, and the walls that keep them.

Three walls, since a clever edit may get past one of them. The first, `Lock.weakened_by`, needs no compiler: it compares
what two bundles demand. The second, `Lock.unproven`, holds a green report against the lock: what was demanded must have
run. The third, `Lock.exam`, does not read the candidate's tests at all: it puts the locked assertions to the
candidate's policies in suites of its own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType

from policyloop.bundle import Bundle
from policyloop.errors import UsageError
from policyloop.findings import AssertionId, Finding, Report, Weakened
from policyloop.guard.candidate import Candidate
from policyloop.guard.demand import Assertion
from policyloop.guard.exam import Exam
from policyloop.guard.explain import Explainer
from policyloop.guard.mending import spoiled
from policyloop.guard.proof import unproven
from policyloop.guard.releases import Release, released
from policyloop.guard.resolve import MAX_ASSERTIONS
from policyloop.guard.settled import Compile, settled
from policyloop.guard.suite_demands import BundleDemands, SuiteDemands
from policyloop.yaml_text.certainty import doubt


class Lock:
    """Everything that a bundle's suites demand. Immutable; `len` and iteration are over its assertions."""

    def __init__(
        self,
        assertions: Iterable[Assertion],
        readings: Mapping[str, SuiteDemands],
        texts: frozenset[str],
        joined: frozenset[Assertion] = frozenset(),
        settle: Compile | None = None,
    ) -> None:
        self._assertions = tuple(assertions)
        self._readings = MappingProxyType(dict(readings))
        self._texts = texts
        self._joined = joined
        self._settle = settle
        self._last: tuple[Bundle, Candidate] | None = None
        self._exam: Exam | None = None

    @classmethod
    def of(cls, bundle: Bundle, settle: Compile | None = None) -> "Lock":
        """The lock on all that the suites of `bundle` demand; skipped tests demand nothing.

        `settle` runs the compiler where our reading of a candidate's suite is in doubt (`policyloop.guard.settled`);
        without it what is in doubt is refused. What is broken is read as far as it can be. Raises `UsageError` for a
        suite too large to be locked.
        """
        readings = BundleDemands(bundle)
        for reading in readings:
            if reading.oversized:
                raise UsageError(
                    f"{reading.file}: with it the suites demand more than {MAX_ASSERTIONS:,} assertions.",
                    "So many cannot be locked; take cases out of the product.",
                )
        assertions = (one for reading in readings for one in reading.assertions)
        return cls(assertions, readings.by_file, _texts(readings), settle=settle)

    def __len__(self) -> int:
        return len(self._assertions)

    def __iter__(self) -> Iterator[Assertion]:
        return iter(self._assertions)

    @property
    def joined(self) -> frozenset[Assertion]:
        """Those that joined after the lock was made."""
        return self._joined

    @cached_property
    def unexaminable(self) -> tuple[Assertion, ...]:
        """Assertions that `exam` cannot put: a part of them could not be read, or not with certainty."""
        doubtful = {file for file, reading in self._readings.items() if _doubt(reading, frozenset())}
        return tuple(
            one for one in self._assertions if not one.known or (one.id.file in doubtful and one not in self._joined)
        )

    def weakened_by(self, candidate: Bundle) -> tuple[Weakened, ...]:
        """The first wall: every locked assertion that `candidate` no longer demands as strongly, and how."""
        lost = self.lost_in(candidate)
        # Also of files that could not be read when the run began: in them a test may stand that nobody has seen.
        view = self._view(candidate)
        unread = [one for one in self._readings.values() if one.illegible]
        spoilt = [_spoilt(one, why) for one in unread if (why := spoiled(one, candidate, view.readings))]
        if not lost:
            return tuple(spoilt)
        explainer = Explainer(view, candidate, dict(self._readings))
        return (*spoilt, *dict.fromkeys(explainer.explain(one) for one in lost))

    def lost_in(self, candidate: Bundle) -> tuple[Assertion, ...]:
        """The locked assertions that `candidate` no longer demands as strongly."""
        view = self._view(candidate)
        return tuple(one for one in self._assertions if not view.keeps(one))

    def joined_by(self, candidate: Bundle, passed: frozenset[AssertionId]) -> "Lock":
        """This lock and the assertions of `candidate` that ran and passed in both passes.

        One that takes the place of an assertion which could not be read whole, or not be run, puts that one out.
        """
        view = self._view(candidate)
        # By what they demand: a second test that demands the same locks nothing more, and may go again.
        held = {one.demand for one in self._assertions if not one.broken}
        new: list[Assertion] = []
        for one in view.running:
            # Only what passed: a test that a model adds and that fails must not bind anybody.
            if one.id in passed and one.known and one.demand not in held:
                new.append(one)
                held.add(one.demand)
        joined = frozenset(new)
        kept = (
            one for one in self._assertions if not one.broken or not any(other in joined for other in view.runs(one))
        )
        return Lock((*kept, *new), self._readings, self._texts, self._joined | joined, self._settle)

    def unproven(self, candidate: Bundle, report: Report) -> tuple[Finding, ...]:
        """The second wall, on a report without findings: what was demanded must have run and passed, both times.

        A suite that is as it was when it was locked is taken at its names, even if we cannot read it ourselves.
        """
        view = self._view(candidate)
        # The very same object: an unchanged file is not read again, so identity says that neither it nor its fixtures
        # changed.
        untouched = frozenset(one.file for one in view.readings if self._readings.get(one.file) is one)
        return unproven(self._assertions, view, report, untouched)

    def exam(self, candidate: Bundle) -> Bundle:
        """The third wall: the policies and schemas of `candidate` with the locked assertions as their only tests."""
        return self._examination().bundle(candidate)

    def exam_findings(self, report: Report) -> tuple[Finding, ...]:
        """What a report on an `exam` bundle says: a finding for each locked assertion that did not pass both times."""
        return self._examination().findings(report)

    def release(self, releases: Sequence[Release]) -> tuple["Lock", tuple[Assertion, ...]]:
        """This lock without the assertions that `releases` name, and these. Raises `UsageError` if one names none."""
        gone = released(self._assertions, releases)
        return self.without(one.id for one in gone), gone

    def without(self, gone: Iterable[AssertionId]) -> "Lock":
        """This lock without the assertions of these names, which only a person may let go of."""
        names = frozenset(gone)
        kept = (one for one in self._assertions if one.id not in names)
        return Lock(kept, self._readings, self._texts, self._joined, self._settle)

    def _examination(self) -> Exam:
        if self._exam is None:
            left_out = {id(one) for one in self.unexaminable}
            self._exam = Exam(one for one in self._assertions if id(one) not in left_out)
        return self._exam

    def _view(self, bundle: Bundle) -> Candidate:
        # Kept for one bundle: the three walls look at the same candidate one after the other.
        if self._last is None or self._last[0] is not bundle:
            readings = BundleDemands(bundle, self._readings)
            doubts = {one.file: why for one in readings if (why := _doubt(one, self._texts))}
            if doubts and self._settle:
                for file in settled(bundle, [readings.by_file[file] for file in doubts], self._settle):
                    del doubts[file]
            self._last = (bundle, Candidate(readings, doubts))
        return self._last[1]


def compare(baseline: Bundle, candidate: Bundle) -> tuple[Weakened, ...]:
    """What `candidate` weakens of all that `baseline` demands."""
    return Lock.of(baseline).weakened_by(candidate)


def _spoilt(reading: SuiteDemands, why: str) -> Weakened:
    """A suite of which not every test could be read was not mended; `why` says what became of it."""
    before = f"{reading.file} holds tests that cannot be read ({reading.broken}) and may only be mended"
    return Weakened(reading.name or reading.file, "*", "*", "*", "*", "ambiguous", before, why)


def _texts(readings: BundleDemands) -> frozenset[str]:
    return frozenset(text for reading in readings for text in reading.texts if text is not None)


def _doubt(reading: SuiteDemands, trusted: frozenset[str]) -> str:
    """Why it is not certain that Cerbos reads a suite as we do, apart from the `trusted` texts; empty when it is."""
    for path, text in zip((reading.file, *reading.beside), reading.texts, strict=True):
        if path is not None and text is not None and text not in trusted:
            why = doubt(text)
            if why:
                return why if path == reading.file else f"{path}: {why}"
    return ""
