"""Nothing that is called proved, always or never is contradicted by a request: random bundles with odd names, odd
scalars and odd conditions, held against the stock PDP.

`make odd-long` holds 2,000 pairs of bundles, `POLICYLOOP_ODD=N` at least N, `POLICYLOOP_ODD_FROM=M` those after the
first M packs; one pack of each kind without it.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from random import Random

import pytest

from command import lay, policyloop, speaker
from odd_policies import Pack, pack
from policyloop.access.matrix import Answer
from policyloop.access.matrix.table import Tables
from policyloop.access.mutate import mutants_of
from policyloop.access.mutate.search import Search
from policyloop.access.pdp import serving_all
from policyloop.access.prove import Asked, Direction, Proved, Verdict
from policyloop.access.prove.prover import Prover
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from said import (
    NATIVE,
    TESTED,
    Count,
    compiling,
    held,
    hold_document,
    hold_matrix,
    hold_mutants,
    hold_proofs,
    hold_survivors,
)

pytestmark = pytest.mark.compiler

PER_PACK = 16
PAIRS = int(os.environ.get("POLICYLOOP_ODD", "0"))
FIRST = int(os.environ.get("POLICYLOOP_ODD_FROM", "0"))
PACKS = range(FIRST, FIRST + -(-PAIRS // PER_PACK)) if PAIRS else range(2)


@pytest.mark.parametrize("number", PACKS)
def test_no_request_contradicts_what_is_called_proved(number: int, cerbos: Runner) -> None:
    """Every other pack under strict evaluation; a matrix and mutants of some."""
    dice = Random(number)
    count = Count()
    whole = held(cerbos, pack(number, PER_PACK if PAIRS else 6), dice, strict=number % 2 == 1, count=count)
    prefixes = [prefix for prefix in whole.kinds if f"{prefix}doc.yaml" in whole.before]
    if PAIRS and prefixes and number % 4 == 0:
        hold_mutants(cerbos, whole, dice.choice(prefixes), dice, count)
    print(f"pack {number}: {count}", flush=True)
    assert count.proved > count.pairs
    assert count.requests > 300


POLICY = """\
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: "0x10"
  version: default
  rules:
    - actions: [view]
      roles: ["1_000"]
      effect: EFFECT_ALLOW
      condition: {match: {expr: R.attr.a == 1.0}}
"""
PLANTED = Pack({"p00_doc.yaml": POLICY}, {"p00_doc.yaml": POLICY.replace("1.0", "2.0")}, {"p00_": "0x10"})
"""Somebody gets in who did not, and the other way round."""


def _proved_all(_: Prover, asked: Asked, direction: Direction, *__: object) -> Verdict:
    return Proved(asked, direction)


def test_a_planted_false_proof_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    hold_proofs(PLANTED, Random(1), strict=False, count=Count())
    monkeypatch.setattr(Prover, "_verdict", _proved_all)
    with pytest.raises(AssertionError, match="1_000"):
        hold_proofs(PLANTED, Random(1), strict=False, count=Count())


def test_a_planted_false_word_of_a_mutant_is_caught(cerbos: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search is silenced as well, so that the solver has the only word."""
    count = Count()
    hold_mutants(cerbos, PLANTED, "p00_", Random(1), count)
    assert count.mutants == 2
    monkeypatch.setattr(Search, "witnesses", lambda _, mutants: ((one, None) for one in mutants))
    monkeypatch.setattr(Prover, "_verdict", _proved_all)
    with pytest.raises(AssertionError, match="0x10"):
        hold_mutants(cerbos, PLANTED, "p00_", Random(1), Count())


def test_a_planted_false_cell_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving_all((Bundle(dict(PLANTED.before)), Bundle(dict(PLANTED.after))), NATIVE) as pdps:
        count = Count()
        hold_matrix(PLANTED, pdps, Random(1), count)
        assert count.states["when"] > 0
        monkeypatch.setattr(Tables, "_in_words", lambda *_: Answer("never"))
        with pytest.raises(AssertionError, match="1_000"):
            hold_matrix(PLANTED, pdps, Random(1), Count())


