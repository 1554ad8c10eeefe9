"""The lock as others use it: joining, proving, releasing, and bundles that are broken to begin with."""

from collections.abc import Iterator
from dataclasses import asdict

import pytest

from guard_cases import compiled, pairs
from policyloop.bundle import Bundle
from policyloop.errors import UsageError
from policyloop.findings import AssertionId, CompilerInfo, Ran, Report, Result
from policyloop.guard import Lock, Release, Weakened, compare, parse_releases
from policyloop.guard.resolve import MAX_ASSERTIONS

STANDARD = next(pair for pair in pairs("kept") if pair.folder.name == "comments").baseline
SUITE = "salary_test.yaml"
INFO = CompilerInfo("0.55.0", "native", "sha256:0")


def changed(old: str, new: str, path: str = SUITE, bundle: Bundle = STANDARD) -> Bundle:
    assert old in bundle[path]
    return Bundle({**bundle.files, path: bundle[path].replace(old, new)})


def report_of(bundle: Bundle, result: Result = Result.PASSED) -> Report:
    """A report on which all that `bundle` demands came out as `result`."""
    ran = tuple(Ran(one.id, result, one.demand.effect) for one in Lock.of(bundle))
    return Report(INFO, ran=ran, ran_strict=ran)


def test_a_lock_counts_and_lists_its_assertions() -> None:
    lock = Lock.of(STANDARD)
    assert len(lock) == len(list(lock)) == 13
    one = next(iter(lock))
    assert str(one.id) == "Salaries / own and managed records: eve view eve_salary"
    assert one.demand.effect == "EFFECT_ALLOW"
    assert '"department":"sales"' in one.demand.inputs.principal
    assert one.demand.inputs.options == '{"now":"2026-03-01T08:00:00Z"}'


def test_an_empty_bundle_locks_nothing() -> None:
    assert len(Lock.of(Bundle({}))) == 0
    assert compare(Bundle({}), STANDARD) == ()


def test_weakened_goes_into_json() -> None:
    (one,) = compare(STANDARD, changed("edit: EFFECT_DENY", "edit: EFFECT_ALLOW"))
    assert asdict(one) == {
        "suite": "Salaries",
        "test": "own and managed records",
        "principal": "eve",
        "resource": "eve_salary",
        "action": "edit",
        "how": "expectation changed",
        "before": "EFFECT_DENY",
        "after": "EFFECT_ALLOW",
    }


# --- joining ---------------------------------------------------------------------------------------------------------

MORE = changed("actions: [view, edit]", "actions: [view, edit, burn]")
BURN = AssertionId(SUITE, "Salaries", "own and managed records", "eve", "eve_salary", "burn")


def test_what_passed_joins_and_is_locked_from_then_on() -> None:
    lock = Lock.of(STANDARD).joined_by(MORE, frozenset({BURN}))
    assert len(lock) == 14
    (lost,) = lock.weakened_by(STANDARD)
    assert (lost.action, lost.principal, lost.how) == ("burn", "eve", "gone")


def test_what_never_passed_may_still_be_corrected() -> None:
    lock = Lock.of(STANDARD).joined_by(MORE, frozenset())
    assert len(lock) == 13
    assert lock.weakened_by(STANDARD) == ()


def test_joining_twice_adds_nothing() -> None:
    lock = Lock.of(STANDARD).joined_by(MORE, frozenset({BURN}))
    assert len(lock.joined_by(MORE, frozenset({BURN}))) == len(lock)


def test_a_candidate_earns_no_trust_by_joining() -> None:
    """Text in doubt stays in doubt, however often it was seen."""
    tagged = changed("grade: 3", "grade: !!str 3", "testdata/resources.yaml")
    lock = Lock.of(STANDARD).joined_by(tagged, frozenset(one.id for one in Lock.of(tagged)))
    assert {one.how for one in lock.weakened_by(tagged)} == {"ambiguous"}


# --- the second wall -------------------------------------------------------------------------------------------------


def codes(lock: Lock, candidate: Bundle, report: Report) -> set[str]:
    return {finding.code for finding in lock.unproven(candidate, report)}


def test_a_report_that_names_every_assertion_proves_the_lock() -> None:
    assert Lock.of(STANDARD).unproven(STANDARD, report_of(STANDARD)) == ()


