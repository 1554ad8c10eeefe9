"""Attacks on the loop: what a model that wants green, or wants to be a nuisance, may propose. Each one once worked."""

import json
import resource
import sys
from pathlib import Path

import pytest

from command import DOCS, FIX, SUITE, lay, policyloop
from policyloop.budget import Budget
from policyloop.bundle import Bundle
from policyloop.cerbos.outline import loops, parses, too_deep
from policyloop.cerbos_loop import begin
from policyloop.compose import compose
from policyloop.controller import Propose, Proposed, Validated, advance
from policyloop.findings import AssertionId, CompilerInfo, ErrorClass, Finding, Report
from policyloop.guard import Lock
from policyloop.models.tally import usage_from_json
from policyloop.protocol import proposal_from_json, task_to_json
from policyloop.task import Malformed, Reply
from policyloop.validators.judge import validate
from policyloop.validators.native import NativeRunner

pytestmark = pytest.mark.sweep

FAILING = Finding(
    error_class=ErrorClass.TEST,
    code="wrong-effect",
    message="expected EFFECT_DENY, got EFFECT_ALLOW",
    file="doc_test.yaml",
    assertion=AssertionId("doc_test.yaml", "Docs", "strangers", "bob", "hers", "write"),
)


def merge_bomb(levels: int) -> str:
    """YAML in which each mapping merges the one before ten times: ten to the power of `levels` entries."""
    lines = ["a0: &a0 {k: 1}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, levels + 1)]
    return "\n".join(lines) + "\n"


HARMFUL = {
    "merge keys that multiply": merge_bomb(9),
    "aliases that multiply": "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)).replace(
        "*a0", "x"
    ),
    "a number in base sixty that is too large": f"a: {':'.join(['59'] * 400)}.5\n",
    "a truth value that is none": "a: !!bool maybe\n",
    "a whole number that is none": 'a: !!int ""\n',
    "a time that is none": "a: !!timestamp soon\n",
    "an alias that holds itself": "a: &a [*a]\n",
    "a list as a key": "? [a]\n: b\n",
}


@pytest.mark.parametrize("text", HARMFUL.values(), ids=HARMFUL)
@pytest.mark.skipif(sys.platform != "linux", reason="the memory limit is Linux's")
def test_a_fixture_file_that_the_compiler_never_reads_does_no_harm_to_the_next_task(text: str) -> None:
    bundle = Bundle({**DOCS, "testdata/unread.yaml": text})
    limits = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, limits[1]))
    try:
        selection = compose(bundle, [FAILING])
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, limits)
    assert "doc.yaml" in selection.files


NESTED = "[" * 250_000
"""At this depth libyaml takes minutes, and the compiler more memory than it may have."""


@pytest.mark.skipif(sys.platform != "linux", reason="the memory limit is Linux's")
@pytest.mark.parametrize("path", ["deep.yaml", "deep_test.yaml", "testdata/principals.yaml"])
def test_nesting_that_takes_all_memory_is_told_by_its_file(cerbos: NativeRunner, path: str) -> None:
    runner = NativeRunner(cerbos.binary, 60, memory_bytes=500_000_000)
    report = validate(runner, Bundle({**DOCS, path: f"a: {NESTED}"}))
    assert [(f.code, f.file, f.line) for f in report.findings] == [("out-of-memory", path, 1)]


def test_nesting_is_looked_at_no_deeper_than_it_takes_to_call_it_deep() -> None:
    assert too_deep(NESTED)
    assert not parses(NESTED)
    assert loops(NESTED) is None


UNSHOWABLE = "half a character \ud800, a bell \a, text turned round \u202e, an invisible tag \U000e0041, \u4e2d"


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("form", ["plain", "rich", "github", "json"])
def test_nothing_that_a_model_says_can_end_a_run_by_not_being_showable(
    form: str, encoding: str, tmp_path: Path
) -> None:
    policies = lay(DOCS, tmp_path / "policies")
    replies = tmp_path / "replies.json"
    replies.write_text(json.dumps([{"malformed": UNSHOWABLE}, {**FIX, "note": UNSHOWABLE}]))
    done = policyloop(
        *("run", "--policies", policies, "--replay", replies, "--runner", "native", "--format", form),
        env={"PYTHONIOENCODING": encoding},
    )
    assert (done.code, done.err if form != "json" else "") == (0, "")
    assert not any(hidden in done.out for hidden in "\a\u202e\U000e0041")


