"""`equivalent (proved)` is for everybody and for all that the changed file can touch; else nothing is proved."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import policyloop.access.mutate.proof as proof_room
from policyloop.access.ask.parts import Parts
from policyloop.access.mutate import mutants_of
from policyloop.access.mutate.proof import Proof, proofs
from policyloop.access.pdp import Settings
from policyloop.bundle import Bundle

pytestmark = pytest.mark.compiler

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
    return proofs(Parts(bundle), [mutant], NATIVE)[mutant]


def test_a_term_that_is_there_twice_is_proved_not_to_matter() -> None:
    told = proof("R.attr.owner == P.id && R.attr.owner == P.id", "term-dropped")
    assert told.questions > 0
    assert told.found is None


def test_a_condition_on_who_asks_is_told_apart_by_somebody_who_meets_it() -> None:
    told = proof("size(P.roles) == 5 || size(P.roles) == 6", "constant")
    assert told.questions == 0
    assert told.found is not None
    assert len(told.found.request.principal.roles) == 5


def test_a_condition_on_who_asks_that_nobody_is_found_for_is_not_proved() -> None:
    """No list of so many roles is made for anybody."""
    told = proof("size(P.roles) == 5000 || size(P.roles) == 6000", "constant")
    assert (told.questions, told.found) == (0, None)
    assert "principal.roles of whoever asks" in told.because


ALIKE = """
from test_mutate_proof import proof
for condition in ("size(P.roles) == 5 || size(P.roles) == 6", "R.attr.a in [1.0, 2.0] || P.id == R.attr.owner"):
    told = proof(condition, "constant")
    print(told.questions, told.found.request.key if told.found else None, told.because)
"""


def test_what_is_said_of_a_mutant_does_not_hang_on_the_order_of_a_hash() -> None:
    said = {
        subprocess.run(
            [sys.executable, "-c", ALIKE],
            cwd=Path(__file__).parent,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1, said
    assert "None" not in next(iter(said))


def test_a_condition_beyond_the_first_forty_questions_is_not_called_equivalent() -> None:
    told = proof("R.attr.a == 1", "condition-dropped", more_actions=12)
    assert told.questions == 0
    assert told.found is not None
    assert told.found.request.action == "view"


def test_a_proof_looks_at_what_the_file_can_touch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many kinds, the one of the file, and one whose name the PDP looks up alike; nothing else is served."""
    pytest.importorskip("z3")
    served: list[frozenset[str]] = []
    real = proof_room.serving_all

    def noting(bundles: Sequence[Bundle], settings: Settings) -> Any:
        served.extend(frozenset(bundle) for bundle in bundles)
        return real(bundles, settings)

    monkeypatch.setattr(proof_room, "serving_all", noting)
    condition = {"match": {"expr": "R.attr.owner == P.id && R.attr.owner == P.id"}}
    rule = {"actions": ["view"], "roles": ["user"], "effect": "EFFECT_ALLOW", "condition": condition}
    files = {}
    for kind in ("big_doc", "big-doc", "other", "another"):
        body = {"resource": kind, "version": "default", "rules": [rule]}
        files[f"{kind}.json"] = json.dumps({"apiVersion": "api.cerbos.dev/v1", "resourcePolicy": body})
    mutants = {one.file: one for one in mutants_of(Bundle(files)) if one.operator == "term-dropped"}
    told = proofs(Parts(Bundle(files)), [mutants["other.json"], mutants["big_doc.json"]], NATIVE)
    assert served[0] == {"other.json"}
    assert {"big_doc.json", "big-doc.json"} in served
    assert all("another.json" not in bundle for bundle in served)
    assert told[mutants["other.json"]].questions > 0


def test_what_is_proved_of_a_part_holds_in_the_whole_without_conditions() -> None:
    """The server may take the rule of another kind for this one, though only `scopePermissions` differ."""
    pytest.importorskip("z3")
    plain = {"actions": ["view"], "roles": ["user"], "effect": "EFFECT_ALLOW"}
    twice = {**plain, "actions": ["edit"], "condition": {"match": {"expr": "R.attr.a == 1.0 && R.attr.a == 1.0"}}}
    consent = {"scopePermissions": "SCOPE_PERMISSIONS_REQUIRE_PARENTAL_CONSENT_FOR_ALLOWS"}
    for more, proved in ((consent, False), ({}, True)):
        files = {}
        for kind, rules, extra in (("doc", [plain, twice], {}), ("other", [plain], more)):
            body = {"resource": kind, "version": "default", "rules": rules, **extra}
            files[f"{kind}.json"] = json.dumps({"apiVersion": "api.cerbos.dev/v1", "resourcePolicy": body})
        bundle = Bundle(files)
        mutant = next(one for one in mutants_of(bundle) if one.operator == "term-dropped")
        told = proofs(Parts(bundle), [mutant], NATIVE)[mutant]
        assert bool(told.questions) is proved, told


def test_what_is_proved_of_a_part_holds_in_the_whole() -> None:
    """Another kind has the same expressions under `all`: the server may take either condition for the other."""
    pytest.importorskip("z3")

    def policy(kind: str, operator: str) -> str:
        of = [{"expr": "R.attr.a == 1.0 && R.attr.a == 1.0"}, {"expr": "R.attr.b"}]
        condition = {"match": {operator: {"of": of}}}
        rule = {"actions": ["view"], "roles": ["user"], "effect": "EFFECT_ALLOW", "condition": condition}
        body = {"resource": kind, "version": "default", "rules": [rule]}
        return json.dumps({"apiVersion": "api.cerbos.dev/v1", "resourcePolicy": body})

    for other, proved in (("all", False), ("any", True)):
        bundle = Bundle({"doc.json": policy("doc", "any"), "other.json": policy("other", other)})
        dropped = "`R.attr.a == 1.0` was dropped"  # of the two that say the same
        made = next(one for one in mutants_of(bundle) if (one.words, one.file) == (dropped, "doc.json"))
        told = proofs(Parts(bundle), [made], NATIVE)[made]
        assert bool(told.questions) is proved, told
        assert proved or "for each other" in told.because
