"""Tests that a request asks for are looked for before a run is green."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundles import FIXTURES, read
from command import policyloop, speaker
from policyloop.asked_tests import AskedFor, asked_tests, missing_tests
from policyloop.cerbos.run import Runner
from policyloop.findings import ErrorClass
from policyloop.validators.judge import validate

GREEN = FIXTURES / "bundles" / "green"


@pytest.mark.parametrize(
    ("request_", "suites", "folders", "outside"),
    [
        ("Write native tests in policies/tests/invoice_test.yaml.", ("tests/invoice_test.yaml",), (), ()),
        ("Add `a_test.yml` and b/c_test.json, please", ("a_test.yml", "b/c_test.json"), (), ()),
        ("Write native tests in policies/tests/ for all of it", (), ("tests",), ()),
        ("tests under checks/more, and tests in policies/ too", (), ("checks/more", ""), ()),
        ("Put the tests into ../elsewhere/x_test.yaml", (), (), ("../elsewhere/x_test.yaml",)),
        ("Put the tests into /etc/x_test.yaml.", (), (), ("/etc/x_test.yaml",)),
        ("Managers approve. Nobody tests in production.", (), (), ()),
        ("Testers run tests/and/more on their own machines", (), (), ()),
        ("latest_test.yaml2 and my_tests.yaml are no suites", (), (), ()),
    ],
)
def test_what_is_asked_for(request_: str, suites: tuple[str, ...], folders: tuple[str, ...], outside: tuple[str, ...]):
    assert asked_tests(request_, "policies") == AskedFor(suites, folders, outside)


@given(st.text(max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_request_can_be_read(text: str) -> None:
    found = asked_tests(text, "policies")
    assert all(".." not in path and not path.startswith("/") for path in (*found.suites, *found.folders))


def test_a_suite_counts_only_when_its_tests_ran_and_passed(cerbos: Runner) -> None:
    bundle = read(GREEN)
    report = validate(cerbos, bundle)
    suites = sorted({one.id.file for one in report.ran})
    assert suites
    assert missing_tests(AskedFor((suites[0],)), bundle, report) == ()
    assert missing_tests(AskedFor((), ("",)), bundle, report) == ()
    lacking = missing_tests(AskedFor(("new_test.yaml",), ("no/such",)), bundle, report)
    assert [one.error_class for one in lacking] == [ErrorClass.TEST] * 2
    assert not report.with_findings(lacking).green


def test_a_run_is_not_green_before_they_are_there(tmp_path: Path, cerbos: Runner) -> None:
    """The model first writes a policy alone; it is told, and writes the suite."""
    policies = tmp_path / "policies"
    policies.mkdir()
    for path, text in read(GREEN).files.items():
        (policies / path).parent.mkdir(parents=True, exist_ok=True)
        (policies / path).write_text(text)
    suite = next(path for path in read(GREEN).files if path.endswith("_test.yaml"))
    text = read(GREEN)[suite].replace("name: ", "name: more ", 1)
    away = suite.rpartition("/")[0]
    fresh = f"{away}/fresh_test.yaml".lstrip("/")
    model = speaker([{"edits": [{"path": fresh, "content": text}], "note": "as asked"}], tmp_path)
    arguments = ("--no-spec", "--policies", policies, "--runner", "native", "--model-command", model)
    done = policyloop("run", f"Write more tests in policies/{fresh}", *arguments, "--format", "json")
    assert (done.code, done.json["outcome"]) == (0, "green"), done.out
    assert done.json["files_changed"] == [fresh]
    never = policyloop("run", "Write tests in policies/other_test.yaml", *arguments, "--format", "json")
    assert never.code == 4, never.out
    assert never.json["findings"][0]["code"] == "no-tests-asked-for"
