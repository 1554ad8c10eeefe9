"""The demo, the small bundles and the generated ones, asked of the real compiler without any of our own reading."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bundles import BROKEN, DEMO, SMALL, read, recording, synthetic, write
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.layout import Kind, kind


def raw(cerbos: Runner, bundle: Bundle) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the compiler prints in the normal and in the strict pass."""
    with cerbos.stage(bundle) as staged:
        return json.loads(staged.compile().stdout), json.loads(staged.compile(strict=True).stdout)


def results(output: dict[str, Any]) -> Counter[str]:
    """How many assertions had which result in one pass."""
    counts = output.get("summary", {}).get("resultCounts", [])
    return Counter({one["result"]: one["count"] for one in counts})


def raw_class(cerbos: Runner, bundle: Bundle) -> str:
    """The class to fix first, from the compiler's output and a YAML reader alone; `green` when there is none."""
    normal, strict = raw(cerbos, bundle)
    if "lintErrors" in normal:
        failed = [one["file"] for one in normal["lintErrors"].get("load_failures", [])]
        if any(not parses(bundle[file]) for file in failed):
            return "syntax"
        return "schema" if failed else "compile"
    if "compileErrors" in normal:
        return "compile"
    passed = [set(results(output)) == {"RESULT_PASSED"} for output in (normal, strict)]
    return "green" if all(passed) else "test"


def parses(text: str) -> bool:
    try:
        YAML(typ="safe").load(text)
    except YAMLError:
        return False
    return True


def suites_touched(before: Bundle, after: Bundle) -> bool:
    return any(kind(path) in (Kind.SUITE, Kind.FIXTURE) for path in before.changed(after))


def test_the_demo_meets_all_classes_and_ends_green(cerbos: Runner) -> None:
    bundle, met, cheats = read(DEMO / "policies"), [], 0
    for one in recording(DEMO / "replies.yaml"):
        met.append(raw_class(cerbos, bundle))
        assert met[-1] == one.expect_class
        after = bundle.apply(one.proposal.edits)
        assert after != bundle
        if suites_touched(bundle, after):
            cheats += 1
        else:
            bundle = after
    assert list(dict.fromkeys(met)) == ["syntax", "schema", "compile", "test"]
    assert cheats == 1
    assert raw_class(cerbos, bundle) == "green"
    assert results(raw(cerbos, bundle)[0])["RESULT_PASSED"] == 82


def test_the_demo_holds_a_failure_that_only_strict_evaluation_shows(cerbos: Runner) -> None:
    bundle = read(DEMO / "policies")
    for one in recording(DEMO / "replies.yaml"):
        if one.expect_class == "test":
            break
        bundle = bundle.apply(one.proposal.edits)
    normal, strict = (results(output)["RESULT_FAILED"] for output in raw(cerbos, bundle))
    assert 0 < normal < strict


@pytest.mark.parametrize("name", sorted(path.parent.name for path in SMALL.glob("*/fix.yaml")))
def test_each_fix_leads_to_green_through_the_classes_it_names(cerbos: Runner, name: str) -> None:
    bundle = read(SMALL / name / "policies")
    for one in recording(SMALL / name / "fix.yaml"):
        assert raw_class(cerbos, bundle) == one.expect_class
        bundle = bundle.apply(one.proposal.edits)
    assert raw_class(cerbos, bundle) == "green"


def test_what_the_other_small_bundles_are(cerbos: Runner) -> None:
    normal, strict = raw(cerbos, read(SMALL / "strict_only" / "policies"))
    assert (results(normal)["RESULT_FAILED"], results(strict)["RESULT_FAILED"]) == (0, 1)
    assert raw(cerbos, read(SMALL / "hollow" / "policies"))[0]["summary"] == {"overallResult": "RESULT_SKIPPED"}
    assert not results(raw(cerbos, read(SMALL / "no_tests" / "policies"))[0])
    assert raw_class(cerbos, read(SMALL / "green" / "policies")) == "green"
    normal, strict = raw(cerbos, read(SMALL / "contradiction" / "policies"))
    assert (results(normal)["RESULT_FAILED"], results(strict)["RESULT_FAILED"]) == (1, 1)


def test_every_cheat_leaves_fewer_failures_or_fewer_assertions(cerbos: Runner) -> None:
    bundle = read(SMALL / "test" / "policies")
    failed = results(raw(cerbos, bundle)[0])["RESULT_FAILED"]
    for one in recording(SMALL / "test" / "weaken.yaml"):
        after = results(raw(cerbos, bundle.apply(one.proposal.edits))[0])
        assert after["RESULT_FAILED"] < failed, one.proposal.note


@pytest.mark.parametrize(("policies", "assertions"), [(1, 2), (3, 4), (30, 7), (2, 45)])
def test_a_generated_bundle_is_green_and_as_large_as_asked(cerbos: Runner, policies: int, assertions: int) -> None:
    bundle = synthetic(policies, assertions_per_policy=assertions)
    assert raw_class(cerbos, bundle) == "green"
    assert results(raw(cerbos, bundle)[0])["RESULT_PASSED"] == policies * assertions
    assert bundle == synthetic(policies, assertions_per_policy=assertions)
    plain = synthetic(policies, assertions_per_policy=assertions, plain=True)
    assert results(raw(cerbos, plain)[1]) == {"RESULT_PASSED": policies * assertions}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_generated_bundle_breaks_where_asked(cerbos: Runner, broken: str) -> None:
    assert raw_class(cerbos, synthetic(10, broken=broken)) == broken


def test_written_and_read_again_it_is_the_same_bundle(tmp_path: Path) -> None:
    bundle = synthetic(2)
    assert read(write(bundle, tmp_path / "policies")) == bundle
