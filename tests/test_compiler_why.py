"""Why an assertion failed: the filter that asks for the trace, and what is read out of it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler_cases import INFO, Case, run
from policyloop.bundle import Bundle
from policyloop.cerbos.read import read_report
from policyloop.cerbos.run import Runner, Trouble
from policyloop.cerbos.why import MAX_LINES, explain, filters_for
from policyloop.findings import AssertionId, ErrorClass, Finding, Report

POLICY = """apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: document
  version: default
  rules:
    - actions: [view]
      effect: EFFECT_ALLOW
      roles: [employee]
"""
ODD = [
    "plain",
    "a,b",
    "a;b",
    "a=b",
    "suite=x;test=y",
    "*",
    "**",
    "?",
    "[a-z]",
    "[!a]",
    "{a,b}",
    "back\\slash",
    "back\\\\, comma",
    " leading and trailing ",
    "  ",
    "\u00a0no-break\u00a0",
    "new\nline",
    "tab\there",
    "a:b",
    "a::b:*",
    "ünïcode",
    "e\u0301 combined",
    "emoji \U0001f600",
    "'quotes' \"both\"",
    "--flag",
    "@file",
    "-",
    "$HOME",
    "null",
    "x" * 300,
    "\u202eright to left",
    "\u2028",
    "\ufeff",
]


def finding(assertion: AssertionId) -> Finding:
    return Finding(error_class=ErrorClass.TEST, code="wrong-effect", message="x", assertion=assertion)


def failing_bundle(names: list[str]) -> Bundle:
    """A suite in which each name is a test, a principal, a resource and an action that fails, and another passes."""
    principals = {
        **{name: {"id": "p", "roles": ["intern"]} for name in names},
        "zz-passes": {"id": "p", "roles": ["x"]},
    }
    resources = {name: {"id": "r", "kind": "document"} for name in names}
    tests = [
        {
            "name": name,
            "input": {"principals": [name, "zz-passes"], "resources": [name], "actions": [name, "zz-passes"]},
            "expected": [{"principal": name, "resource": name, "actions": {name: "EFFECT_ALLOW"}}],
        }
        for name in names
    ]
    files = {"document.yaml": POLICY}
    for number, name in enumerate(names):
        suite = {"name": name, "principals": principals, "resources": resources, "tests": [tests[number]]}
        files[f"case{number:03}_test.json"] = json.dumps(suite)
    return Bundle(files)


def test_a_filter_lets_every_odd_name_through(cerbos: Runner) -> None:
    bundle = failing_bundle(ODD)
    with cerbos.stage(bundle) as staged:
        normal = staged.compile()
        report = read_report(INFO, normal, normal, bundle)
        assert len(report.findings) == len(ODD)
        for number in range(0, len(report.findings), 8):
            some = report.findings[number : number + 8]
            trace = staged.compile(verbose=True, filters=filters_for(some))
            explained = explain(Report(INFO, some), trace, None, bundle)
            assert all(one.why for one in explained.findings)
        one = report.findings[0]
        (only,) = read_report(INFO, *[staged.compile(filters=filters_for([one]))] * 2, bundle).findings
        assert only.assertion == one.assertion


def test_a_filter_narrows_to_what_failed(cerbos: Runner) -> None:
    bundle = failing_bundle(["alpha", "beta"])
    with cerbos.stage(bundle) as staged:
        normal = staged.compile()
        report = read_report(INFO, normal, normal, bundle)
        filtered = staged.compile(filters=filters_for(report.findings[:1]))
    assert [one.result.value for one in read_report(INFO, filtered, filtered, bundle).ran].count("failed") == 1


def test_no_filter_where_there_is_nothing_to_narrow_to() -> None:
    assert filters_for([]) == ()
    assert filters_for([Finding(error_class=ErrorClass.SYNTAX, code="unparsable", message="x")]) == ()
    assert filters_for([finding(AssertionId("f", "", "", "", "", ""))]) == ()


def test_a_filter_fits_on_a_command_line() -> None:
    many = [finding(AssertionId("f", "S", "T", f"principal-{n}", f"resource-{n}", "view")) for n in range(5000)]
    (filters,) = filters_for(many)
    assert len(filters) < 100_000
    assert filters == "suite=S;test=T;action=view"


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.text(), st.text()), min_size=1, max_size=5))
def test_a_filter_is_plain_text_of_five_dimensions(names: list[tuple[str, str]]) -> None:
    for value in filters_for(finding(AssertionId("f", a, b, a, b, a)) for a, b in names):
        assert value.isascii()
        assert value.isprintable()
        assert not set(value) & set(",*[]{}\\!'\"")
        for part in value.split(";"):
            dimension, _, glob = part.partition("=")
            assert dimension in ("suite", "test", "principal", "resource", "action")
            assert glob == glob.strip()
            assert glob


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("test-condition-error", "no such key: department; without strict evaluation an error counts as false"),
        ("test-strict-only", "fails in the strict pass only: strict evaluation turns an error into a denial"),
        ("test-normal-only", "fails in the normal pass only"),
        ("test-schema-rejects", "a JSON Schema rejected the input: [R.attr[/]: missing properties: 'level']"),
        ("test-no-policy", "no policy was found"),
        ("test-fails-expected-allow", 'no rule covers the action "view" for the roles of this principal'),
        ("test-fails-expected-deny", "rule rule-001 (EFFECT_ALLOW, document.yaml:6) applied: it has no condition"),
        ("test-principal-policy", "rule fridays (EFFECT_DENY, ana.yaml:8) applied"),
        ("test-role-policy", "what a role policy does not list is denied"),
        ("test-scopes", "rule rule-001 (EFFECT_DENY, acme.yaml:7) in scope acme applied"),
        ("test-derived-roles", "derived role owner is not given"),
        ("test-variable-error", "V.senior = P.attr.level > 3 has no value"),
        ("test-output-differs", 'expected {"level": 4, "who": "ana"}, got {"level": 3, "who": "ana"}'),
    ],
)
def test_the_recorded_reasons_name_the_cause(name: str, words: str) -> None:
    """The goldens are compared with the real compiler's traces by test_compiler_cases."""
    (found,) = json.loads(Case(name).golden.read_text())["findings"]
    assert any(words in line for line in found["why"])


