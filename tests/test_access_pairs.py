"""Pairs of bundles with a known answer: every verdict is right, every witness is confirmed on PDPs started anew."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from bundles import FIXTURES, read
from policyloop.access.ask.questions import Question, put
from policyloop.access.ask.request import Principal, Request, Resource
from policyloop.access.compare.engine import Bounds, compare_access
from policyloop.access.pdp import Settings, serving_all
from policyloop.access_report import Reason
from policyloop.cerbos.run import Runner

PAIRS = sorted((FIXTURES / "access" / "pairs").iterdir())
MOST = 1_500


def requested(data: Mapping[str, Any]) -> Request:
    """The request of a witness, from its JSON."""
    who, what = data["principal"], data["resource"]
    principal = Principal(
        who["id"], tuple(who["roles"]), who.get("attr", {}), who.get("policyVersion", ""), who.get("scope", "")
    )
    resource = Resource(
        what["kind"], what["id"], what.get("attr", {}), what.get("policyVersion", ""), what.get("scope", "")
    )
    return Request(principal, resource, data["action"], data.get("auxData", {}).get("jwt", {}))


def confirmed(pair: Path, reasons: tuple[Reason, ...], cerbos: Runner) -> Iterator[tuple[Reason, list[str | None]]]:
    """Each reason with what both bundles answer to its request now, before and after."""
    sides = [read(pair / side) for side in ("old", "new")]
    for schemas in ("none", "reject"):
        mine = [one for one in reasons if one.schemas == schemas and one.engine != "clock"]
        if mine:
            with serving_all(sides, Settings(runner="native", schemas=schemas)) as pdps:
                for one in mine:
                    yield one, [pdp.decide(requested(one.request)).effect for pdp in pdps]
    for one in reasons:
        if one.engine == "clock":
            question = Question(requested(one.request), str(one.now))
            yield one, [put(cerbos, side, [question], schemas=False)[0] for side in sides]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_the_verdict_is_right_and_every_witness_holds(pair: Path, cerbos: Runner) -> None:
    answer = yaml.safe_load((pair / "answer.yaml").read_text())
    old, new = (read(pair / side) for side in ("old", "new"))
    found = compare_access(old, new, cerbos, Settings(runner="native"), Bounds(most=MOST, prove="off"))
    for direction in ("wider", "narrower"):
        told = {(one.resource, one.action, one.roles) for one in found.reasons if one.direction == direction}
        known = {(one["resource"], one["action"], tuple(one["roles"])) for one in answer[direction]}
        assert told == known, direction
    assert found.result == ("FAIL" if answer["wider"] else "PASS")
    checked = list(confirmed(pair, found.reasons, cerbos))
    assert len(checked) == len(found.reasons)
    for one, effects in checked:
        assert effects == [one.before, one.after], one.request
        if one.wider:
            assert one.lets_in.effect == "EFFECT_ALLOW"
            assert one.lets_in.file in new
            assert one.lets_in.line is not None


def test_there_are_enough_pairs_of_every_sort() -> None:
    assert len(PAIRS) >= 40
    answers = [yaml.safe_load((pair / "answer.yaml").read_text()) for pair in PAIRS]
    sorts = {(bool(answer["wider"]), bool(answer["narrower"])) for answer in answers}
    assert sorts == {(True, False), (False, True), (True, True), (False, False)}
