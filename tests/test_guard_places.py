"""Which files Cerbos takes for suites and fixtures: our reading against the compiler's."""

import json

import pytest

from guard_oracle import look
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.guard import Lock
from policyloop.guard.canon import decode
from policyloop.layout import Kind, kind

SUITE = """name: s
tests:
  - name: t
    input: {principals: [p], resources: [r], actions: [view], auxData: a}
    expected:
      - principal: p
        resource: r
        actions: {view: EFFECT_ALLOW}
"""
RESOURCES = "resources:\n  r: {id: r, kind: doc}\n"
AUX_DATA = "auxData:\n  a: {jwt: {from: %s}}\n"


def principals(named: str) -> str:
    return f"principals:\n  p: {{id: {named}, roles: [u]}}\n"


def as_json(named: str) -> str:
    return json.dumps({"principals": {"p": {"id": named, "roles": ["u"]}}})


BESIDE = {
    "json goes before yaml": {"principals.json": as_json("json"), "principals.yaml": principals("yaml")},
    "yaml goes before yml": {"principals.yml": principals("yml"), "principals.yaml": principals("yaml")},
    "the first name in byte order": {"principals.aaa.yaml": principals("aaa"), "principals.yaml": principals("yaml")},
    "capitals before small letters": {"principals.YAML": principals("YAML"), "principals.yaml": principals("yaml")},
    "what cannot be read is passed over": {"principals.txt.bak": "?", "principals.yaml": principals("yaml")},
    "auxdata before auxData": {"auxdata.yml": AUX_DATA % "first", "auxData.yaml": AUX_DATA % "second"},
    "auxData before aux_data": {"auxData.yml": AUX_DATA % "second", "aux_data.json": '{"auxData": {"a": {}}}'},
    "aux_data": {"aux_data.yaml": AUX_DATA % "third"},
}


@pytest.mark.parametrize("beside", BESIDE.values(), ids=BESIDE)
def test_the_fixture_file_that_is_taken(beside: dict[str, str], cerbos: Runner) -> None:
    given = {"principals.yaml": principals("x"), "resources.yaml": RESOURCES}
    given |= {} if any(name.startswith("aux") for name in beside) else {"auxdata.yaml": AUX_DATA % "x"}
    agree(cerbos, {"s_test.yaml": SUITE, **{f"testdata/{name}": text for name, text in {**given, **beside}.items()}})


@pytest.mark.parametrize("folder", ["a[bc]", "a*", "?b", "a[b", "a[^x]"])
def test_a_folder_whose_name_is_a_pattern(folder: str, cerbos: Runner) -> None:
    """Cerbos looks for the fixtures of such a folder wherever the pattern leads."""
    tests = {}
    for place in ("ab", "aa", "zz", folder):
        tests[f"{place}/testdata/principals.yaml"] = principals(f'"of {place}"')
        tests[f"{place}/testdata/resources.yaml"] = RESOURCES
        tests[f"{place}/testdata/auxdata.yaml"] = AUX_DATA % "x"
    agree(cerbos, {f"{folder}/s_test.yaml": SUITE, **tests})


def agree(cerbos: Runner, tests: dict[str, str]) -> None:
    """What is run, and with which principal and auxiliary data, is what we read; or neither can load it."""
    seen = look(cerbos, tests)
    assert seen is not None
    ours = {one.id: one for one in Lock.of(Bundle(tests)) if not one.broken}
    assert ours.keys() == seen.ran.keys()
    for one, asked in seen.ran.items():
        assert asked.inputs is not None
        inputs = ours[one].demand.inputs
        assert decode(inputs.principal)["id"] == asked.inputs["principal"]["id"]
        assert decode(inputs.aux_data).get("jwt", {}) == asked.inputs["auxData"].get("jwt", {})


def test_a_folder_in_the_place_of_a_fixture_file_breaks_the_suite(cerbos: Runner) -> None:
    tests = {
        "s_test.yaml": SUITE,
        "testdata/principals.yaml": principals("x"),
        "testdata/resources.yaml": RESOURCES,
        "testdata/auxdata.yaml": AUX_DATA % "x",
        "testdata/principals.json/in_it.json": "{}",
    }
    seen = look(cerbos, tests)
    assert seen is not None
    assert set(seen.broken) == {"s_test.yaml"}
    assert all("folder" in one.broken for one in Lock.of(Bundle(tests)))


WHOLE = SUITE.replace(", auxData: a", "") + principals("x") + RESOURCES
SUITES = {
    **dict.fromkeys(("a_test.yaml", "A_TEST.YAML", "a_test.Yml", ".h/a_test.yaml", ".a_test.yaml", "_test.yaml"), True),
    **dict.fromkeys(("_schemas/a_test.yaml", "_schemas/.x/a_test.yml", "TestData/a_test.yaml"), True),
    **dict.fromkeys(("testdata/a_test.yaml", "a/testdata/b/a_test.yaml", "_schemas/testdata/a_test.yaml"), False),
    **dict.fromkeys(("a_test.txt", "a_test"), False),
}


def test_the_files_that_are_suites(cerbos: Runner) -> None:
    for path, is_suite in SUITES.items():
        assert (kind(path) is Kind.SUITE) == is_suite, path
    seen = look(cerbos, dict.fromkeys(SUITES, WHOLE))
    assert seen is not None
    assert {one.file for one in seen.ran} == {path for path, is_suite in SUITES.items() if is_suite}
