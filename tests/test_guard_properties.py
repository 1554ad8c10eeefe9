"""Random suites: whatever keeps their strength is kept, whatever weakens them is named, and the compiler agrees."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guard_models import FINAL, expectations, files, random_model, rewritten, weakened
from guard_oracle import look, same
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.guard import Assertion, Lock
from policyloop.guard.canon import decode

pytestmark = pytest.mark.sweep

quick = settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck), derandomize=True)
seeds = st.integers(min_value=0, max_value=2**32)


@quick
@given(seeds)
def test_the_lock_holds_what_the_suites_say(seed: int) -> None:
    rng = random.Random(seed)
    model = random_model(rng)
    lock = Lock.of(Bundle(files(model, rng)))
    found = {(one.id.test, one.id.principal, one.id.resource, one.id.action): one.demand.effect for one in lock}
    assert found == expectations(model)
    assert lock.unexaminable == ()


@quick
@given(seeds)
def test_rewriting_keeps(seed: int) -> None:
    rng = random.Random(seed)
    model = random_model(rng)
    before = Bundle(files(model, rng))
    after = rewritten(rng, model)
    if rng.random() < 0.3:
        rng.choice(FINAL)(rng, after)
    assert Lock.of(before).weakened_by(Bundle(files(after, rng))) == ()


@quick
@given(seeds)
def test_weakening_is_named(seed: int) -> None:
    rng = random.Random(seed)
    model = random_model(rng)
    after, gone, what = weakened(rng, model)
    lock = Lock.of(Bundle(files(model, rng)))
    found = lock.weakened_by(Bundle(files(after, rng)))
    assert {(one.test, one.principal, one.resource, one.action) for one in found} == gone, what


@quick
@given(seeds)
def test_weakening_is_found_under_any_rewriting(seed: int) -> None:
    """A weakening hidden in a reformatting is found all the same, under the names that were locked."""
    rng = random.Random(seed)
    model = random_model(rng)
    after, gone, what = weakened(rng, model)
    lock = Lock.of(Bundle(files(model, rng)))
    found = lock.weakened_by(Bundle(files(rewritten(rng, after), rng)))
    assert {(one.test, one.principal, one.resource, one.action) for one in found} == gone, what


def test_the_compiler_runs_what_we_resolve(cerbos: Runner) -> None:
    """Names, effects and inputs of every assertion, over many suites in all styles."""
    written: dict[str, str] = {}
    for seed in range(120):
        rng = random.Random(seed)
        model = random_model(rng, f"m{seed}/")
        if seed % 2:
            model = rewritten(rng, model)
        written |= files(model, rng)
    seen = look(cerbos, written)
    assert seen is not None
    assert seen.broken == {}
    ours = {one.id: one for one in Lock.of(Bundle(written))}
    assert ours.keys() == seen.ran.keys()
    for one, asked in seen.ran.items():
        assert ours[one].demand.effect == asked.expected, one
        if asked.inputs is not None:
            _compare(ours[one], asked.inputs)


def _compare(ours: Assertion, theirs: dict[str, dict[str, object]]) -> None:
    inputs = ours.demand.inputs
    for part, text in (("principal", inputs.principal), ("resource", inputs.resource)):
        mine = decode(text)
        assert same({"attr": {}, **mine}, {"attr": {}, **theirs[part]}), ours.id
    mine = decode(inputs.aux_data) or {}
    assert same(mine.get("jwt", {}), theirs["auxData"].get("jwt", {})), ours.id
