"""Whatever a compiler writes: nothing but `Unavailable` is raised, and only a JSON that says so is green."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compiler_cases import INFO, run
from policyloop.bundle import Bundle
from policyloop.cerbos.read import read_report
from policyloop.cerbos.run import CompilerRun, Trouble
from policyloop.cerbos.why import explain, filters_for
from policyloop.codes import codes
from policyloop.errors import Unavailable
from policyloop.findings import Report, Result

pytestmark = pytest.mark.sweep

BUNDLE = Bundle({"a.yaml": "resourcePolicy: {}\n", "a_test.yaml": "tests:\n  - name: T\n    expected: []\n"})

GREEN = """
{"suites": [{"file": "a_test.yaml", "name": "A", "summary": {"overallResult": "RESULT_PASSED", "testsCount": 2},
  "testCases": [{"name": "T", "principals": [{"name": "p", "resources": [{"name": "r", "actions": [
    {"name": "view", "details": {"result": "RESULT_PASSED", "success": {"effect": "EFFECT_ALLOW"}}},
    {"name": "edit", "details": {"result": "RESULT_PASSED", "success": {"effect": "EFFECT_DENY"}}}]}]}]}]}],
 "summary": {"overallResult": "RESULT_PASSED", "testsCount": 2}}
"""
VOCABULARY = """
lintErrors compileErrors suites summary overallResult file name error error_details description position line
column path message kind context errors load_failures missing_imports missing_scope_details descendants testCases
principals resources actions details result failure expected actual outputs success effect skipReason
engineTraceBatch definitions entries componentIndices event status KIND_ACTION KIND_RULE KIND_EXPR action rule expr
RESULT_PASSED RESULT_FAILED RESULT_ERRORED RESULT_SKIPPED EFFECT_ALLOW EFFECT_DENY a.yaml a_test.yaml T
"""
WORDS = st.sampled_from(VOCABULARY.split())
NOTEWORTHY = st.sampled_from(["error", "failure", "lintErrors", "compileErrors", "principals", "news"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | WORDS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=5), max_leaves=25
)
ACTION = st.fixed_dictionaries({"name": st.text(max_size=5), "details": VALUES | st.dictionaries(WORDS, VALUES)})
SUITE = st.builds(
    lambda actions, extra: {
        "file": "a_test.yaml",
        "name": "A",
        "testCases": [{"name": "T", "principals": [{"name": "p", "resources": [{"name": "r", "actions": actions}]}]}],
        **extra,
    },
    st.lists(ACTION, max_size=3),
    st.dictionaries(WORDS, VALUES, max_size=2),
)
JSONS = VALUES | st.dictionaries(WORDS, VALUES) | st.fixed_dictionaries({"suites": st.lists(SUITE), "summary": VALUES})
STDOUT = st.binary(max_size=200) | JSONS.map(lambda value: json.dumps(value).encode())
RUNS = st.builds(
    run,
    STDOUT,
    st.sampled_from([0, 0, 0, 1, 2, 3, 3, 4, 4, 5, 126, 137, -9, None]) | st.integers(-64, 255),
    st.text(max_size=80) | st.just("panic: boom"),
    trouble=st.sampled_from([None, None, None, *Trouble]),
)
EXPLAINED = {code.name for code in codes() if code.kind == "compiler"}
RELAXED = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@RELAXED
@given(normal=RUNS, strict=RUNS, require=st.booleans())
def test_only_a_json_that_says_so_is_green(normal: CompilerRun, strict: CompilerRun, *, require: bool) -> None:
    try:
        report = read_report(INFO, normal, strict, BUNDLE, require_tests=require)
    except Unavailable:
        return
    if report.green:
        for one in (normal, strict):
            assert says_well(one)
        if require:
            assert report.tally.ran
    check_shape(report)


@RELAXED
@given(RUNS, RUNS, RUNS, RUNS)
def test_an_explanation_never_changes_the_verdict(
    normal: CompilerRun, strict: CompilerRun, trace: CompilerRun, strict_trace: CompilerRun
) -> None:
    try:
        report = read_report(INFO, normal, strict, BUNDLE)
    except Unavailable:
        return
    filters_for(report.findings)
    for traces in ((trace, strict_trace), (normal, strict), (None, None)):
        explained = explain(report, *traces, BUNDLE)
        assert [f.message for f in explained.findings] == [f.message for f in report.findings]
        check_shape(explained)


@RELAXED
@given(st.data())
def test_a_green_json_with_one_thing_replaced(data: st.DataObject) -> None:
    one = run(json.dumps(replaced(data, json.loads(GREEN))), data.draw(st.sampled_from([0, 0, 0, 3, 4])))
    for pair in ((one, run(GREEN)), (run(GREEN), one)):
        report = read_report(INFO, *pair, BUNDLE)
        assert not report.green or says_well(one)
        check_shape(report)


def replaced(data: st.DataObject, tree: Any) -> Any:
    """`tree` with something else in one place, any place alike: another value, a thing that is gone, or a key more."""
    path = data.draw(st.sampled_from(list(paths(tree))))
    return changed(tree, path, data)


def paths(tree: Any, here: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield here
    if isinstance(tree, dict | list):
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from paths(value, (*here, key))


def changed(tree: Any, path: tuple[str | int, ...], data: st.DataObject) -> Any:
    if not path:
        if isinstance(tree, dict) and data.draw(st.booleans()):
            return {**tree, data.draw(NOTEWORTHY | WORDS): data.draw(st.just("x") | VALUES)}
        return data.draw(WORDS | VALUES)
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    if len(path) == 1 and data.draw(st.booleans()):
        del copy[path[0]]
    else:
        copy[path[0]] = changed(tree[path[0]], path[1:], data)
    return copy


def says_well(one: CompilerRun) -> bool:
    """Whether a run, read by other means than ours, says that nothing is wrong."""
    data = json.loads(one.stdout)
    try:
        well = one.exit_code == 0 and one.trouble is None and not {"lintErrors", "compileErrors"} & data.keys()
        return well and not is_bad(data["summary"]) and all(map(ran_well, data.get("suites") or []))
    except (TypeError, KeyError, AttributeError):
        return False


def is_bad(summary: dict[str, Any]) -> bool:
    return summary.get("overallResult") not in (None, "RESULT_PASSED", "RESULT_SKIPPED")


def ran_well(suite: dict[str, Any]) -> bool:
    results = [
        action["details"]
        for case in suite.get("testCases") or []
        for principal in case.get("principals") or []
        for resource in principal.get("resources") or []
        for action in resource.get("actions") or []
    ]
    return not suite.get("error") and all(
        details["result"] == "RESULT_SKIPPED" or (details["result"] == "RESULT_PASSED" and details["success"]["effect"])
        for details in results
    )


def check_shape(report: Report) -> None:
    order = [(f.error_class.rank, f.file or "", f.line or 0, f.column or 0, f.message) for f in report.findings]
    assert order == sorted(order)
    for finding in report.findings:
        assert finding.code in EXPLAINED
        assert finding.message
        assert all(line.isprintable() for line in (finding.message, *finding.why))
        assert len(finding.message) < 10_000
        json.dumps(finding.message).encode()
    assert all((one.effect is None) or one.result is not Result.SKIPPED for one in report.ran)
