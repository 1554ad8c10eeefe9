"""The exam: the locked assertions in suites of our own, put to the candidate's policies by the real compiler."""

import json
import random
from typing import Any

import pytest

from guard_cases import ROOT, compiled, pairs
from guard_models import files, random_model
from guard_oracle import POLICY, look, same
from policyloop.bundle import Bundle
from policyloop.cerbos.read import read_report
from policyloop.cerbos.run import Runner
from policyloop.effects import ALLOW
from policyloop.findings import Report
from policyloop.guard import Lock
from policyloop.guard.canon import decode
from policyloop.validators.judge import validate

STANDARD = compiled(next(pair for pair in pairs("kept") if pair.folder.name == "comments").baseline)


def examine(runner: Runner, lock: Lock, candidate: Bundle) -> Report:
    exam = lock.exam(candidate)
    with runner.stage(exam) as staged:
        return read_report(runner.info, staged.compile(), staged.compile(strict=True), exam)


def failed(runner: Runner, candidate: Bundle, baseline: Bundle = STANDARD) -> set[str]:
    lock = Lock.of(baseline)
    found = lock.exam_findings(examine(runner, lock, candidate))
    assert {one.code for one in found} <= {"lock-failed"}
    return {f"{one.assertion.principal} {one.assertion.action}" for one in found if one.assertion}


def policy(old: str, new: str, path: str = "salary.yaml") -> Bundle:
    assert old in STANDARD[path]
    return Bundle({**STANDARD.files, path: STANDARD[path].replace(old, new)})


def test_nothing_of_the_candidates_tests_is_in_the_exam() -> None:
    exam = Lock.of(STANDARD).exam(STANDARD)
    assert set(exam) - {"salary.yaml", "salary_acme.yaml", "salary_next.yaml"} == {
        "locked_assertions/exam_01_test.json"
    }
    assert "Salaries" not in exam["locked_assertions/exam_01_test.json"]


def test_the_exam_is_passed_by_policies_that_hold(cerbos: Runner) -> None:
    assert failed(cerbos, STANDARD) == set()
    only_policies = Bundle({path: text for path, text in STANDARD.files.items() if path.startswith("salary_")})
    assert failed(cerbos, Bundle({**only_policies.files, "salary.yaml": STANDARD["salary.yaml"]})) == set()


@pytest.mark.parametrize(
    ("old", "new", "path", "lost"),
    [
        ("request.resource.attr.grade}", "request.resource.attr.grade + 1.0}", "salary.yaml", {"max edit"}),
        ("jwt.mfa == true", "jwt.mfa == false", "salary.yaml", {"hanna export"}),
        ("now() <", "now() >", "salary.yaml", {"max approve"}),
        ("globals.audits == true", "globals.audits == false", "salary.yaml", {"ada audit"}),
        ("roles: [auditor]", "roles: [guest]", "salary_acme.yaml", {"ada view"}),
        ("roles: [employee]", "roles: [auditor]", "salary.yaml", {"eve view"}),
        ("actions: [view, edit]", 'actions: ["*"]', "salary.yaml", {"max export", "max audit"}),
    ],
    ids=["outputs", "auxData", "now", "globals", "scope search", "roles", "implicit denials"],
)
def test_each_part_of_a_demand_is_put(old: str, new: str, path: str, lost: set[str], cerbos: Runner) -> None:
    """A policy that is wrong in one respect fails just the assertions that are about it."""
    assert failed(cerbos, policy(old, new, path)) == lost


def test_no_policy_passes_nothing(cerbos: Runner) -> None:
    allowed = {f"{one.id.principal} {one.id.action}" for one in Lock.of(STANDARD) if one.demand.effect == ALLOW}
    assert failed(cerbos, Bundle({})) == allowed
    broken = Bundle({**STANDARD.files, "salary.yaml": "apiVersion: ["})
    lock = Lock.of(STANDARD)
    found = lock.exam_findings(examine(cerbos, lock, broken))
    assert len(found) == len(lock)
    assert all("did not run" in one.message for one in found)


def test_demands_that_contradict_each_other_cannot_both_pass(cerbos: Runner) -> None:
    suite = STANDARD["salary_test.yaml"]
    other = suite.replace("edit: EFFECT_DENY", "edit: EFFECT_ALLOW")
    both = Bundle({**STANDARD.files, "other_test.yaml": other})
    assert failed(cerbos, STANDARD, both) == {"eve edit"}


def test_the_exams_folder_gives_way() -> None:
    taken = Bundle({**STANDARD.files, "Locked_Assertions/exam_01_test.json/x.yaml": "a: b\n"})
    exam = Lock.of(STANDARD).exam(taken)
    (path,) = (path for path in exam if path.endswith("_test.json"))
    assert path == "locked_assertions_/exam_01_test.json"


def test_what_could_not_be_read_is_not_put(cerbos: Runner) -> None:
    path = "testdata/principals.yaml"
    torn = Bundle({**STANDARD.files, path: STANDARD[path].replace("[auditor]", "[auditor")})
    lock = Lock.of(torn)
    assert {one.id.principal for one in lock.unexaminable} >= {"ada"}
    assert len(lock.unexaminable) < len(lock)
    assert failed(cerbos, STANDARD, torn) == set()


# --- what it writes is what it read ----------------------------------------------------------------------------------