@pytest.mark.parametrize("which", ["ran", "ran_strict"])
def test_an_assertion_must_have_run_in_both_passes(which: str) -> None:
    whole = report_of(STANDARD).ran
    passes = {"ran": whole, "ran_strict": whole, which: whole[1:]}
    found = Lock.of(STANDARD).unproven(STANDARD, Report(INFO, **passes))
    assert [finding.assertion for finding in found if finding.code == "lock-not-run"] == [whole[0].id]


@pytest.mark.parametrize("result", [Result.FAILED, Result.ERRORED, Result.SKIPPED])
def test_an_assertion_must_have_passed(result: Result) -> None:
    assert "lock-not-run" in codes(Lock.of(STANDARD), STANDARD, report_of(STANDARD, result))


def test_an_assertion_must_have_got_the_effect_that_it_demands() -> None:
    flipped = {"EFFECT_ALLOW": "EFFECT_DENY", "EFFECT_DENY": "EFFECT_ALLOW"}
    ran = tuple(Ran(one.id, one.result, flipped[str(one.effect)]) for one in report_of(STANDARD).ran)
    assert codes(Lock.of(STANDARD), STANDARD, Report(INFO, ran=ran, ran_strict=ran)) == {"lock-not-run"}


def test_a_changed_suite_that_runs_otherwise_than_we_read_is_a_finding() -> None:
    commented = Bundle({**STANDARD.files, SUITE: STANDARD[SUITE] + "# more\n"})
    whole = report_of(commented).ran
    extra = Ran(BURN, Result.PASSED, "EFFECT_DENY")
    report = Report(INFO, ran=(*whole, extra), ran_strict=(*whole, extra))
    assert codes(Lock.of(STANDARD), commented, report) == {"lock-disagrees"}
    elsewhere = Ran(AssertionId("other_test.yaml", "o", "t", "p", "r", "a"), Result.PASSED, "EFFECT_DENY")
    report = Report(INFO, ran=(*whole, elsewhere), ran_strict=(*whole, elsewhere))
    assert codes(Lock.of(STANDARD), commented, report) == {"lock-disagrees"}


# --- releases --------------------------------------------------------------------------------------------------------


def test_a_release_lets_go_of_what_it_names() -> None:
    lock, gone = Lock.of(STANDARD).release(
        [Release("Salaries", "subsidiaries", principal="eve"), Release("Salaries", "export needs a second factor")]
    )
    assert len(lock) == 9
    assert {str(one.id) for one in gone} == {
        "Salaries / subsidiaries: eve view branch_salary",
        *(f"Salaries / export needs a second factor: {who} export eve_salary" for who in ("eve", "max", "hanna")),
    }
    assert lock.weakened_by(changed("principals: [ada, eve]", "principals: [ada]")) == ()


@pytest.mark.parametrize(
    "release",
    [
        Release("salaries", "subsidiaries"),
        Release("Salaries", "subsidiary"),
        Release("Salaries", "subsidiaries", action="edit"),
        Release("*", "subsidiaries"),
        Release("Sal*", "subsidiaries"),
    ],
)
def test_a_release_that_names_nothing_is_an_error_that_names_the_nearest(release: Release) -> None:
    with pytest.raises(UsageError) as error:
        Lock.of(STANDARD).release([release])
    assert "names no locked assertion" in error.value.message
    assert "Salaries / subsidiaries: " in error.value.hint