def test_a_condition_shared_by_two_actions_is_told_for_both() -> None:
    view, edit, _ = json.loads(Case("test-many-actions").golden.read_text())["findings"]
    assert view["why"] == edit["why"]
    assert "  R.attr.owner == P.attr.name gave false" in edit["why"]


def test_a_broken_trace_says_less_and_changes_nothing(cerbos: Runner) -> None:
    case = Case("test-two-outputs")
    bundle = case.bundle()
    report = read_report(INFO, *case.runs(cerbos), bundle)
    broken = [
        None,
        run("", None, trouble=Trouble.TIMEOUT),
        run("", 137),
        run("", 2, "panic: x"),
        run("nonsense", 4),
        run('{"suites": 5}', 4),
        run('{"suites": []}', 4),
    ]
    for trace in broken:
        assert explain(report, trace, trace, bundle) == report


def test_a_trace_of_another_shape_says_so(cerbos: Runner) -> None:
    case = Case("test-fails-expected-deny")
    bundle = case.bundle()
    normal, strict = case.runs(cerbos)
    report = read_report(INFO, normal, strict, bundle)
    data = json.loads(normal.stdout)
    details = data["suites"][0]["testCases"][0]["principals"][0]["resources"][0]["actions"][0]["details"]
    details["engineTraceBatch"] = {"definitions": [], "entries": [{"componentIndices": [7]}]}
    (found,) = explain(report, run(json.dumps(data), 4), None, bundle).findings
    assert found.why == ("the trace cannot be read: componentIndices: [7]",)


def test_an_explanation_is_bounded(cerbos: Runner) -> None:
    rules = "".join(
        f"    - actions: [view]\n      effect: EFFECT_ALLOW\n      roles: [employee]\n"
        f"      condition: {{match: {{expr: R.attr.owner == '{'x' * 600}{n}'}}}}\n"
        for n in range(60)
    )
    base = Case("test-fails-expected-allow").bundle()
    policy = POLICY.partition("    - actions")[0] + rules
    suite = base["document_test.yaml"].replace("intern", "employee")
    bundle = Bundle({"document.yaml": policy, "document_test.yaml": suite})
    with cerbos.stage(bundle) as staged:
        normal = staged.compile()
        report = read_report(INFO, normal, normal, bundle)
        (found,) = explain(report, staged.compile(verbose=True), None, bundle).findings
    assert len(found.why) == MAX_LINES + 1
    assert found.why[-1].endswith("more lines)")
    assert all(len(line) < 500 for line in found.why)
