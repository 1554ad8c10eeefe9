"""The starter bundle: what it decides, put to a real PDP; where it came from; and how it is written out."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from asked_pdp import asking
from bundles import FIXTURES, read
from command import environment, policyloop
from decision_point import started
from policyloop.cerbos.run import Runner
from policyloop.decide.answer import DECIDED
from policyloop.decide.decision import FORBIDDEN, NOT_ALLOWED
from policyloop.decide.judge import Ask, judge
from policyloop.serve.starter import NEXT, WRITTEN
from policyloop.specification import FILE_NAME, check_spec, parse_spec, suites_from
from starter_cases import cases
from worked import request_of, scripted

STARTER = FIXTURES / "starter"
POLICIES = STARTER / "policies"
LONG = pytest.mark.skipif("POLICYLOOP_STARTER" not in os.environ, reason="takes minutes: make starter-long")


@pytest.fixture(scope="module")
def starter(cerbos: Runner) -> Iterator[Ask]:
    with asking(read(POLICIES)) as ask:
        yield ask


def test_no_way_round_is_allowed(starter: Ask) -> None:
    table = cases("ways-round")
    assert len({case.name for case in table}) >= 350
    for case in table:
        decision, _ = judge(case.call, starter)
        assert not decision.trouble, case.name
        assert decision.effect == "deny" or (decision.effect == "ask" and not case.wholly), case.name
        assert case.call.event in DECIDED
        assert decision.reason


def test_no_honest_call_is_denied(starter: Ask) -> None:
    table = cases("honest")
    assert len({case.name for case in table}) >= 160
    said = Counter[str]()
    for case in table:
        decision, _ = judge(case.call, starter)
        assert not decision.trouble, case.name
        assert decision.effect == "allow" or (decision.effect == "ask" and not case.wholly), case.name
        said[decision.effect] += 1
    # It is of no use either to ask about everything.
    assert said["ask"] * 5 < said["allow"]


def test_a_reason_repeats_nothing_of_the_call(starter: Ask) -> None:
    """What is answered goes to the model: no path, no secret, no pattern of a rule."""
    for case in cases("ways-round"):
        decision, _ = judge(case.call, starter)
        words = [word for value in case.call.input.values() if isinstance(value, str) for word in value.split()]
        assert not any(word in decision.reason for word in words if len(word) > 8), case.name


# --- where it came from


def test_its_suites_are_those_of_its_confirmed_spec() -> None:
    spec = parse_spec((STARTER / FILE_NAME).read_text())
    assert spec.is_confirmed
    assert not check_spec(spec)
    assert spec.request == request_of(STARTER)
    written = {path.removeprefix("tests/"): text for path, text in suites_from(spec).items()}
    there = {path.removeprefix("tests/"): text for path, text in read(POLICIES).files.items() if "tests/" in path}
    assert written == there


def test_its_policies_are_what_the_model_said_last() -> None:
    said = yaml.safe_load((STARTER / "replies.yaml").read_text())
    files = {edit["path"]: edit["content"] for edit in said[-1]["edits"]}
    assert files == {path: text for path, text in read(POLICIES).files.items() if "tests/" not in path}


def test_it_passes_both_passes_of_the_compiler(tmp_path: Path, cerbos: Runner) -> None:
    folder = tmp_path / "tools"
    assert policyloop("serve", "--init", folder).code == 0
    done = policyloop("check", folder / "policies", "--runner", "native", "--format", "plain")
    assert done.code == 0, done.out + done.err


@LONG
def test_the_loop_writes_it_again(tmp_path: Path, cerbos: Runner, pytestconfig: pytest.Config) -> None:
    """From the request to green with the recorded replies; the spec's and the suites' text come from code."""
    policies = tmp_path / "project" / "policies"
    policies.mkdir(parents=True)
    fixed = ("--policies", policies, "--runner", "native", "--format", "json")
    with scripted(*yaml.safe_load((STARTER / "replies.yaml").read_text())) as api:
        env = {"ANTHROPIC_API_KEY": "test", "ANTHROPIC_BASE_URL": api.url}
        first = policyloop("run", request_of(STARTER), *fixed, env=env, timeout=900)
        assert (first.code, first.json["stopped_by"]) == (5, "questions")
        more = ("--answers", STARTER / "answers.yaml", "--yes", "--by", "a reviewer")
        second = policyloop("run", request_of(STARTER), *fixed, *more, env=env, timeout=900)
    assert (second.code, second.json["outcome"]) == (0, "green"), second.err
    if pytestconfig.getoption("--regenerate"):
        (STARTER / FILE_NAME).write_bytes((policies.parent / FILE_NAME).read_bytes())
        for path, text in read(policies).files.items():
            file = POLICIES / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    assert read(policies).files == read(POLICIES).files
    written, known = (parse_spec(place.read_text()) for place in (policies.parent / FILE_NAME, STARTER / FILE_NAME))
    assert written.digest == known.digest


@LONG
def test_lint_finds_nothing_and_its_tests_notice_mistakes(cerbos: Runner) -> None:
    fixed = ("--runner", "native", "--format", "json")
    linted = policyloop("lint", POLICIES, *fixed, "--server-config", STARTER / "cerbos.yaml", timeout=900)
    assert (linted.code, linted.json["findings"]) == (0, []), linted.out
    measured = policyloop("mutate", POLICIES, *fixed, timeout=900)
    assert measured.json["score"] >= 95, measured.err


# --- written out


def test_init_writes_it_into_a_new_folder_and_tells_what_is_next(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "tools"
    done = policyloop("serve", "--init", folder)
    assert done.code == 0, done.err
    assert done.out.splitlines() == [str(folder / name) for name in WRITTEN]
    assert all(command in done.err for command in NEXT)
    assert read(folder / "policies").files == read(POLICIES).files
    assert [path.name for path in folder.parent.iterdir()] == ["tools"]
    again = policyloop("serve", "--init", folder)
    assert again.code == 2
    assert "is not empty" in again.err


@pytest.mark.parametrize("kind", ["empty", "hidden", "file", "link"])
def test_init_takes_an_empty_folder_and_no_other(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "tools"
    if kind == "file":
        folder.write_text("mine")
    elif kind == "link":
        (tmp_path / "other").mkdir()
        folder.symlink_to(tmp_path / "other")
    else:
        folder.mkdir()
        if kind == "hidden":
            (folder / ".mine").write_text("mine")
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    done = policyloop("serve", "--init", folder)
    if kind == "empty":
        assert done.code == 0
        assert (folder / "policies" / "pre_tool_use.yaml").exists()
    else:
        assert done.code == 2
        assert sorted(str(path) for path in tmp_path.rglob("*")) == before


def test_what_init_writes_runs_observes_and_enforces(tmp_path: Path, cerbos: Runner) -> None:
    """From nothing to a decision: init, agree, serve; then `mode: enforce`."""
    who = {"x-claude-user": "alex", "x-claude-user-roles": "engineer"}
    event = {"session_id": "s", "cwd": "/home/alex/shop", "hook_event_name": "PreToolUse", "tool_use_id": "t1"}
    read_env = {**event, "tool_name": "Read", "tool_input": {"file_path": "/home/alex/shop/.env.production"}}
    status = {**event, "tool_name": "Bash", "tool_input": {"command": "git status"}}
    for mode in ("observe", "enforce"):
        room = tmp_path / mode
        room.mkdir()
        assert policyloop("serve", "--init", room / "project").code == 0
        config = (room / "project" / "policyloop.yaml").read_text().replace("mode: observe", f"mode: {mode}")
        server = started(room, config=config)
        try:
            denied, allowed, nobody = (
                server.ask(read_env, **who),
                server.ask(status, **who),
                server.ask(status),
            )
            forwarded = _forwarded(server.port)
        finally:
            server.stop()
        assert forwarded.returncode == (2 if mode == "enforce" else 0)
        assert FORBIDDEN in forwarded.stdout or NOT_ALLOWED in forwarded.stdout or mode == "observe"
        decisions = [each["hookSpecificOutput"].get("permissionDecision") for each in (denied, allowed, nobody)]
        assert decisions == (["deny", None, "deny"] if mode == "enforce" else [None, None, None])


def _forwarded(port: int) -> "subprocess.CompletedProcess[str]":
    """A harmless command of another agent, of somebody without a role."""
    event = {"hook_event_name": "BeforeTool", "session_id": "s", "cwd": "/app", "tool_name": "run_shell_command"}
    command = [sys.executable, "-m", "policyloop", "hook", "forward", "--client", "gemini"]
    return subprocess.run(
        [*command, "--to", f"http://127.0.0.1:{port}"],
        input=json.dumps({**event, "tool_input": {"command": "git status"}}),
        capture_output=True, text=True, env=environment(), timeout=60, check=False,
    )  # fmt: skip