def test_releases_are_read_from_yaml() -> None:
    text = "releases:\n  - suite: a\n    test: b\n    action: view\n    reason: the rule is gone\n"
    assert parse_releases(text, "r.yaml") == (Release("a", "b", action="view", reason="the rule is gone"),)


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("releases: [", "line 2", "r.yaml"),
        ("", "r.yaml", "empty"),
        ("- a\n", "r.yaml:1", "a mapping belongs here"),
        ("releases: []\n", "r.yaml:1", "at least one"),
        ("release:\n  - suite: a\n", "r.yaml:2", "unknown key 'release'"),
        ("releases:\n  - suite: a\n    test: b\n", "r.yaml:2", "needs reason"),
        ("releases:\n  - suite: a\n    test: b\n    reason: ''\n", "r.yaml:4", "not empty"),
        ("releases:\n  - suite: a\n    tests: b\n    reason: c\n", "r.yaml:3", "did you mean 'test'?"),
        ("releases:\n  - suite: a\n    test: '*'\n    reason: c\n", "r.yaml:2", "exact names"),
        ("releases:\n  - suite: a\n    test: [b]\n    reason: c\n", "r.yaml:3", "test is a text"),
        ("releases:\n  - suite: a\n    suite: a\n    test: b\n    reason: c\n", "r.yaml:3", "twice"),
    ],
)
def test_a_bad_release_file_is_named_with_its_line(text: str, where: str, what: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_releases(text, "r.yaml")
    assert where in error.value.message
    assert what in error.value.message


# --- broken to begin with --------------------------------------------------------------------------------------------


def test_what_is_broken_is_locked_as_far_as_it_can_be_read() -> None:
    """A fixture that is nowhere is a part that is not known: it fits whatever is supplied, under the same names."""
    without_ada = changed("  ada:\n    id: ada\n    roles: [auditor]\n", "", "testdata/principals.yaml")
    lock = Lock.of(without_ada)
    assert len(lock) == 13
    assert {one.id.principal for one in lock.unexaminable} == {"ada"}
    assert all(one.broken for one in lock)
    supplied = changed("roles: [auditor]", "roles: [guest]", "testdata/principals.yaml")
    assert lock.weakened_by(supplied) == ()
    (lost, *_) = lock.weakened_by(changed("name: subsidiaries", "name: others", bundle=supplied))
    assert (lost.test, lost.principal, lost.how) == ("subsidiaries", "ada", "gone")
    assert lost.after == "it is 'others' in 'Salaries'"


def test_an_unreadable_line_leaves_the_rest_locked() -> None:
    torn = changed("    roles: [employee, hr]", "    roles: [employee, hr", "testdata/principals.yaml")
    lock = Lock.of(torn)
    (hanna,) = [one for one in lock if one.id.principal == "hanna"]
    assert not hanna.known
    assert hanna.demand.effect == "EFFECT_ALLOW"
    assert lock.weakened_by(STANDARD) == ()
    other_id = changed("id: hanna", "id: root", "testdata/principals.yaml")
    (lost,) = lock.weakened_by(other_id)
    assert (lost.how, lost.before, lost.after) == ("principal changed", "id: hanna", "id: root")


def test_an_unreadable_expectation_is_no_denial() -> None:
    torn = changed("actions: {export: EFFECT_ALLOW}", "actions: {export: EFFECT_ALLOW")
    lock = Lock.of(torn)
    export = {one.id.principal: one.demand.effect for one in lock if one.id.action == "export"}
    assert export == {"eve": "", "max": "", "hanna": ""}
    assert lock.weakened_by(STANDARD) == ()
    dropped = changed("principalGroups: [staff]", "principals: [hanna]")
    assert {one.principal for one in lock.weakened_by(dropped)} == {"eve", "max"}


def test_a_repair_that_passed_is_locked_in_full() -> None:
    without_ada = changed("  ada:\n    id: ada\n    roles: [auditor]\n", "", "testdata/principals.yaml")
    lock = Lock.of(without_ada).joined_by(STANDARD, frozenset(one.id for one in Lock.of(STANDARD)))
    assert len(lock) == 13
    assert lock.unexaminable == ()
    supplied = changed("roles: [auditor]", "roles: [guest]", "testdata/principals.yaml")
    assert {one.how for one in lock.weakened_by(supplied)} == {"principal changed"}


def test_what_was_broken_may_stay_broken_for_now_but_what_ran_may_not_break() -> None:
    twice = Bundle(
        {**STANDARD.files, SUITE: STANDARD[SUITE].replace("name: subsidiaries", "name: approval and audits")}
    )
    half = changed("grade: 3}\n", "grade: 3}\n          - action: view\n            expected: []\n", bundle=twice)
    assert Lock.of(twice).weakened_by(half) == ()
    assert {one.how for one in Lock.of(STANDARD).weakened_by(twice)} == {"unreachable"}


def test_a_broken_copy_does_not_stand_for_a_test_that_ran() -> None:
    copy = {SUITE: "name: x\n", "copy_test.yaml": STANDARD[SUITE] + "oops: 1\n"}
    assert len(Lock.of(STANDARD).weakened_by(Bundle({**STANDARD.files, **copy}))) == 13


# --- hostile files ---------------------------------------------------------------------------------------------------

HOSTILE = {
    "deep flow": "[" * 100_000,
    "deep blocks": "".join(" " * n + "a:\n" for n in range(1_000)),
    "deep lists": "- " * 100_000 + "a",
    "aliases that swell": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)),
    "an alias of itself": "tests: &a [*a]\n",
    "spaces": "a" + " " * 500_000 + "b: [\n",
    "colons": ":" * 200_000 + "\n- [",
    "quotes": '"' * 100_001,
    "digits": f"name: {'9' * 100_000}\n",
    "broken lines": "- [\n" * 20_000,
    "broken entries": "k: [\n" * 20_000,
    "nothing": "",
    "control characters": "name: \x01\n",
    "a list": "[1, 2]\n",
    "text": "hello\n",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_suite_is_only_a_broken_suite(text: str) -> None:
    candidate = Bundle({**STANDARD.files, SUITE: text})
    found = Lock.of(STANDARD).weakened_by(candidate)
    assert {one.how for one in found} <= {"unreachable", "ambiguous", "gone"}
    assert len(found) == 13
    Lock.of(candidate)


