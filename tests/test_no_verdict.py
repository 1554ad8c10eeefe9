"""A compiler that does not come to an end says nothing about the policies: exit 8, never 3, no word of a verdict."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundles import FIXTURES
from command import policyloop
from policyloop.errors import Exit
from policyloop.findings import TIMEOUT, CompilerInfo, ErrorClass, Finding, Report
from policyloop.outcome import stopped

GREEN = FIXTURES / "bundles" / "green" / "policies"
NO_TIME = {"POLICYLOOP_CERBOS_TIMEOUT_SECONDS": "0.01", "POLICYLOOP_CERBOS_RUNNER": "native"}
COMPILER = CompilerInfo("0.55.0", "native", "sha256:0")


@pytest.mark.compiler
@pytest.mark.parametrize(
    "command",
    [("check", GREEN), ("check", GREEN, "--baseline", GREEN), ("lint", GREEN), ("mutate", GREEN)],
    ids=lambda words: " ".join(map(str, words[:1])),
)
def test_no_verdict_is_given(command: tuple[object, ...]) -> None:
    done = policyloop(*command, env=NO_TIME)
    assert done.code == 8, done
    assert "Nothing was judged" in done.err
    assert "POLICYLOOP_CERBOS_TIMEOUT_SECONDS" in done.err
    assert done.out == ""


_CODES = st.sampled_from([(TIMEOUT, ErrorClass.COMPILE), ("cel-check", ErrorClass.COMPILE), ("x", ErrorClass.TEST)])


@given(st.lists(_CODES, max_size=4))
def test_what_was_found_all_the_same_is_a_verdict(codes: list[tuple[str, ErrorClass]]) -> None:
    """One pass may end and find what is wrong, while the other does not end."""
    found = tuple(Finding(error_class=error_class, code=code, message="m") for code, error_class in codes)
    report = Report(COMPILER, found)
    others = [error_class for code, error_class in codes if code != TIMEOUT]
    if not codes:
        assert report.exit_code is Exit.GREEN
    elif not others:
        assert report.exit_code is Exit.ENVIRONMENT
        assert stopped("attempts_per_class", report, "m").exit_code is Exit.ENVIRONMENT
    else:
        assert report.exit_code in {Exit.COMPILE, Exit.TESTS}
        tests_alone = set(others) == {ErrorClass.TEST} and len(others) == len(codes)
        assert (report.exit_code is Exit.TESTS) == tests_alone
