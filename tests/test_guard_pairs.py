"""Every pair under `fixtures/guard`, by the lock alone and by the real compiler."""

import json
from dataclasses import replace

import pytest

from goldens import Golden
from guard_cases import Pair, compiled, pairs, said
from policyloop.bundle import Bundle
from policyloop.cerbos.read import read_report
from policyloop.cerbos.run import Runner
from policyloop.findings import Ran, Report
from policyloop.guard import Lock, compare
from policyloop.validators.judge import validate

WEAKENED = pairs("weakened")
KEPT = pairs("kept")
HOWS = {
    *("gone", "skipped", "unreachable", "ambiguous", "expectation changed"),
    *("principal changed", "resource changed", "auxData changed", "options changed"),
}
STOPS_ALL = (2, 3)
"""Exit codes of a compiler that read no suite at all: such a bundle is compiled by itself."""


def name(pair: Pair) -> str:
    return pair.folder.name


class Compiled:
    """All bundles of all pairs, each in a folder of its own, compiled at once in both passes."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._folders: dict[Bundle, str] = {}
        files = {}
        for pair in (*WEAKENED, *KEPT):
            for side, exit_code in pair.expected["compile"].items():
                tests = getattr(pair, side)
                if exit_code not in STOPS_ALL and tests not in self._folders:
                    self._folders[tests] = folder = f"{pair.outcome}/{name(pair)}/{side}/"
                    files.update({folder + path: text for path, text in tests.files.items()})
        bundle = compiled(Bundle(files))
        with runner.stage(bundle) as staged:
            normal, strict = staged.compile(), staged.compile(strict=True)
        self._suites = json.loads(normal.stdout)["suites"]
        self._report = read_report(runner.info, normal, strict, bundle)

    def exit_code(self, tests: Bundle) -> int | None:
        """What the compiler alone would say about these tests."""
        if tests not in self._folders:
            with self._runner.stage(compiled(tests)) as staged:
                return staged.compile().exit_code
        mine = [one for one in self._suites if one["file"].startswith(self._folders[tests])]
        results = {one["summary"].get("overallResult", "RESULT_PASSED") for one in mine}
        return 0 if results <= {"RESULT_PASSED", "RESULT_SKIPPED"} else 4

    def report(self, tests: Bundle) -> Report:
        """What ran of these tests, under the names that it has when they are compiled by themselves."""
        passes = (self._report.ran, self._report.ran_strict)
        return Report(self._runner.info, (), *(tuple(self._mine(ran, self._folders[tests])) for ran in passes))

    @staticmethod
    def _mine(ran: tuple[Ran, ...], folder: str) -> list[Ran]:
        mine = [one for one in ran if one.id.file.startswith(folder)]
        return [replace(one, id=replace(one.id, file=one.id.file.removeprefix(folder))) for one in mine]


@pytest.fixture(scope="module")
def at_once(cerbos: Runner) -> Compiled:
    return Compiled(cerbos)


def test_there_are_enough_pairs() -> None:
    assert len(WEAKENED) >= 50
    assert len(KEPT) >= 30
    assert {how for pair in WEAKENED for how in pair.expected["how"]} == HOWS


@pytest.mark.parametrize("pair", [*WEAKENED, *KEPT], ids=name)
def test_what_the_lock_says(pair: Pair, golden: Golden) -> None:
    lock = Lock.of(pair.baseline)
    found = {**said(lock, lock.weakened_by(pair.candidate)), "compile": pair.expected["compile"]}
    assert found["outcome"] == pair.outcome
    golden(pair.golden, found)
    assert set(found["how"]) <= HOWS


@pytest.mark.parametrize("pair", [*WEAKENED, *KEPT], ids=name)
def test_nothing_is_weaker_than_itself(pair: Pair) -> None:
    assert compare(pair.baseline, pair.baseline) == ()


@pytest.mark.parametrize("pair", [*WEAKENED, *KEPT], ids=name)
def test_what_the_compiler_alone_says(pair: Pair, at_once: Compiled) -> None:
    """The recorded exit codes are the compiler's: it lets many a weaker bundle through."""
    found = {"baseline": at_once.exit_code(pair.baseline), "candidate": at_once.exit_code(pair.candidate)}
    assert found == pair.expected["compile"]


@pytest.mark.parametrize("pair", WEAKENED, ids=name)
def test_the_second_wall_stops_what_the_compiler_lets_through(pair: Pair, at_once: Compiled) -> None:
    if pair.expected["compile"]["candidate"] == 0:
        report = at_once.report(pair.candidate)
        assert Lock.of(pair.baseline).unproven(pair.candidate, report)


@pytest.mark.parametrize("pair", KEPT, ids=name)
def test_what_is_kept_ran_with_the_same_demands(pair: Pair, at_once: Compiled) -> None:
    if pair.expected["compile"]["candidate"] == 0:
        report = at_once.report(pair.candidate)
        assert Lock.of(pair.baseline).unproven(pair.candidate, report) == ()


def test_what_is_kept_stands_the_exam(cerbos: Runner) -> None:
    """All that the kept pairs demand, in one lock, is green together, and again in the suites of the exam."""
    green = [pair for pair in KEPT if pair.expected["compile"] == {"baseline": 0, "candidate": 0}]
    sides = [
        compiled(Bundle({f"{name(pair)}/{path}": text for pair in green for path, text in side(pair).files.items()}))
        for side in (lambda pair: pair.baseline, lambda pair: pair.candidate)
    ]
    lock = Lock.of(sides[0])
    assert len(lock) > 400
    assert validate(cerbos, sides[1], lock=lock).findings == ()


@pytest.mark.parametrize("folder", ["_schemas", ".hidden"])
def test_suites_run_in_odd_folders(folder: str, cerbos: Runner) -> None:
    tests = KEPT[0].baseline
    moved = compiled(Bundle({f"{folder}/{path}": text for path, text in tests.files.items()}))
    assert validate(cerbos, moved, lock=Lock.of(compiled(tests))).findings == ()


def test_how_many_the_compiler_lets_through() -> None:
    """The claim of `fixtures/guard/README.md`: green before and after, and yet weaker."""
    through = [pair for pair in WEAKENED if pair.expected["compile"] == {"baseline": 0, "candidate": 0}]
    assert len(through) >= 40
