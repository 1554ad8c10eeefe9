"""What a request costs: with a spec at most twice the input and 1.8 times the output of the same task without one."""

from pathlib import Path

import pytest

from token_use import MOST_INPUT, MOST_OUTPUT, Use, with_spec, without_spec
from worked import EXAMPLES


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_a_spec_costs_at_most_twice_what_the_same_task_costs_without_one(example: Path, tmp_path: Path, cerbos):
    spec, bare = with_spec(example, tmp_path / "a"), without_spec(example, tmp_path / "b")
    for use in (spec, bare):
        assert use.done.json["outcome"] == "green", use.done.err
        assert use.cycles <= 3
    assert spec.exits <= 1
    assert spec.new <= MOST_INPUT * bare.new, (spec.turns, bare.turns)
    assert spec.output <= MOST_OUTPUT * bare.output, (spec.turns, bare.turns)
    _check_prefix(spec)


def _check_prefix(use: Use) -> None:
    """Every turn but the first reads at least the tool and the system prompt from the cache, whatever its stage."""
    first, *later = use.turns
    assert first.cached == 0
    assert all(turn.cached > 1_000 for turn in later), use.turns
