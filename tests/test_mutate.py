"""Mutants of real bundles on the real compiler: the suggested tests kill what they say they kill."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from bundles import FIXTURES, read, synthetic, write
from command import DOCS, FIXED, environment, lay, picture, policyloop
from policyloop.access.ask.parts import Parts
from policyloop.access.mutate import OPERATORS, Fate, MutateResult, mutants_of, mutate
from policyloop.access.mutate.judge import fate
from policyloop.access.pdp import Settings
from policyloop.bundle import MAX_EDIT_BYTES, MAX_EDITS, Bundle, Write
from policyloop.cerbos.read import read_report
from policyloop.cerbos.run import Runner
from policyloop.documents.published import schema_of
from policyloop.validators.judge import validate
from policyloop.validators.select import open_native
from worked import EXAMPLES

NATIVE = Settings(runner="native")


@pytest.fixture(scope="module", params=EXAMPLES, ids=lambda path: path.name)
def example(request: pytest.FixtureRequest, cerbos: Runner) -> tuple[Bundle, MutateResult]:
    bundle = read(request.param / "policies")
    return bundle, mutate(cerbos, bundle, "policies", settings=NATIVE, prove=False)


def test_each_survivors_test_kills_it(example: tuple[Bundle, MutateResult], cerbos: Runner) -> None:
    bundle, result = example
    assert result.killed >= 10
    assert result.shown
    for one in result.shown:
        assert one.test is not None
        added = Write("suggested_test.yaml", one.test)
        assert validate(cerbos, bundle.apply([added])).green, one.test
        assert fate(cerbos, one.mutant.of(bundle)) is Fate.SURVIVED
        assert fate(cerbos, one.mutant.of(bundle).apply([added])) is Fate.KILLED, one.mutant


def test_all_suggested_tests_together_leave_nothing_unnoticed(
    example: tuple[Bundle, MutateResult], cerbos: Runner
) -> None:
    bundle, result = example
    suite = result.suite()
    assert suite is not None
    extended = bundle.apply([Write("suggested_test.yaml", suite)])
    after = mutate(cerbos, extended, "policies", settings=NATIVE, prove=False)
    assert not after.shown
    assert len(after.untold) == len(result.untold)
    assert after.killed == result.killed + len(result.shown)


def test_what_no_request_told_apart_counts_against_the_score(example: tuple[Bundle, MutateResult]) -> None:
    """Both are there: a guard before a comparison that fails without it, and a deny of what nobody allows."""
    _, result = example
    for one in result.untold:
        assert one.alike == "asked"
        assert one.asked > 100
    assert {one.mutant.operator for one in result.untold} <= {"term-dropped", "actions-widened", "deny-removed"}
    assert result.score == result.killed * 100 // (result.killed + len(result.shown) + len(result.untold))
    assert not result.proved


def test_a_value_that_only_a_schema_names_tells_a_mutant_apart(cerbos: Runner) -> None:
    """`status` is open everywhere; that it can be closed stands in the JSON Schema alone."""
    result = mutate(cerbos, synthetic(1), "policies", only="area_000/invoice_0000.yaml", settings=NATIVE, prove=False)
    dropped = next(one for one in result.survivors if one.mutant.words == "part 2 of `all` was dropped")
    assert dropped.witness is not None
    assert dropped.witness.question.request.resource.attr["status"] == "closed"


def test_the_part_of_a_bundle_that_is_compiled_says_the_same_as_the_whole(cerbos: Runner) -> None:
    """One suite asks about two kinds, so both policies must stay for either."""
    bundle = synthetic(3)
    both = bundle["area_000/invoice_0000_test.yaml"].replace("kind: invoice_0000", "kind: order_0001")
    bundle = bundle.apply([Write("area_000/both_test.yaml", both.replace("name: invoice_0000", "name: both"))])
    parts = Parts(bundle)
    chosen = random.Random(5).sample(mutants_of(bundle), 10)
    assert {fate(cerbos, parts.judging(one.file)) for one in chosen} == {Fate.SURVIVED}
    assert any(len(parts.judging(one.file)) < len(bundle) for one in chosen)
    for one in chosen:
        assert fate(cerbos, one.of(parts.judging(one.file))) is fate(cerbos, one.of(bundle)), one


@pytest.mark.compiler
def test_what_is_like_the_original_is_proved_so() -> None:
    bundle = read(FIXTURES / "examples" / "salaries" / "policies")
    settings = Settings(runner="native")
    runner = open_native(settings.version, settings.timeout_seconds)
    result = mutate(runner, bundle, "policies", only="review_roles.yaml", settings=settings)
    runner.close()
    alike = {one.mutant.words: one.alike for one in result.survivors if one.witness is None}
    assert alike == {"`has(R.attr.manager)` was dropped": "proved"}


def test_every_mutant_differs_in_one_place_and_no_line_moves() -> None:
    bundles = [read(path / "policies") for path in EXAMPLES]
    bundles += [read(FIXTURES / "bundles" / name / "policies") for name in ("green", "test", "several", "strict_only")]
    seen = 0
    for bundle in [*bundles, synthetic(2)]:
        for one in mutants_of(bundle):
            mutated = one.of(bundle)
            assert bundle.changed(mutated) == (one.file,)
            before, after = bundle[one.file].split("\n"), one.text.split("\n")
            assert len(before) == len(after), one
            changed = [n for n, (a, b) in enumerate(zip(before, after, strict=True), 1) if a != b]
            assert changed, one
            assert changed[0] >= one.line - 1, one
            yaml.safe_load(one.text)
            seen += 1
    assert seen > 100


HARD = """\
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: "doc"   # a comment: with a colon
  version: default
  rules:
  - actions:   # - not an item
    - read
    - 'write'
    effect: "EFFECT_ALLOW"
    roles: [user, "admin"]
    condition:
      match:
        all: {of: [{expr: 'R.attr.size < 10'}, {expr: "R.attr.n >= 3 && R.attr.s == \\"a < b\\""}]}

  # what follows is denied
  - {actions: ["*"], effect: EFFECT_DENY, roles: [user], condition: {match: {expr: R.attr.gone}}}
  -
    name: last
    actions: [purge]
    effect: EFFECT_ALLOW
    roles:
      - admin
    condition:
      match:
        none:
          of:
            - expr: |-
                R.attr.held ||
                  R.attr.size > 2.5
            - expr: >
                R.attr.kept
                || false