def test_a_product_of_any_size_is_not_spelled_out() -> None:
    names = [f"n{n}" for n in range(200)]
    tests = {"principals": names, "resources": names, "actions": names}
    text = f"name: big\ntests:\n- name: t\n  input: {tests}\n  expected: []\n".replace("'", '"')
    big = Bundle({"big_test.yaml": text})
    with pytest.raises(UsageError, match=f"{MAX_ASSERTIONS:,}"):
        Lock.of(big)
    assert len(compare(STANDARD, Bundle({SUITE: text}))) == 13


def test_the_first_difference_is_said_exactly() -> None:
    found = compare(STANDARD, changed("roles: [employee, manager]", "roles: [admin]", "testdata/principals.yaml"))
    assert found[0] == Weakened(
        *("Salaries", "own and managed records", "max", "eve_salary", "view"),
        how="principal changed",
        before="roles: [employee, manager]",
        after="roles: [admin]",
    )


def test_policies_are_not_in_the_lock() -> None:
    assert compare(compiled(STANDARD), STANDARD) == ()


# --- every way to tear a line ----------------------------------------------------------------------------------------


def torn_lines(line: str) -> Iterator[str]:
    yield from (f"  {line}", f" {line}", f"\t{line}", f'{line}"', f"{line}\n{line}", "")
    yield from (line[n:] for n in (1, 2) if line.startswith(" " * n))
    yield from (line.replace(sign, "", 1) for sign in "[]{}:" if sign in line)
    if ":" in line:
        first = next(n for n, c in enumerate(line) if c.isalpha())
        yield from (line.replace(": ", ":", 1), line.replace(":", "x:", 1), line[:first] + line[first + 1 :])


@pytest.mark.sweep
@pytest.mark.parametrize("path", STANDARD)
def test_whatever_was_torn_may_be_mended(path: str) -> None:
    """Each line of a file torn in each way: where that breaks it, the file as it was before is as strong."""
    lines = STANDARD[path].split("\n")
    torn = 0
    for n, line in enumerate(lines):
        for other in torn_lines(line) if line.strip() else ():
            lock = Lock.of(Bundle({**STANDARD.files, path: "\n".join([*lines[:n], other, *lines[n + 1 :]])}))
            if all(one.broken for one in lock):
                torn += 1
                assert lock.weakened_by(STANDARD) == (), f"{path}:{n + 1}: {other}"
    assert torn > 20


@pytest.mark.sweep
def test_mending_is_no_licence() -> None:
    """However a line inside of one case is torn, the flip of an effect in another case is seen."""
    flipped = changed("actions: {audit: EFFECT_ALLOW}", "actions: {audit: EFFECT_DENY}")
    lines = STANDARD[SUITE].split("\n")
    first, second = (n for n, line in enumerate(lines) if line.startswith("  - name: ") and n < 30)
    for n, line in list(enumerate(lines))[first + 1 : second]:
        for other in torn_lines(line):
            torn = Bundle({**STANDARD.files, SUITE: "\n".join([*lines[:n], other, *lines[n + 1 :]])})
            assert {one.action for one in Lock.of(torn).weakened_by(flipped)} >= {"audit"}, f"{n + 1}: {other}"