def test_conditions_that_the_server_takes_for_each_other_are_told_as_not_proved() -> None:
    """The same expressions under `all` and `any`: the server keeps one of the two, another at each start."""

    def policy(kind: str, operator: str, value: int) -> str:
        of = f"{{{operator}: {{of: [{{expr: R.attr.a == {value}.0}}, {{expr: R.attr.b}}]}}}}"
        return POLICY.replace("0x10", kind).replace("{expr: R.attr.a == 1.0}", of)

    before = {"p00_doc.yaml": policy("0x10", "all", 1), "p01_doc.yaml": policy("1_000", "any", 1)}
    whole = Pack(before, {**before, "p01_doc.yaml": policy("1_000", "any", 2)}, {"p00_": "0x10", "p01_": "1_000"})
    count = Count()
    hold_proofs(whole, Random(1), strict=False, count=count, each=30)
    assert count.confused > 0
    assert count.states["unknown"] > 0


WANTED = """\
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: wanted
  version: default
  rules: [{actions: [ACTION], roles: [nobody], effect: EFFECT_ALLOW}]
"""
WANTS = TESTED.replace("kind: nothing", "kind: wanted").replace("EFFECT_DENY", "EFFECT_ALLOW")
PROVING = {"POLICYLOOP_ACCESS_PROVE": "auto", "POLICYLOOP_ACCESS_REQUESTS": "300"}
if PAIRS:
    # Hundreds of policies on a machine that has more to do: what is asked is what they say, not how soon.
    PROVING["POLICYLOOP_CERBOS_TIMEOUT_SECONDS"] = "900"
_QUESTIONS = re.compile(r"proved that nothing gets in for (\d+) questions, (\d+) not proved")


@pytest.mark.parametrize("number", range(FIRST, FIRST + max(1, PAIRS // 200)))
def test_the_documents_say_nothing_that_a_request_contradicts(number: int, cerbos: Runner, tmp_path: Path) -> None:
    """`diff`, `run`, `mutate` and `report` in processes of their own; in `run` the model writes what comes after."""
    whole = compiling(cerbos, pack(5_000 + number, 3 if PAIRS else 1))
    before = {**whole.before, "wanted.yaml": WANTED.replace("ACTION", "y"), "wanted_test.yaml": WANTS}
    after = {**whole.after, "wanted.yaml": WANTED.replace("ACTION", "x"), "wanted_test.yaml": WANTS}
    lay({**_below("project/policies", before), **_below("old", before), **_below("new", after)}, tmp_path)
    native = ("--runner", "native", "--format", "json")
    told = policyloop("diff", "old", "new", *native, "--requests", "300", cwd=tmp_path)
    assert told.code in (0, 7), told.err
    edits = [{"path": path, "content": text} for path, text in after.items() if text != before.get(path)]
    edits += [{"path": path, "delete": True} for path in before if path not in after]
    replies = [{"edits": [], "read": sorted(before), "note": "first"}, {"edits": edits, "note": "as asked"}]
    command = speaker(replies, tmp_path)
    run = policyloop(
        *("run", "--policies", tmp_path / "project/policies", *native, "--model-command", command), env=PROVING
    )
    assert run.code == 0, run.out + run.err
    whole_page = () if PAIRS else ("--no-measure",)
    page = policyloop(
        *("report", "--state", tmp_path / "project/.policyloop", *native, *whole_page), env=PROVING, timeout=3600
    )
    assert page.code == 0, page.err
    files = sorted(path for path in after if path.endswith("doc.yaml"))
    mutants = policyloop("mutate", tmp_path / "new", *native, "--only", files[0], "--limit", "2", env=PROVING)
    assert mutants.code == 0, mutants.err
    both = Pack(before, after, {**whole.kinds, "wanted": "wanted"})
    dice = Random(number)
    for document in (told.json, run.json["access"]):
        hold_document(both, document, dice)
    said = [(int(proved), int(left)) for proved, left in _QUESTIONS.findall(page.json["markdown"] or "")]
    assert said == [(run.json["access"]["proofs"]["proved"], run.json["access"]["proofs"]["unproved"])]
    hold_survivors(after, mutants.json, mutants_of(Bundle(after), only=files[0]), dice)


def _below(folder: str, files: Mapping[str, str]) -> dict[str, str]:
    return {f"{folder}/{path}": text for path, text in files.items()}
