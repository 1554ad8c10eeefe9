"""What the search must find, or name: small widenings of every sort, on the real PDP."""

from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command import DOCS, FIXED
from policyloop.access.ask.request import Principal, Request, Resource
from policyloop.access.cel import parse, written
from policyloop.access.compare.engine import Bounds, compare_access
from policyloop.access.compare.totals import MOST_REASONS, capped, totals_of
from policyloop.access.pdp import Settings, serving, serving_all
from policyloop.access.universe.patterns import matching, near
from policyloop.access_report import AccessReport, Deciding, Reason
from policyloop.cerbos.run import Runner
from test_access_pairs import requested
from test_access_run import project, run
from widenings import NAMED, OWN, SAME, bundle_of

pytestmark = pytest.mark.compiler

NATIVE = Settings(runner="native")


def found_in(pairs: Mapping[str, tuple[str, str]], cerbos: Runner) -> AccessReport:
    old, new = bundle_of(pairs, 0), bundle_of(pairs, 1)
    return compare_access(old, new, cerbos, NATIVE, Bounds(most=1_500 * len(pairs), prove="off"))


def wider(report: AccessReport) -> set[str]:
    return {one.file.removesuffix(".json") for one in report.rules if one.wider == "shown"}


@pytest.mark.parametrize("pairs", [OWN, NAMED], ids=["own", "named"])
def test_small_widenings_are_found_and_none_goes_by_in_silence(
    pairs: Mapping[str, tuple[str, str]], cerbos: Runner
) -> None:
    report = found_in(pairs, cerbos)
    named = {one.file.removesuffix(".json") for one in report.uncovered}
    assert wider(report) | named == set(pairs)
    assert len(wider(report)) >= len(pairs) - 2
    with serving_all((bundle_of(pairs, 0), bundle_of(pairs, 1)), NATIVE) as pdps:
        for one in report.reasons:
            if one.engine != "clock":
                assert [pdp.decide(requested(one.request)).effect for pdp in pdps] == [one.before, one.after]


def test_what_says_the_same_is_named_where_nobody_proved_it(cerbos: Runner) -> None:
    report = found_in(SAME, cerbos)
    assert report.reasons == ()
    assert {one.file.removesuffix(".json") for one in report.uncovered} == set(SAME)
    assert all("tells its condition from what it was" in one.why[-1] for one in report.uncovered)


def test_what_is_proved_is_not_named(cerbos: Runner) -> None:
    pytest.importorskip("z3")
    pairs = {"turned_round": SAME["turned_round"]}
    report = compare_access(bundle_of(pairs, 0), bundle_of(pairs, 1), cerbos, NATIVE, Bounds(most=1_500))
    assert [one.wider for one in report.rules] == ["proved"]


@pytest.mark.parametrize(
    "pattern",
    [
        "^[a-z]+@corp[.]example$",
        "^inv-[0-9]{3,5}(-draft)?$",
        "(?i)^admin",
        "^(a|bb|ccc)$",
        r"^\d{2}:\d{2}$",
        r"^[[:alpha:]]+_\w*$",
        "^[^/]+/x$",
        r"^v1\.[0-9]+\.(0|[1-9]\d*)$",
    ],
)
def test_texts_made_of_a_pattern_are_taken_by_the_pdp_and_some_beside_them_are_not(pattern: str) -> None:
    inside = matching(pattern)
    beside = list(near(inside))
    assert inside
    bundle = bundle_of({"crate": ("false", f"R.attr.k.matches(r'{pattern}')")}, 1)
    with serving(bundle, NATIVE) as pdp:

        def taken(texts: list[str]) -> Iterator[bool]:
            for text in texts:
                asked = Request(Principal("u", ("porter",)), Resource("crate", "r", {"k": text}), "lift")
                yield pdp.decide(asked).allowed

        assert all(taken(inside))
        assert not all(taken(beside))


@given(st.sampled_from([side for pairs in (OWN, NAMED, SAME) for pair in pairs.values() for side in pair]))
def test_a_condition_is_written_again_as_it_was_read(condition: str) -> None:
    tree = parse(condition)
    assert parse(written(tree)) == tree


def reason(direction: str, number: int, asked_for: str | None = None) -> Reason:
    return Reason(
        direction="wider" if direction == "wider" else "narrower",
        resource="doc",
        action=f"a{number}",
        roles=("user",),
        request={},
        before="EFFECT_DENY",
        after="EFFECT_ALLOW",
        was=Deciding(),
        now_is=Deciding(),
        engine="decisions",
        asked_for=asked_for,
    )


@given(st.integers(0, 150), st.integers(0, 150), st.integers(0, 150))
def test_totals_count_all_and_every_sort_is_shown(more: int, less: int, accepted: int) -> None:
    reasons = [reason("narrower", n) for n in range(less)]
    reasons += [reason("wider", n) for n in range(more)]
    reasons += [reason("wider", n, "r") for n in range(accepted)]
    totals, (shown, left_out) = totals_of(reasons), capped(reasons)
    assert (totals.wider, totals.narrower, totals.accepted) == (more, less, accepted)
    assert len(shown) == min(len(reasons), MOST_REASONS)
    assert bool(left_out) is (len(reasons) > MOST_REASONS)
    count = AccessReport(reasons=shown).count
    for whole, part in ((more, count.wider), (less, count.narrower), (accepted, count.accepted)):
        assert part >= min(whole, MOST_REASONS // 3)


DARK = "int(R.attr.n) * 7919 % 104729 == {}"


@pytest.mark.parametrize(("config", "code"), [("wider: report", 0), ("wider: ask", 5), ("unproved: fail", 5)])
def test_a_rule_that_nobody_covered_is_a_persons_decision(config: str, code: int, tmp_path: object) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path))
    before = FIXED.replace("R.attr.owner == P.id", f"R.attr.owner == P.id || {DARK.format(70_001)}", 1)
    broken = before.replace("condition: {match: {expr: R.attr.owner == P.id}}", "", 1)
    assert broken != before
    project(folder, None, {**DOCS, "doc.yaml": broken})
    (folder / "policyloop.yaml").write_text(f"access: {{{config}, prove: 'off'}}\n")
    done = run(folder, before.replace("70001", "70002"), "--format", "json")
    assert done.code == code, done.err
    assert [one["wider"] for one in done.json["access"]["rules"]].count("uncovered") == 1
    assert done.json["stopped_by"] == (None if code == 0 else "unproved")
    assert done.json["files_changed"] == ([] if code else ["doc.yaml"])
