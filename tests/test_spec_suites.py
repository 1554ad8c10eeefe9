"""Suites from decisions: on the real compiler, the same bytes every time, and no rule can be broken unseen."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyloop.bundle import Bundle, Write
from policyloop.cerbos.run import Runner
from policyloop.errors import UsageError
from policyloop.guard import Lock
from policyloop.specification import FOLDER, parse_spec, spec_of, spec_to_yaml, suites_from, trace
from policyloop.specification.case_request import same
from policyloop.validators.judge import validate
from specs import DECIDED, GOOD, Break, breaks, load, policies, shuffled


def with_suites(bundle: Bundle, suites: dict[str, str] | Any) -> Bundle:
    return bundle.apply(Write(path, text) for path, text in suites.items())


@pytest.mark.parametrize("case", GOOD, ids=lambda path: path.name)
def test_the_suites_of_a_worked_spec_are_green_and_every_decision_ran(cerbos: Runner, case: Path) -> None:
    spec = load(case / "spec.yaml")
    bundle = with_suites(policies(case), suites_from(spec))
    report = validate(cerbos, bundle, lock=Lock.of(bundle))
    assert report.findings == ()
    rows = trace(spec)
    assert {row.decision for row in rows} == {decision.id for decision in spec.decisions}
    assert {row.rule for row in rows} == {rule.id for rule in spec.rules}
    assert all(row.assertions for row in rows)
    proven = [name for row in rows for name in row.assertions]
    assert set(proven) == report.passed_in_both()
    assert len(proven) == len(set(proven)) == len(Lock.of(bundle))


BREAKS = [(case, one) for case in GOOD for one in breaks(case)]


@pytest.mark.parametrize(("case", "broken"), BREAKS, ids=[f"{case.name}-{n}" for n, (case, _) in enumerate(BREAKS)])
def test_breaking_a_rule_fails_a_test(cerbos: Runner, case: Path, broken: Break) -> None:
    spec = load(case / "spec.yaml")
    bundle = with_suites(policies(case).apply([broken.edit]), suites_from(spec))
    with cerbos.stage(bundle) as staged:
        run = staged.compile()
    assert run.exit_code == 4
    failed = {
        (suite["file"], test["name"], principal["name"], resource["name"], action["name"])
        for suite in json.loads(run.stdout)["suites"]
        for test in suite["testCases"]
        for principal in test["principals"]
        for resource in principal["resources"]
        for action in resource["actions"]
        if action["details"]["result"] == "RESULT_FAILED"
    }
    known = {(a.file, a.test, a.principal, a.resource, a.action) for row in trace(spec) for a in row.assertions}
    assert failed
    assert failed <= known


@pytest.mark.parametrize("case", GOOD, ids=lambda path: path.name)
def test_every_rule_of_a_worked_spec_is_broken_in_some_way(case: Path) -> None:
    assert {one.rule for one in breaks(case)} == {rule.id for rule in load(case / "spec.yaml").rules}


@pytest.mark.parametrize("case", GOOD, ids=lambda path: path.name)
def test_the_bytes_do_not_depend_on_the_run_or_on_the_order_of_keys(case: Path) -> None:
    spec = load(case / "spec.yaml")
    suites = suites_from(spec)
    assert suites == suites_from(load(case / "spec.yaml"))
    assert list(suites) == sorted(suites)
    for seed in range(5):
        other = spec_of(shuffled(spec.plain(), random.Random(seed)))
        assert dict(suites_from(other)) == dict(suites)
        assert trace(other) == trace(spec)
    assert dict(suites_from(parse_spec(spec_to_yaml(spec)))) == dict(suites)


@pytest.mark.parametrize("case", GOOD, ids=lambda path: path.name)
def test_a_suite_says_where_it_comes_from(case: Path) -> None:
    spec = load(case / "spec.yaml")
    suites = suites_from(spec)
    assert all(text.startswith("# yaml-language-server: $schema=https://api.cerbos.dev/") for text in suites.values())
    assert all(path.startswith(f"{FOLDER}/") for path in suites)
    text = "".join(suites.values())
    for decision in spec.decisions:
        assert f"# Decision {decision.id}" in text
    for rule in spec.rules:
        assert f"# Rule {rule.id}\n" in text
        assert f'"{rule.id}' in text


@pytest.mark.sweep
@given(DECIDED, st.integers())
@settings(max_examples=80, deadline=None)
def test_the_suites_of_any_spec_demand_its_decisions_and_nothing_else(data: dict[str, Any], seed: int) -> None:
    spec = spec_of(data)
    suites = suites_from(spec)
    lock = Lock.of(Bundle(suites))
    decided = {name: spec.decision(row.decision) for row in trace(spec) for name in row.assertions}
    assert {one.id for one in lock} == set(decided)
    assert len(lock) == len(decided) == sum(len(decision.actions) for decision in spec.decisions)
    for one in lock:
        decision = decided[one.id]
        assert decision is not None
        assert not one.broken
        assert (one.id.principal, one.id.resource) == (decision.principal, decision.resource)
        assert one.id.action in decision.actions
        assert one.demand.effect == {"allow": "EFFECT_ALLOW", "deny": "EFFECT_DENY"}[decision.expect]
        inputs = one.demand.inputs
        assert same(json.loads(inputs.principal)["attr"], data["examples"]["principals"][decision.principal]["attr"])
        assert json.loads(inputs.options)["now"] == decision.now
        assert same(json.loads(inputs.options).get("globals", {}), decision.globals)
    assert dict(suites_from(spec_of(shuffled(data, random.Random(seed))))) == dict(suites)


NASTY = [
    *("yes", "on", "null", "~", "", " ", "1e3", "0x10", "007", "1_000", ".inf", "2026-01-31", "2026-01-31T08:00:00Z"),
    *("a: b", "a #b", "- a", "x ", "'", '"', "\\", "{a}", "[a]", "%a", "@a", "`", "&a", "*a", "!a", "|", ">", "?"),
    *(
        "a\nb",
        "a\r\nb",
        "\t",
        "é",
        "日本",
        "😀",
        "\u00a0",
        "\u2028",
        "\ufeff",
        "\x7f",
        "\u200b",
        "=",
        "<<",
        "a,b",
        "---",
    ),
]


def test_the_compiler_reads_what_the_spec_says(cerbos: Runner) -> None:
    """Names and values that other readers of YAML take for something else come back from a policy as they were."""
    attr = {"texts": NASTY, "numbers": [0, -1, 1.5, 1e15, 1e-7, 2**53, -0.25], "flags": [True, False, None]}
    attr["keys"] = {text: n for n, text in enumerate(NASTY) if text}
    attr["deep"] = {"empty": {}, "none": [], "list": [[1], {"a": []}]}
    kind, action, role, who = "a: kind #1", "on", "no", "p, 1"
    rule = {"id": "echo", "subject": [role], "actions": [action], "resource": kind, "decision": "allow"}
    types = {"texts": "list", "numbers": "list", "flags": "list", "keys": "map", "deep": "map"}
    spec = spec_of(
        {
            "version": 1,
            "request": "r",
            "roles": {role: "r"},
            "resources": {kind: {"actions": [action], "attributes": {key: {"type": types[key]} for key in types}}},
            "rules": [{**rule, "condition": "always", "purpose": "a\nb # c"}],
            "examples": {"principals": {who: {"roles": [role]}}, "resources": {"yes": {"kind": kind, "attr": attr}}},
            "decisions": [
                {
                    "id": "d",
                    "rule": "echo",
                    "principal": who,
                    "resource": "yes",
                    "expect": "allow",
                    "outputs": [{"value": attr}],
                }
            ],
        }
    )
    policy = {
        "apiVersion": "api.cerbos.dev/v1",
        "resourcePolicy": {
            "resource": kind,
            "version": "default",
            "rules": [
                {
                    "name": "echo",
                    "actions": [action],
                    "effect": "EFFECT_ALLOW",
                    "roles": [role],
                    "output": {"when": {"ruleActivated": "R.attr"}},
                }
            ],
        },
    }
    files = {"policy.json": json.dumps(policy), **suites_from(spec)}
    assert validate(cerbos, Bundle(files)).findings == ()
    (reading,) = Lock.of(Bundle(files))
    assert json.loads(reading.demand.inputs.resource)["attr"] == attr
    assert parse_spec(spec_to_yaml(spec)) == spec


DECISION = {"id": "d", "rule": "r", "principal": "p", "resource": "x", "expect": "allow"}
RULE = {"id": "r", "subject": ["a"], "actions": ["do"], "resource": "k"}
WHOLE = {"version": 1, "request": "r", "rules": [RULE]}
EXAMPLES = {"principals": {"p": {"roles": ["a"]}}, "resources": {"x": {"kind": "k"}}}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({**WHOLE, "decisions": [DECISION]}, "decision 1 `d` names something that is not there"),
        ({**WHOLE, "decisions": [{**DECISION, "rule": "z"}], "examples": EXAMPLES}, "decision 1 `d` names something"),
        ({**WHOLE, "decisions": [DECISION, DECISION], "examples": EXAMPLES}, "two decisions are called `d`"),
        ({**WHOLE, "rules": [RULE, RULE], "decisions": [DECISION], "examples": EXAMPLES}, "two rules are called `r`"),
        (
            {**WHOLE, "decisions": [DECISION, {**DECISION, "id": "e", "expect": "deny"}], "examples": EXAMPLES},
            "decision `e` is the same request as another, with the other effect",
        ),
    ],
)
def test_no_suite_is_written_from_a_spec_that_is_not_sound(data: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        suites_from(spec_of(data))
    with pytest.raises(UsageError, match=message):
        trace(spec_of(data))


def test_a_test_holds_no_more_than_was_decided() -> None:
    """A case is a cross product: what nobody decided must not become a demand."""
    examples = {
        "principals": {name: {"roles": ["a"]} for name in "pqr"},
        "resources": {name: {"kind": "k"} for name in "xyz"},
    }
    cells = [("p", "x"), ("p", "y"), ("q", "x"), ("q", "y"), ("r", "z"), ("p", "z")]
    decisions = [
        {**DECISION, "id": f"d{n}", "principal": who, "resource": what, "expect": "deny" if n % 2 else "allow"}
        for n, (who, what) in enumerate(cells)
    ]
    spec = spec_of({**WHOLE, "examples": examples, "decisions": decisions})
    lock = Lock.of(Bundle(suites_from(spec)))
    assert sorted((one.id.principal, one.id.resource) for one in lock) == sorted(cells)
    assert {one.id.test for one in lock} == {"r: d0", "r: d4"}


def test_resources_whose_names_look_alike_get_files_of_their_own() -> None:
    kinds = ["a/b", "a:b", "A_b", "../up", ".hidden", "日本"]
    rules = [{**RULE, "id": f"r{n}", "resource": kind} for n, kind in enumerate(kinds)]
    examples = {**EXAMPLES, "resources": {f"x{n}": {"kind": kind} for n, kind in enumerate(kinds)}}
    decisions = [{**DECISION, "id": f"d{n}", "rule": f"r{n}", "resource": f"x{n}"} for n in range(len(kinds))]
    suites = suites_from(spec_of({**WHOLE, "rules": rules, "examples": examples, "decisions": decisions}))
    Bundle({}).apply(Write(path, text) for path, text in suites.items())
    assert sum(path.endswith("_spec_test.yaml") for path in suites) == len(kinds)
