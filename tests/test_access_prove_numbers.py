"""What is proved holds of every resource that a PDP takes: over gRPC also with NaN and infinite numbers."""

import os
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path

import pytest

from grpc_pdp import NUMBERS, allowed
from policyloop.access.pdp.native import serve
from policyloop.access.prove import Asked, NotProved, Proved
from policyloop.bundle import Bundle
from policyloop.validators.pinned import VERSION
from policyloop.validators.select import open_native
from test_access_prove import ANN, NATIVE, prover, resource_policy, rule

PAIRS = int(os.environ.get("POLICYLOOP_NUMBER_PAIRS", "24"))
FLIPPED = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "==": "!=", "!=": "=="}

OTHERS = (
    *("R.attr.n in R.attr.l", "R.attr.l == R.attr.l", "R.attr.n in [5.0, 1.0]", "has(R.attr.n)", "R.attr == R.attr"),
    *("hasIntersection([R.attr.n], R.attr.l)", "R.attr.n + 1.0 > 5.0", 'R.attr.n < "x"', "size(R.attr.l) == 1"),
    *("R.attr.l.isSubset([5.0])", "R.attr.l != [R.attr.n]", "[R.attr.n] == [R.attr.m]"),
)


def pair(chance: random.Random) -> tuple[str, str]:
    """Two conditions; often such that they are the same of all numbers that one thinks of."""
    left = chance.choice(("R.attr.n", "R.attr.m", "-R.attr.n"))
    right = chance.choice(("R.attr.m", "R.attr.n", "5.0", "5", "-3", "1.0", "0u"))
    sign = chance.choice(list(FLIPPED))
    plain, turned = f"{left} {sign} {right}", f"!({left} {FLIPPED[sign]} {right})"
    other = chance.choice(OTHERS)
    ways = [
        (plain, turned),
        (f"{plain} && ({other})", f"({other}) && {turned}"),
        (f"!({plain} || {other})", f"{left} {FLIPPED[sign]} {right} && !({other})"),
        (f"{plain} && ({other})", plain),
        (plain, f"{plain} || ({other})"),
        (f"!({other})", f"!({other}) && {left} == {left}"),
        (plain, other),
    ]
    old, new = chance.choice(ways)
    return (old, new) if chance.random() < 0.5 else (new, old)


@contextmanager
def _doors(bundles: tuple[Bundle, Bundle]) -> Iterator[list[Path]]:
    runner = open_native(VERSION, 60)
    with ExitStack() as stack:
        found = []
        for bundle in bundles:
            door, ended = stack.enter_context(serve(runner, bundle, NATIVE))
            assert door.socket is not None
            while not door.socket.exists():
                assert ended() is None
            found.append(door.socket.with_name("g.sock"))
        yield found


def _bundle(conditions: list[str]) -> dict[str, str]:
    return {f"k{n}.json": resource_policy(f"k{n}", [rule(one)]) for n, one in enumerate(conditions)}


def contradicted(drawn: list[tuple[str, str]]) -> tuple[list[str], int]:
    """What was proved and is not so, by an answer of the PDP; and how many proofs there were."""
    old, new = (_bundle([pair[side] for pair in drawn]) for side in (0, 1))
    kinds = [f"k{n}" for n in range(len(drawn))]
    with prover(old, new) as both:
        verdicts = [list(both.compare([Asked(ANN, kind, "view")])) for kind in kinds]
    answers: list[list[tuple[bool, bool]]] = [[] for _ in drawn]
    with _doors((Bundle(old), Bundle(new))) as doors:
        for n, m in product((*NUMBERS, "x"), (*NUMBERS[:3], 1.0)):
            before, after = (allowed(door, "view", kinds, {"n": n, "m": m, "l": [n]}) for door in doors)
            for number, answer in enumerate(zip(before, after, strict=True)):
                answers[number].append(answer)
    wrong = []
    for pair, found, seen in zip(drawn, verdicts, answers, strict=True):
        for verdict in found:
            worse = (False, True) if verdict.direction == "wider" else (True, False)
            if isinstance(verdict, Proved) and worse in seen:
                wrong.append(f"{verdict.direction}: {pair[0]} -> {pair[1]}")
    return wrong, sum(isinstance(verdict, Proved) for found in verdicts for verdict in found)


@pytest.mark.compiler
@pytest.mark.parametrize("seed", range(max(1, PAIRS // 24)))
def test_no_proof_is_contradicted_by_a_number_that_is_none(seed: int) -> None:
    chance = random.Random(seed)
    drawn = [pair(chance) for _ in range(24)]
    wrong, proofs = contradicted(drawn)
    assert not wrong, drawn
    assert proofs > len(drawn) // 4, "what holds of these numbers, too, is proved as before"


KNOWN = [
    ("R.attr.n < 5.0", "!(R.attr.n >= 5.0)"),
    ("has(R.attr.n) && R.attr.n != R.attr.n", "false && R.attr.n == 1.0"),
    ("R.attr.l != R.attr.l", "false && R.attr.n == 1.0"),
]


@pytest.mark.compiler
def test_what_only_such_a_number_tells_apart_is_not_proved() -> None:
    with prover(*(_bundle([pair[side] for pair in KNOWN]) for side in (0, 1))) as both:
        for number, pair in enumerate(KNOWN):
            found = list(both.compare([Asked(ANN, f"k{number}", "view")]))
            assert not all(isinstance(one, Proved) for one in found), pair
        plain = next(iter(both.compare([Asked(ANN, "k0", "view")])))
    assert isinstance(plain, NotProved)
    assert "NaN" in plain.because
