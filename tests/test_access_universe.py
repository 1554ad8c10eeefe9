"""The universe of requests: deterministic, bounded, streaming, and near every rule."""

import tracemalloc
from datetime import UTC, datetime

import pytest

from bundles import SMALL, read, synthetic
from command import FIXED
from policyloop.access.ask.request import canonical
from policyloop.access.pdp import Settings, serving
from policyloop.access.source import policies_of
from policyloop.access.universe import Universe
from policyloop.bundle import Bundle
from worked import EXAMPLES

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def listed(universe: Universe) -> list[str]:
    found = []
    for batch in universe.batches():
        resources = [one.to_json() for one in batch.resources]
        found.append(canonical([batch.principal.to_json(), resources, list(batch.actions), dict(batch.claims)]))
    return found


def test_it_is_the_same_for_a_seed_and_a_moment() -> None:
    bundle = read(SMALL / "green" / "policies")
    first, again, other = (listed(Universe((bundle,), seed, 20_000, NOON)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_it_counts_what_it_asks_and_stops_at_the_bound() -> None:
    universe = Universe((synthetic(3),), most=1_000)
    assert sum(len(batch) for batch in universe.batches()) == universe.asked <= 1_000
    assert not universe.complete
    whole = Universe((Bundle({"doc.yaml": FIXED}),), most=100_000)
    assert sum(len(batch) for batch in whole.batches()) == whole.asked
    assert whole.complete


@pytest.mark.sweep
def test_memory_does_not_grow_with_the_number_of_requests() -> None:
    peaks = []
    for most in (4_000, 16_000):
        tracemalloc.start()
        assert sum(len(batch) for batch in Universe((synthetic(1),), most=most).batches()) > most * 0.9
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.3


BUNDLES = {
    "green": SMALL / "green" / "policies",
    **{example.name: example / "policies" for example in EXAMPLES},
}


@pytest.mark.compiler
@pytest.mark.parametrize("name", BUNDLES)
def test_every_rule_is_met_and_missed(name: str) -> None:
    """For each action that a rule names there is a request that is allowed and one that is denied."""
    bundle = read(BUNDLES[name])
    named = {
        (rule.resource, action)
        for policy in policies_of(bundle)
        for rule in policy.rules
        if policy.what == "resource" and not rule.denies
        for action in rule.actions
        if "*" not in action
    }
    seen: dict[tuple[str, str], set[bool]] = {}
    with serving(bundle, Settings(runner="native")) as pdp:
        for batch, effects in pdp.effects(Universe((bundle,), most=6_000).batches()):
            for number, allowed in enumerate(effects):
                one = batch.request(number)
                seen.setdefault((one.resource.kind, one.action), set()).add(allowed)
    assert named
    assert {one: seen.get(one) for one in named} == {one: {True, False} for one in named}