"""


def test_odd_ways_to_write_a_policy(cerbos: Runner) -> None:
    bundle = Bundle({"doc.yaml": HARD})
    assert fate(cerbos, bundle) is Fate.SURVIVED
    made = mutants_of(bundle)
    assert {fate(cerbos, one.of(bundle)) for one in random.Random(1).sample(made, 12)} == {Fate.SURVIVED}
    assert all(one.text.count("\n") == HARD.count("\n") for one in made)
    said = {one.words for one in made}
    assert "`<` became `<=`" in said
    assert "`2.5` became `3.5`" in said
    assert "last was removed" in said
    assert not any("a < b" in one.text.replace('\\"', '"') and "a <= b" in one.text for one in made)


def test_windows_lines(cerbos: Runner) -> None:
    bundle = Bundle({"doc.yaml": HARD.replace("\n", "\r\n")})
    plain = Bundle({"doc.yaml": HARD})
    assert fate(cerbos, bundle) is Fate.SURVIVED
    made = mutants_of(bundle)
    assert [(one.operator, one.line) for one in made] == [(one.operator, one.line) for one in mutants_of(plain)]
    for one in random.Random(7).sample(made, 8):
        assert fate(cerbos, one.of(bundle)) is Fate.SURVIVED, one


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("R.attr.a < 1", {"R.attr.a <= 1", "R.attr.a < 2", "R.attr.a < 0"}),
        ("a && b", {"a || b", "b", "a"}),
        ("a && (b || c)", {"a || (b || c)", "a && (b && c)", "(b || c)", "a"}),
        ("a || b && c", {"a && b && c", "a || b || c"}),
        ("x == 'a && b < 1'", set()),
        ('now() < t + duration("336h")', {'now() <= t + duration("336h")', 'now() < t + duration("336h1s")'}),
        ("size(x) > 0u", {"size(x) >= 0u", "size(x) > 1u"}),
        ("x != 0xff", {"x != 256", "x != 254"}),
        ("a @ b < 1", set()),
    ],
)
def test_changes_of_an_expression(expression: str, expected: set[str]) -> None:
    made = {rewrite.text for operator in OPERATORS.values() for rewrite in operator.in_expression(expression)}
    assert made == expected


MISTAKES = sorted(path for path in (FIXTURES / "mutate").iterdir() if path.is_dir())


def test_every_operator_has_its_fixture() -> None:
    assert {folder.name for folder in MISTAKES} == set(OPERATORS)


@pytest.mark.parametrize("folder", MISTAKES, ids=lambda folder: folder.name)
def test_an_operator_makes_the_mistake_of_its_fixture(folder: Path) -> None:
    before, after = ((folder / name).read_text() for name in ("before.yaml", "after.yaml"))
    made = [one for one in mutants_of(Bundle({"policy.yaml": before})) if one.operator == folder.name]
    assert yaml.safe_load(after) in [yaml.safe_load(one.text) for one in made]


def test_the_compiler_takes_what_the_fixtures_become(cerbos: Runner) -> None:
    """All of them in two compiles: each policy has a name of its own."""
    for name in ("before.yaml", "after.yaml"):
        whole = Bundle({f"{folder.name}.yaml": (folder / name).read_text() for folder in MISTAKES})
        with cerbos.stage(whole) as staged:
            run = staged.compile()
        assert read_report(cerbos.info, run, run, whole, require_tests=False).findings == ()


@pytest.mark.compiler
def test_the_command_line(tmp_path: Path) -> None:
    policies = lay({**DOCS, "doc.yaml": FIXED}, tmp_path / "policies")
    before = picture(policies)
    done = policyloop("mutate", policies, "--runner", "native", "--format", "json", "--min-score", 100)
    assert done.code == 4, done.err
    Draft202012Validator(schema_of("mutate")).validate(done.json)
    assert done.json["outcome"] == "below"
    assert 0 < done.json["score"] < 100
    assert picture(policies) == before
    suite = policies / "shown_test.yaml"
    plain = policyloop("mutate", policies, "--runner", "native", "--format", "plain", "--write", suite)
    assert plain.code == 0, plain.err
    assert "UNNOTICED" in plain.out
    assert {**before, "shown_test.yaml": suite.read_bytes()} == picture(policies)
    assert suite.read_text().removesuffix("\n") in plain.out.replace("\n    ", "\n")
    again = policyloop("mutate", policies, "--runner", "native", "--format", "json", "--min-score", 100)
    assert again.json["mutants"]["survived"] == 0
    assert again.code == (0 if again.json["mutants"]["untold"] == 0 else 4), again.out
    taken = policyloop("mutate", policies, "--runner", "native", "--write", suite)
    assert (taken.code, "exists already" in taken.err) == (2, True)


@pytest.mark.compiler
def test_a_limit_and_a_seed_choose_the_same_mutants_again(tmp_path: Path) -> None:
    policies = lay({**DOCS, "doc.yaml": FIXED}, tmp_path / "policies")
    arguments = ("mutate", policies, "--runner", "native", "--format", "json", "--limit", 4, "--seed", 3)
    first, second = policyloop(*arguments), policyloop(*arguments)
    assert first.json == second.json
    counted = first.json["mutants"]
    assert sum(counted[name] for name in ("killed", "survived", "untold", "proved", "invalid")) == 4
    assert counted["made"] > 4


@pytest.mark.compiler
def test_what_cannot_be_measured_says_so(tmp_path: Path) -> None:
    red = lay(DOCS, tmp_path / "red")
    done = policyloop("mutate", red, "--runner", "native", "--format", "json")
    assert done.code == 4
    Draft202012Validator(schema_of("check")).validate(done.json)
    hollow = lay({"doc.yaml": FIXED}, tmp_path / "hollow")
    assert policyloop("mutate", hollow, "--runner", "native").code == 4
    nowhere = policyloop("mutate", red, "--only", "else.yaml")
    assert (nowhere.code, "there is no else.yaml" in nowhere.err) == (2, True)
    odd = policyloop("mutate", red, "--write", tmp_path / "suite.yaml")
    assert (odd.code, "_test.yaml" in odd.err) == (2, True)


@pytest.mark.compiler
@pytest.mark.parametrize("judged", [0, 1])
def test_an_interrupt_leaves_nothing_and_tells_what_is_known(judged: int, tmp_path: Path) -> None:
    policies = write(synthetic(4), tmp_path / "policies")
    before, stage = picture(policies), tmp_path / "tmp"
    stage.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "policyloop", "mutate", str(policies), "--runner", "native", "--format", "json"],
        env=environment(TMPDIR=str(stage)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    assert b"mutants on the compiler" in process.stderr.readline()
    for _ in range(judged):
        assert b"judged by the tests" in process.stderr.readline()
    deadline = time.monotonic() + 60
    while not any(stage.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    said = json.loads(out)
    Draft202012Validator(schema_of("mutate")).validate(said)
    assert (said["exit_code"], said["outcome"], said["cut_off"]) == (130, "cut off", "interrupted")
    counted = said["mutants"]
    tried = counted["made"] - counted["untried"]
    assert tried == sum(counted[name] for name in ("killed", "survived", "untold", "proved", "invalid"))
    assert tried < counted["made"]
    assert tried >= judged
    assert picture(policies) == before
    assert not list(stage.iterdir())


SCOPES = ("", "north", "north.sea")


def in_scopes(actions: int) -> Bundle:
    """A kind with a policy in each of `SCOPES`, in files with names that no proposal may choose; a rule an action."""
    rules = [{"actions": [f"act{number}"], "effect": "EFFECT_ALLOW", "roles": ["clerk"]} for number in range(actions)]
    files = {}
    for number, scope in enumerate(SCOPES):
        policy = {"resource": "file", "version": "default", "rules": rules, **({"scope": scope} if scope else {})}
        text = yaml.safe_dump({"apiVersion": "api.cerbos.dev/v1", "resourcePolicy": policy})
        files[f"fünf, sechs ({number})!.yaml"] = text
    return Bundle(files)


@pytest.mark.parametrize("actions", [8, 1], ids=["more files than a proposal may hold", "names it may not choose"])
def test_what_binds_a_proposal_binds_no_mutant(actions: int, cerbos: Runner) -> None:
    """Mutants of one kind are looked at together, each with all policies of the kind under a name of its own."""
    bundle = in_scopes(actions)
    result = mutate(cerbos, bundle, "policies", settings=NATIVE, prove=False)
    assert (len(result.survivors) * len(SCOPES) > MAX_EDITS) is (actions == 8)
    assert {one.mutant.file for one in result.survivors} == set(bundle)


def test_a_mutant_may_be_longer_than_an_edit() -> None:
    bundle = Bundle({path: f"{text}# {'ü' * (MAX_EDIT_BYTES // 2)}\n" for path, text in in_scopes(1).files.items()})
    mutants = mutants_of(bundle)
    assert mutants
    assert all(mutant.of(bundle)[mutant.file] == mutant.text for mutant in mutants)
