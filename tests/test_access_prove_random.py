"""Random pairs of policies: no proof that a request contradicts, no witness that is none, and most of it decided.

`make prove-long` asks for 2,000 pairs, `POLICYLOOP_PAIRS=N` for that many; twenty without it.
"""

import os
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from random import Random
from typing import Any

import pytest
from hypothesis import strategies as st

from conditions import (
    PRINCIPALS,
    Held,
    attributes,
    conditions,
    derived_roles,
    exactly,
    files,
    pairs,
    thrown,
    translated,
)
from drawing import drawn
from policyloop.access.ask.request import Batch, Request, Resource
from policyloop.access.pdp import Pdp, Settings, serving
from policyloop.access.prove import Asked, Counterexample, NotProved, Proved, proving
from policyloop.access.prove.prover import Prover
from policyloop.bundle import Bundle

PAIRS = int(os.environ.get("POLICYLOOP_PAIRS", "20"))
PER_BUNDLE = 20
REQUESTS = 60
NATIVE = Settings(runner="native")
VIEW = "view"


def bundle(held: Sequence[Held], roles: tuple[str, str]) -> Bundle:
    return Bundle({**files(held), "derived.json": derived_roles(*roles)})


def allowed(pdp: Pdp, asked: Asked, held: Sequence[Any]) -> list[bool]:
    resources = tuple(Resource(asked.kind, name, attr, "", asked.scope) for attr in held for name in ("x", "ann"))
    return [one for _, part in pdp.effects([Batch(asked.principal, resources, (VIEW,))]) for one in part]


@pytest.mark.compiler
@pytest.mark.parametrize("number", range(-(-PAIRS // PER_BUNDLE)))
def test_no_request_contradicts_a_proof_and_every_witness_is_one(number: int) -> None:
    examples = drawn(pairs(), PER_BUNDLE, number)
    dice = Random(number)
    roles = drawn(st.tuples(translated, translated, translated, translated), 2, number)[-1]
    old = bundle([before for before, _ in examples], roles[:2])
    new = bundle([after for _, after in examples], roles[2:] if number % 2 else roles[:2])
    verdicts: Counter[str] = Counter()
    with ExitStack() as stack:
        pdps = stack.enter_context(serving(old, NATIVE)), stack.enter_context(serving(new, NATIVE))
        prover = stack.enter_context(proving(old, new, *pdps, NATIVE))
        for at, pair in enumerate(examples):
            held = [thrown(dice) for _ in range(REQUESTS)]
            for who in PRINCIPALS:
                verdicts.update(_agrees(prover, pdps, Asked(who, f"k{at}", VIEW, "", pair[0].scope), held, pair))
    # Nearly every random policy holds something that is not translated, so much is left open; but not most of it.
    assert verdicts["Proved"] + verdicts["Counterexample"] > len(examples), verdicts


def _agrees(prover: Prover, pdps: tuple[Pdp, Pdp], asked: Asked, held: Sequence[Any], pair: Any) -> list[str]:
    old, new = (allowed(pdp, asked, held) for pdp in pdps)
    found = []
    for verdict in prover.compare([asked]):
        wider = verdict.direction == "wider"
        differing = [n and not o if wider else o and not n for o, n in zip(old, new, strict=True)]
        match verdict:
            case Proved():
                shown = [held[at // 2] for at, one in enumerate(differing) if one]
                assert not shown, (verdict, pair, shown[0])
            case Counterexample(request=request):
                effects = [pdp.decide(request).allowed for pdp in pdps]
                assert effects == ([False, True] if wider else [True, False]), (verdict, pair)
            case NotProved(because=because):
                assert "not translated" in because or "together" in because or "gave up" in because, (verdict, pair)
        found.append(type(verdict).__name__)
    return found


@pytest.mark.compiler
@pytest.mark.parametrize("number", range(-(-PAIRS // PER_BUNDLE // 2)))
def test_a_condition_means_what_the_pdp_makes_of_it(number: int) -> None:
    """Of one resource alone, told by a condition: it is proved that it is not let in exactly when it is not."""
    examples = drawn(st.tuples(conditions, attributes), PER_BUNDLE, number)

    def let_in(action: str, condition: str) -> dict[str, Any]:
        rule = {"actions": [action], "roles": ["*"], "effect": "EFFECT_ALLOW"}
        return {**rule, "condition": {"match": {"expr": condition}}}

    both = [
        Held([let_in("yes", f"({exactly(held)}) && ({one})"), let_in("no", f"({exactly(held)}) && !({one})")])
        for one, held in examples
    ]
    old, new = (bundle(rules, ("true", "true")) for rules in ([Held([])] * len(both), both))
    decided = 0
    with ExitStack() as stack:
        pdps = stack.enter_context(serving(old, NATIVE)), stack.enter_context(serving(new, NATIVE))
        prover = stack.enter_context(proving(old, new, *pdps, NATIVE))
        for at, (condition, held) in enumerate(examples):
            for who in PRINCIPALS:
                for action in ("yes", "no"):
                    asked = Asked(who, f"k{at}", action)
                    (verdict,) = prover.compare([asked], ["wider"])
                    requests = [Request(who, Resource(f"k{at}", name, held), action) for name in ("x", who.id)]
                    known = any(pdps[1].decide(one).allowed for one in requests)
                    told = (verdict, condition, held)
                    assert isinstance(verdict, NotProved) or known == isinstance(verdict, Counterexample), told
                    if isinstance(verdict, NotProved):
                        # What `exactly` says of a map, or of the moment that a text names, is more than is translated.
                        assert any(why in verdict.because for why in ("not translated", "not confirm", "gave up")), told
                    decided += not isinstance(verdict, NotProved)
    assert decided > 2 * len(examples), decided
