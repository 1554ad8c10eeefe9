"""`equivalent (proved)` is for everybody and for all that the changed file can touch; else nothing is proved."""

import json

import pytest

from policyloop.access.mutate import mutants_of
from policyloop.access.mutate.proof import Proof, proofs
from policyloop.access.pdp import Settings
from policyloop.bundle import Bundle

NATIVE = Settings(runner="native")


def proof(condition: str, operator: str, *, more_actions: int = 0) -> Proof:
    """Of the first mutant of that kind; `more_actions` rules stand before the one with the condition."""
    pytest.importorskip("z3")
    rule = {
        "actions": ["view"],
        "roles": ["user"],
        "effect": "EFFECT_ALLOW",
        "condition": {"match": {"expr": condition}},
    }
    others = [{"actions": [f"a{n}"], "roles": [f"r{n}"], "effect": "EFFECT_ALLOW"} for n in range(more_actions)]
    body = {"resource": "doc", "version": "default", "rules": [*others, rule]}
    bundle = Bundle({"doc.json": json.dumps({"apiVersion": "api.cerbos.dev/v1", "resourcePolicy": body})})
    mutant = next(one for one in mutants_of(bundle) if one.operator == operator)
    return proofs(bundle, [mutant], {"doc.json": "doc"}, NATIVE)[mutant]


def test_a_term_that_is_there_twice_is_proved_not_to_matter() -> None:
    told = proof("R.attr.owner == P.id && R.attr.owner == P.id", "term-dropped")
    assert told.questions > 0
    assert told.found is None


def test_a_condition_on_who_asks_is_told_apart_or_not_proved() -> None:
    told = proof("size(P.roles) == 5 || size(P.roles) == 6", "constant")
    assert (told.questions, told.found) == (0, None)
    assert "principal.roles of whoever asks" in told.because


def test_a_condition_beyond_the_first_forty_questions_is_not_called_equivalent() -> None:
    told = proof("R.attr.a == 1", "condition-dropped", more_actions=12)
    assert told.questions == 0
    assert told.found is not None
    assert told.found.request.action == "view"