@pytest.mark.parametrize("usage", [{"usd": 10**400}, {"input_tokens": 10**4300}, {"usd": float("inf")}])
def test_a_cost_that_no_budget_can_hold_is_malformed(usage: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        usage_from_json(usage)


LONG = "a" * 1_000_000


@pytest.mark.parametrize(
    "data",
    [
        {"edits": [{"path": LONG, "content": ""}]},
        {"edits": [{"path": LONG, "content": ""}] * 300},
        {"edits": [{"path": LONG}]},
        {LONG: 1},
        {"read": [LONG]},
    ],
)
def test_what_a_model_made_up_does_not_fill_the_next_task(data: object) -> None:
    try:
        reply = Reply(proposal_from_json(data))
    except Malformed as error:
        reply = Reply(None, str(error))
    state = begin(Bundle(DOCS), Lock.of(Bundle(DOCS)), Budget())
    state = advance(state, Validated(Report(CompilerInfo("", "", ""), (FAILING,)), 1.0))
    task = advance(state, Proposed(reply, 1.0, 1.0)).todo
    assert isinstance(task, Propose)
    assert len(json.dumps(task_to_json(task.task))) < 200_000


FLOWING = """name: Docs
tests:
  - name: owners
    input: {principals: [alice], resources: [hers], actions: [read]}
    expected:
      - {principal: alice, resource: hers, actions: {read: EFFECT_ALLOW}}
  - {name: strangers, input: {principals: [bob], resources: [hers], actions: [write]},
     expected: [{principal: bob, resource: hers, actions: {write: EFFECT_DENY}}]%s
"""
JSON_SUITE = json.dumps(
    {
        "name": "Docs",
        "tests": [
            {
                "name": "strangers",
                "input": {"principals": ["bob"], "resources": ["hers"], "actions": ["write"]},
                "expected": [{"principal": "bob", "resource": "hers", "actions": {"write": "EFFECT_DENY"}}],
            }
        ],
    },
    indent=2,
)
UNREADABLE = {
    "a key without its colon": (SUITE, SUITE.replace("tests:", "tests")),
    "a second list of tests": (SUITE, SUITE + "tests: []\n"),
    "one test in a line, without its end": (FLOWING % "}", FLOWING % ""),
    "JSON without its end": (JSON_SUITE, JSON_SUITE.rstrip()[:-1]),
    "JSON without a comma": (JSON_SUITE, JSON_SUITE.replace('"Docs",', '"Docs"')),
    "JSON that the compiler runs": (JSON_SUITE, JSON_SUITE.replace('"name": "strangers"', '"name"\n: "strangers"')),
}
EASY = """name: Docs
tests:
  - name: owners
    input: {principals: [alice], resources: [hers], actions: [read]}
    expected:
      - {principal: alice, resource: hers, actions: {read: EFFECT_ALLOW}}
"""


@pytest.mark.parametrize(("whole", "torn"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_suite_that_cannot_be_read_is_no_licence_to_lose_its_tests(whole: str, torn: str) -> None:
    lock = Lock.of(Bundle({**DOCS, "doc_test.yaml": torn}))
    assert lock.weakened_by(Bundle({**DOCS, "doc_test.yaml": EASY}))
    skipping = whole.replace("{", '{"skip": true,', 1) if whole is JSON_SUITE else f"skip: true\n{whole}"
    assert lock.weakened_by(Bundle({**DOCS, "doc_test.yaml": skipping}))
    assert lock.weakened_by(Bundle({**DOCS, "doc_test.yaml": whole.replace("EFFECT_DENY", "EFFECT_ALLOW")}))
    assert lock.weakened_by(Bundle({path: text for path, text in DOCS.items() if path != "doc_test.yaml"}))
    assert lock.weakened_by(Bundle({**DOCS, "doc_test.yaml": whole})) == ()
    assert lock.weakened_by(Bundle({**DOCS, "doc_test.yaml": torn, "more_test.yaml": EASY})) == ()


def test_a_doubtful_text_is_not_trusted_for_having_stood_elsewhere() -> None:
    """What one reader takes for a comment is `owner: alice` to the other. First it is put where it does no harm."""
    doubtful = (
        "resources:\n  hers:\n    kind: doc\n    id: d1\n    attr:\n      #\x85      owner: alice\n"
        "  his: {kind: doc, id: d2, attr: {owner: bob}}\n"
    )
    lock = Lock.of(Bundle(DOCS))
    aside = Bundle(
        {**DOCS, "x/x_test.yaml": SUITE, "x/testdata/resources.yaml": doubtful}
        | {"x/testdata/principals.yaml": DOCS["testdata/principals.yaml"]}
    )
    assert lock.weakened_by(aside) == ()
    later = lock.joined_by(aside, frozenset())
    assert {one.how for one in later.weakened_by(Bundle({**DOCS, "testdata/resources.yaml": doubtful}))} == {
        "ambiguous"
    }


def test_a_small_file_cannot_spell_out_more_assertions_than_memory_holds() -> None:
    names = [f"n{n}" for n in range(45)]
    fixtures = {
        "x/testdata/principals.json": json.dumps({"principals": {n: {"id": n, "roles": ["user"]} for n in names}}),
        "x/testdata/resources.json": json.dumps({"resources": {n: {"id": n, "kind": "doc"} for n in names}}),
    }
    row = {"principal": "n0", "resource": "n0", "actions": {"n0": "EFFECT_DENY"}}
    case = {"name": "t", "input": dict.fromkeys(("principals", "resources", "actions"), names), "expected": [row]}
    suites = {f"x/s{n}_test.json": json.dumps({"name": f"s{n}", "tests": [case]}) for n in range(150)}
    limits = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, limits[1]))
    try:
        weakened = Lock.of(Bundle(DOCS)).weakened_by(Bundle({**DOCS, **fixtures, **suites}))
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, limits)
    assert weakened == ()


@pytest.mark.parametrize("value", ["!!bool maybe", '!!int ""', "!!timestamp soon", f"{'59:' * 400}59.5", "[" * 3000])
@pytest.mark.parametrize("where", ["--config", "--replay"])
def test_yaml_that_no_loader_expects_is_a_mistake_of_the_file(value: str, where: str, tmp_path: Path) -> None:
    policies = lay(DOCS, tmp_path / "policies")
    file = tmp_path / "given.yaml"
    file.write_text(f"model: {{max_output_tokens: {value}}}\n" if where == "--config" else f"- note: {value}\n")
    done = policyloop("run", "--policies", policies, "--runner", "native", where, file, cwd=tmp_path)
    assert done.code == 2, done.err
    assert str(file) in done.err