ODD: list[Any] = [
    *(
        "",
        " ",
        "é",
        "\U0001f600",
        "a\tb\nc\rd",
        "\\",
        '"',
        "'",
        "\x00\x01\x1b\x7f",
        "\u2028\x85",
        "1",
        "null",
        "~",
        "# x",
    ),
    *(0, -0.0, 1e22, -1e22, 1.5e-7, 1e-300, 123456789012345678, 0.1, True, False, None, [], {}, [[1], {"": [None]}]),
]


def come_through(cerbos: Runner, lock: Lock) -> None:
    """The exam demands what the lock does, and the compiler sees in it what we wrote."""
    exam = lock.exam(Bundle({"policy.yaml": POLICY}))
    again = {one.id: one.demand for one in Lock.of(exam)}
    assert set(again.values()) == {one.demand for one in lock}
    seen = look(cerbos, dict(exam.files))
    assert seen is not None
    assert seen.broken == {}
    assert seen.ran.keys() == again.keys()
    for one, asked in seen.ran.items():
        if asked.inputs is not None:
            written = decode(again[one].inputs.resource)
            assert same({"attr": {}, **written}, {"attr": {}, **asked.inputs["resource"]}), one


def test_odd_values_come_through(cerbos: Runner) -> None:
    resources = {f"r{n}": {"id": "r", "kind": "doc", "attr": {"v": value}} for n, value in enumerate(ODD)}
    test = {
        "name": "t",
        "input": {"principals": ["p"], "resources": list(resources), "actions": ["view"]},
        "expected": [{"principal": "p", "resources": list(resources), "actions": {"view": "EFFECT_ALLOW"}}],
    }
    principals = {"p": {"id": "p", "roles": ["u"]}}
    text = json.dumps({"name": "odd", "principals": principals, "resources": resources, "tests": [test]})
    lock = Lock.of(Bundle({"odd_test.json": text.replace("1e+22", "1.0e22").replace("1e-300", "1.0e-300")}))
    values = [decode(one.demand.inputs.resource)["attr"]["v"] for one in lock]
    assert all(map(same, values, ODD))
    come_through(cerbos, lock)


def test_random_suites_come_through(cerbos: Runner) -> None:
    written: dict[str, str] = {}
    for seed in range(60):
        rng = random.Random(seed)
        written |= files(random_model(rng, f"m{seed}/"), rng)
    come_through(cerbos, Lock.of(Bundle(written)))


# --- attacks ---------------------------------------------------------------------------------------------------------

GRADE = """apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: doc
  version: default
  rules:
    - actions: [view]
      effect: EFFECT_ALLOW
      roles: [user]
      condition:
        match:
          expr: "%s"
"""
SUITE = """name: %s
tests:
  - name: grade
    input: {principals: [p], resources: [r], actions: [view]}
    expected:
      - principal: p
        resource: r
        actions: {view: EFFECT_ALLOW}
"""
PRINCIPALS = "principals:\n  p:\n    id: p\n    roles: [user]\n    attr:\n"
PLAIN = PRINCIPALS + '      note: ""\n      k: 1\n'
ODDLY = PRINCIPALS + '      note: |\n\n      "k": 1\n'
RESOURCES = "resources:\n  r: {id: r, kind: doc}\n"


def test_a_text_that_two_parsers_read_differently_falls_at_the_third_wall(cerbos: Runner) -> None:
    """The baseline already holds a file that libyaml reads otherwise than Cerbos does. A model moves it to where our
    reading of it is just what is locked, and makes a policy for Cerbos's reading: green, and past two walls.
    """
    baseline = Bundle(
        {
            "doc.yaml": GRADE % "P.attr.k == 1 || has(P.attr.note)",
            "a_test.yaml": SUITE % "a",
            "testdata/principals.yaml": PLAIN,
            "testdata/resources.yaml": RESOURCES,
            "b/b_test.yaml": SUITE % "b",
            "b/testdata/principals.yaml": ODDLY,
            "b/testdata/resources.yaml": RESOURCES,
        }
    )
    candidate = Bundle({**baseline.files, "doc.yaml": GRADE % "!has(P.attr.k)", "testdata/principals.yaml": ODDLY})
    lock = Lock.of(baseline)
    assert validate(cerbos, baseline, lock=lock).findings == ()
    assert validate(cerbos, candidate).findings == ()
    assert lock.weakened_by(candidate) == ()
    found = validate(cerbos, candidate, lock=lock).findings
    assert [(one.code, one.file) for one in found] == [("lock-failed", "a_test.yaml")]


def test_a_suite_that_is_only_odd_stays_green(cerbos: Runner) -> None:
    """What a person wrote in a corner where the readings differ is no obstacle as long as nobody touches it."""
    bundle = Bundle(
        {
            "doc.yaml": GRADE % "!has(P.attr.k)",
            "b_test.yaml": SUITE % "b",
            "testdata/principals.yaml": ODDLY,
            "testdata/resources.yaml": RESOURCES,
        }
    )
    lock = Lock.of(bundle)
    assert len(lock.unexaminable) == len(lock) == 1
    assert validate(cerbos, bundle, lock=lock).findings == ()


def test_base_policies_are_the_ones_of_the_pairs() -> None:
    assert all(path in STANDARD for path in (one.name for one in (ROOT / "base" / "policies").iterdir()))
