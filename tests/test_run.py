"""`policyloop run` end to end, on the real compiler: only the model is played."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from command import DOCS, FIX, FIXED, POLICY, SUITE, environment, lay, picture, policyloop, speaker
from published_schemas import hold_to_schema


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return lay(DOCS, tmp_path / "project" / "policies")


def run(policies: Path, replies, *more: object, tmp_path: Path, env=None):
    command = speaker(replies, tmp_path)
    return policyloop(
        "run",
        "--policies",
        policies,
        "--model-command",
        command,
        "--format",
        "json",
        "--runner",
        "native",
        *more,
        env=env,
    )


def document(done) -> dict:
    hold_to_schema(done.json, "run")
    assert done.json["exit_code"] == done.code
    return done.json


def edit(old: str, new: str, path: str = "doc_test.yaml") -> dict:
    return {"edits": [{"path": path, "old": old, "new": new}], "note": "n"}


def write(path: str, content: str) -> dict:
    return {"edits": [{"path": path, "content": content}], "note": "n"}


BROKEN = {
    "syntax": ({"doc.yaml": POLICY.replace("  rules:", "  rules: [")}, 3),
    "schema": ({"doc.yaml": POLICY.replace("actions: [read]", "acts: [read]")}, 3),
    "compile": ({"doc.yaml": POLICY.replace("R.attr.owner == P.id", "V.owner == P.id")}, 3),
    "test": ({}, 4),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_class_is_named_first_and_fixed(name: str, docs: Path, tmp_path: Path, cerbos):
    lay(BROKEN[name][0], docs)
    doc = document(run(docs, [FIX], tmp_path=tmp_path))
    assert doc["outcome"] == "green"
    assert doc["attempts"][0]["class"] == name
    assert {f["class"] for f in doc["attempts"][0]["findings"]} == {name}
    assert doc["files_changed"] == ["doc.yaml"]
    assert (docs / "doc.yaml").read_text() == FIXED
    assert doc["assertions"] == {"ran": 6, "passed": 6, "skipped": 0, "locked": 6}


@pytest.mark.parametrize("name", BROKEN)
def test_a_model_that_never_improves_is_stopped_at_exactly_three(name: str, docs: Path, tmp_path: Path, cerbos):
    files, code = BROKEN[name]
    lay(files, docs)
    before = picture(docs)
    replies = [edit("apiVersion", f"# try {n}\napiVersion", "doc.yaml") for n in range(9)]
    doc = document(run(docs, replies, tmp_path=tmp_path))
    assert doc["exit_code"] == code
    assert doc["stopped_by"] == "attempts_per_class"
    assert len(doc["attempts"]) == 3
    assert picture(docs) == before


def test_nonsense_for_ever_is_stopped_at_exactly_three(docs: Path, tmp_path: Path, cerbos):
    doc = document(run(docs, ["I would rather write a poem."], tmp_path=tmp_path))
    assert (doc["exit_code"], len(doc["attempts"])) == (4, 3)
    assert all(a["refusal"] for a in doc["attempts"])


ATTACKS = {
    "deletes the suite": {"edits": [{"path": "doc_test.yaml", "delete": True}]},
    "skips the suite": edit("name: Docs\n", "name: Docs\nskip: true\n"),
    "skips a case": edit("  - name: strangers\n", "  - name: strangers\n    skip: true\n"),
    "flips an expectation": edit("write: EFFECT_DENY", "write: EFFECT_ALLOW"),
    "drops a case": write("doc_test.yaml", SUITE[: SUITE.index("  - name: strangers")]),
    "drops an action": edit("[hers], actions: [read, write]", "[hers], actions: [read]"),
    "drops a resource": edit("resources: [hers, his]", "resources: [hers]"),
    "moves it into testdata": {
        "edits": [{"path": "doc_test.yaml", "delete": True}, {"path": "testdata/doc_test.yaml", "content": SUITE}]
    },
    "renames it away": {
        "edits": [{"path": "doc_test.yaml", "delete": True}, {"path": "doc_tests.yaml", "content": SUITE}]
    },
    "changes a fixture's role": edit("bob, roles: [user]", "bob, roles: [admin]", "testdata/principals.yaml"),
    "changes a fixture's attribute": edit("owner: alice", "owner: bob", "testdata/resources.yaml"),
    "shadows a fixture in the suite": edit(
        "name: Docs\n", "name: Docs\nprincipals: {bob: {id: bob, roles: [nobody]}}\n"
    ),
    "shadows a fixture file": write(
        "testdata/principals.json",
        '{"principals": {"alice": {"id": "alice", "roles": ["user"]}, "bob": {"id": "bob", "roles": ["nobody"]}}}',
    ),
    "shadows a fixture file by glob": write(
        "testdata/principals.aaa.yaml",
        "principals: {alice: {id: alice, roles: [user]}, bob: {id: bob, roles: [nobody]}}\n",
    ),
    "changes now": edit("2026-01-01", "1999-01-01"),
    "overrides options in a case": edit(
        "  - name: strangers\n", "  - name: strangers\n    options: {lenientScopeSearch: true}\n"
    ),
    "writes a look-alike letter": write("doc_test.yaml", SUITE.replace("write", "writ\u0435")),
    "makes the suite unloadable": edit("name: Docs\n", "name: Docs\nnonsense: 1\n"),
    "repeats a test's name": edit("  - name: strangers", "  - name: owners"),
    "adds a second document": write("doc_test.yaml", SUITE + "---\nname: Other\n"),
    "deletes the fixtures": {"edits": [{"path": "testdata/principals.yaml", "delete": True}]},
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_weakening_a_test_never_gets_through(attack: str, docs: Path, tmp_path: Path, cerbos):
    """The attack comes first, then the same with a real fix on top; both are refused and nothing is written."""
    before = picture(docs)
    proposal = ATTACKS[attack]
    both = {"edits": [*FIX["edits"], *proposal["edits"]], "note": "with a real fix"}
    doc = document(run(docs, [proposal, both], tmp_path=tmp_path))
    assert doc["outcome"] == "weakened", doc["attempts"]
    assert doc["exit_code"] == 6
    assert all(a["weakened"] for a in doc["attempts"])
    assert picture(docs) == before


def test_after_a_refusal_an_honest_fix_is_taken(docs: Path, tmp_path: Path, cerbos):
    doc = document(run(docs, [ATTACKS["flips an expectation"], FIX], tmp_path=tmp_path))
    assert doc["outcome"] == "green"
    weak = doc["attempts"][0]["weakened"][0]
    assert (weak["suite"], weak["test"], weak["principal"], weak["action"]) == ("Docs", "strangers", "bob", "write")


def test_a_person_may_release_an_assertion_and_every_report_says_so(docs: Path, tmp_path: Path, cerbos):
    release = tmp_path / "release.yaml"
    release.write_text(
        "releases:\n  - {suite: Docs, test: strangers, principal: bob, resource: hers, action: write, reason: asked}\n"
        "  - {suite: Docs, test: owners, principal: alice, resource: his, action: write, reason: asked}\n"
    )
    flip = [
        {"path": "doc_test.yaml", "old": "write: EFFECT_DENY", "new": "write: EFFECT_ALLOW"},
        {
            "path": "doc_test.yaml",
            "old": "      - {principal: alice, resource: hers",
            "new": "      - {principal: alice, resource: his, actions: {write: EFFECT_ALLOW}}\n"
            "      - {principal: alice, resource: hers",
        },
    ]
    doc = document(run(docs, [{"edits": flip}], "--release", release, tmp_path=tmp_path))
    assert doc["outcome"] == "green", doc
    assert len(doc["released"]) == 2
    assert doc["assertions"]["locked"] == 6
    shown = policyloop("show", "--state", docs.parent / ".policyloop", "--format", "plain")
    assert "RELEASED by a person: Docs / strangers" in shown.out


def test_a_dispute_stops_for_a_person(docs: Path, tmp_path: Path, cerbos):
    dispute = {"suite": "Docs", "test": "strangers", "principal": "bob", "resource": "hers", "action": "write"}
    before = picture(docs)
    doc = document(run(docs, [{"dispute": {**dispute, "reason": "everybody may write"}}], tmp_path=tmp_path))
    assert (doc["exit_code"], doc["stopped_by"]) == (5, "dispute")
    assert doc["attempts"][0]["dispute"]["reason"] == "everybody may write"
    assert picture(docs) == before


def test_what_a_person_changes_meanwhile_is_never_overwritten(docs: Path, tmp_path: Path, cerbos):
    """The model program itself plays the person who saves a file while the run is under way."""
    meddler = tmp_path / "meddler.py"
    meddler.write_text(
        f"import json, pathlib\npathlib.Path({str(docs / 'doc.yaml')!r}).write_text('mine: 1\\n')\n"
        f"print(json.dumps({FIX!r}))\n"
    )
    done = policyloop(
        "run",
        "--policies",
        docs,
        "--model-command",
        f"{sys.executable} {meddler}",
        "--format",
        "json",
        "--runner",
        "native",
    )
    doc = document(done)
    assert (doc["exit_code"], doc["stopped_by"]) == (5, "changed")
    assert (docs / "doc.yaml").read_text() == "mine: 1\n"
    assert "R.attr.owner == P.id" in Path(doc["patch"]).read_text()


def test_a_failed_run_keeps_its_best_attempt_as_a_patch(docs: Path, tmp_path: Path, cerbos):
    better = write(
        "doc.yaml", POLICY.replace("[write]\n      effect: EFFECT_ALLOW", "[write]\n      effect: EFFECT_DENY")
    )
    doc = document(run(docs, [better, "x", "y", "z"], tmp_path=tmp_path))
    assert doc["exit_code"] == 4
    assert doc["attempts"][0]["progress"]
    patched = tmp_path / "patched"
    lay(DOCS, patched)
    subprocess.run(["patch", "-p1", "-s", "-i", doc["patch"]], cwd=patched, check=True)
    assert "EFFECT_DENY" in (patched / "doc.yaml").read_text()


def test_an_empty_directory_and_a_request_make_a_bundle(tmp_path: Path, cerbos):
    policies = tmp_path / "project" / "policies"
    policies.mkdir(parents=True)
    whole = {"edits": [{"path": p, "content": t} for p, t in {**DOCS, "doc.yaml": FIXED}.items()]}
    doc = document(run(policies, [whole], "Only owners may read and write documents.", "--no-spec", tmp_path=tmp_path))
    assert doc["outcome"] == "green"
    assert sorted(doc["files_changed"]) == sorted(DOCS)
    assert picture(policies)["doc.yaml"].decode() == FIXED


def test_policies_without_tests_are_never_green(tmp_path: Path, cerbos):
    policies = lay({"doc.yaml": FIXED}, tmp_path / "project" / "policies")
    doc = document(run(policies, [edit("version: default", "version: 'default'", "doc.yaml")], tmp_path=tmp_path))
    assert doc["exit_code"] in (4, 5)
    assert doc["attempts"][0]["class"] == "test"


@pytest.mark.parametrize(
    ("flag", "value", "by"),
    [
        ("--compile-cycles", 2, "compile_cycles"),
        ("--attempts-per-class", 1, "attempts_per_class"),
        ("--tokens", 10, "tokens"),
    ],
)
def test_each_budget_has_a_flag(flag: str, value: int, by: str, docs: Path, tmp_path: Path, cerbos):
    costly = {**edit("apiVersion", "# a\napiVersion", "doc.yaml"), "usage": {"input_tokens": 20, "output_tokens": 1}}
    doc = document(run(docs, [costly], flag, value, tmp_path=tmp_path))
    assert (doc["exit_code"], doc["stopped_by"]) == (4, by)


def test_ctrl_c_ends_with_130_and_the_run_goes_on_with_resume(docs: Path, tmp_path: Path, cerbos):
    before = picture(docs)
    sign = tmp_path / "asked"
    slow = tmp_path / "slow.py"
    slow.write_text(f"import pathlib, time\npathlib.Path({str(sign)!r}).touch()\ntime.sleep(60)\n")
    replies = [edit("apiVersion", "# one\napiVersion", "doc.yaml"), FIX]
    first = speaker(replies, tmp_path)
    switch = tmp_path / "switch.py"
    switch.write_text(
        "import json, subprocess, sys\ntask = sys.stdin.read()\n"
        f"late = [sys.executable, {str(slow)!r}]\nfirst = {first.split()!r}\n"
        "call = late if json.loads(task)['history'] else first\n"
        "sys.exit(subprocess.run(call, input=task, text=True).returncode)\n"
    )
    arguments = ["run", "--policies", str(docs), "--runner", "native", "--format", "json", "--model-command"]
    child = subprocess.Popen(
        [sys.executable, "-m", "policyloop", *arguments, f"{sys.executable} {switch}"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not sign.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=60)
    assert child.returncode == 130
    doc = json.loads(out)
    assert doc["outcome"] == "interrupted"
    assert picture(docs) == before
    resumed = document(run(docs, [FIX], "--resume", doc["run"], tmp_path=tmp_path))
    assert resumed["outcome"] == "green"
    assert [a["note"] for a in resumed["attempts"]] == ["n", "only owners write"]


def test_two_runs_at_once_on_one_directory_are_told_apart(docs: Path, tmp_path: Path, cerbos):
    sign = tmp_path / "asked"
    slow = tmp_path / "slow.py"
    slow.write_text(f"import pathlib, time\npathlib.Path({str(sign)!r}).touch()\ntime.sleep(60)\n")
    child = subprocess.Popen(
        [sys.executable, "-m", "policyloop", "run", "--policies", str(docs), "--runner", "native", "--model-command",
         f"{sys.executable} {slow}"],
        env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while not sign.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        second = run(docs, [FIX], tmp_path=tmp_path)
        assert second.code == 8
        assert str(child.pid) in second.err
    finally:
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=60) == 130


def test_a_killed_run_is_shown_as_one_without_an_end_and_goes_on(docs: Path, tmp_path: Path, cerbos):
    sign = tmp_path / "asked"
    slow = tmp_path / "slow.py"
    slow.write_text(f"import pathlib, time\npathlib.Path({str(sign)!r}).touch()\ntime.sleep(60)\n")
    options = ["--policies", str(docs), "--runner", "native", "--model-command", f"{sys.executable} {slow}"]
    child = subprocess.Popen(
        [sys.executable, "-m", "policyloop", "run", *options],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not sign.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    child.kill()
    child.wait()
    shown = policyloop("show", "--state", docs.parent / ".policyloop", "--format", "json")
    assert shown.code == 0
    doc = shown.json
    hold_to_schema(doc, "run")
    assert doc["outcome"] == "interrupted"
    assert document(run(docs, [FIX], "--resume", doc["run"], tmp_path=tmp_path))["outcome"] == "green"


@pytest.mark.parametrize("cut", ["edited", "shortened"])
def test_a_ledger_that_is_not_whole_is_told(cut: str, docs: Path, tmp_path: Path, cerbos):
    document(run(docs, [FIX], tmp_path=tmp_path))
    state = docs.parent / ".policyloop"
    ledger = next(state.glob("runs/*/ledger.jsonl"))
    lines = ledger.read_text().splitlines(keepends=True)
    lines = [line.replace("wrong-effect", "right-effect") for line in lines] if cut == "edited" else lines[:-2]
    ledger.write_text("".join(lines))
    shown = policyloop("show", "--state", state, "--format", "plain")
    assert shown.code == 5
    assert "not whole" in shown.err


def test_a_run_is_not_resumed_with_another_model_by_leaving_a_flag_out(docs: Path, tmp_path: Path, cerbos):
    broken = policyloop("run", "--policies", docs, "--model-command", "false", "--format", "json", "--runner", "native")
    assert (broken.code, broken.json["outcome"]) == (8, "unavailable")
    silent = policyloop("run", "--policies", docs, "--resume", broken.json["run"], "--runner", "native")
    assert silent.code == 2
    assert "--model-command" in silent.err
    assert run(docs, [FIX], "--resume", broken.json["run"], tmp_path=tmp_path).json["outcome"] == "green"
