"""The command line itself: what is asked wrongly costs nothing and gets one sentence; what happened is told."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bundles import SMALL
from command import environment, policyloop

GREEN = SMALL / "green" / "policies"
RED = SMALL / "test" / "policies"


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", ""),
        ("check", GREEN, "--baseline", ""),
        ("guard", "", GREEN),
        ("run", "--policies", ""),
        ("run", "--policies", GREEN, "--resume", ""),
        ("run", "--policies", GREEN, "--model-command", " "),
        ("run", "--policies", GREEN, "--state", ""),
        ("check", GREEN, "--profile", ""),
    ],
)
def test_an_empty_text_is_not_taken_for_an_absent_one(arguments: tuple[object, ...], tmp_path: Path) -> None:
    done = policyloop(*arguments, cwd=tmp_path)
    assert done.code == 2
    assert "it is empty" in done.err
    assert len(done.err.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_two_models_at_once_are_refused(tmp_path: Path) -> None:
    done = policyloop("run", "--policies", GREEN, "--replay", "x", "--model-command", "y", cwd=tmp_path)
    assert (done.code, len(done.err.splitlines())) == (2, 1)


def test_a_usage_error_ends_its_sentence_and_names_the_help_of_its_command() -> None:
    done = policyloop("check", "one", "two")
    assert done.code == 2
    assert done.err == "policyloop: Got unexpected extra argument(s) (two). Try 'policyloop check --help'.\n"


@pytest.mark.parametrize("arguments", [("session",), ("spec",), ("run", "--policies"), ("guard",)])
def test_what_is_missing_is_said_in_one_sentence(arguments: tuple[object, ...]) -> None:
    done = policyloop(*arguments)
    assert (done.code, len(done.err.splitlines()), "Usage:" in done.err) == (2, 1, False)
    assert done.err.endswith(f"Try 'policyloop {arguments[0]} --help'.\n")


@pytest.mark.parametrize("key", [" ", "half a key", "cut\noff"])
def test_the_doctor_finds_a_key_that_is_none_and_does_not_show_it(key: str) -> None:
    done = policyloop("doctor", "--format", "json", env={"ANTHROPIC_API_KEY": key})
    [found] = [one for one in done.json["found"] if one["name"] == "model key"]
    assert found["state"] == "broken"
    assert key.strip() not in json.dumps(found) or not key.strip()


def test_without_arguments_the_help_is_shown_on_lines() -> None:
    done = policyloop()
    assert done.code == 2
    assert done.out == policyloop("--help").out
    assert len(done.out.splitlines()) > 10
    assert "..." not in done.out.partition("Commands:")[2]


@pytest.mark.compiler
def test_a_blank_request_asks_for_a_repair(tmp_path: Path) -> None:
    policies = shutil.copytree(GREEN, tmp_path / "policies")
    done = policyloop("run", "  ", "--policies", policies, "--runner", "native", "--model-command", "false")
    assert done.code == 0, done.out + done.err
    assert "repair what is there" in done.out


def test_a_junit_file_that_cannot_be_written_is_told_before_the_run(tmp_path: Path) -> None:
    policies = shutil.copytree(RED, tmp_path / "policies")
    arguments = ("--policies", policies, "--format", "json", "--model-command", "false", "--junit")
    done = policyloop("run", *arguments, tmp_path / "no" / "x.xml")
    assert (done.code, done.json["outcome"]) == (2, "error")
    assert not (tmp_path / ".policyloop").exists()


@pytest.mark.parametrize("form", ["plain", "json", "github", "rich"])
def test_guard_tells_what_a_person_released(form: str, tmp_path: Path) -> None:
    demo = Path(__file__).parent.parent / "fixtures" / "demo" / "policies"
    weaker = shutil.copytree(demo, tmp_path / "weaker")
    suite = weaker / "tests" / "performance_review_test.yaml"
    suite.write_text(
        suite.read_text().replace(
            "{view: EFFECT_DENY, edit: EFFECT_DENY}", "{view: EFFECT_ALLOW, edit: EFFECT_DENY}", 1
        )
    )
    names = {"suite": "Performance reviews", "test": "A draft is the direct manager's alone"}
    names |= {"principal": "platform_manager", "resource": "draft_review", "action": "view", "reason": "agreed"}
    release = tmp_path / "release.yaml"
    release.write_text(json.dumps({"releases": [names]}))

    assert policyloop("guard", demo, weaker).code == 6
    done = policyloop("guard", demo, weaker, "--release", release, "--format", form)
    assert done.code == 0, done.out + done.err
    assert "platform_manager view draft_review" in " ".join(done.out.split())


def test_a_release_file_that_is_empty_is_told_as_that(tmp_path: Path) -> None:
    release = tmp_path / "release.yaml"
    release.touch()
    done = policyloop("guard", GREEN, GREEN, "--release", release)
    assert done.code == 2
    assert f"{release} is empty. It holds `releases:`" in done.err


def test_a_step_summary_that_cannot_be_written_changes_no_verdict(tmp_path: Path) -> None:
    env = {"GITHUB_STEP_SUMMARY": str(tmp_path / "no" / "summary")}
    done = policyloop("guard", GREEN, GREEN, "--format", "github", env=env)
    assert done.code == 0, done.err
    assert "::warning title=policyloop::no step summary" in done.out


def test_an_interrupt_outside_a_run_is_told(tmp_path: Path) -> None:
    sleeper = tmp_path / "cerbos"
    sleeper.write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\nsleep 60\n")
    sleeper.chmod(0o755)
    process = subprocess.Popen(
        [sys.executable, "-m", "policyloop", "check", str(GREEN), "--runner", "native"],
        env=environment(POLICYLOOP_CERBOS=str(sleeper)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "asked").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    told, onward = err.splitlines()
    assert told == "policyloop: Interrupted. Nothing was written to the policy directory."
    assert onward == f"next (to begin again): policyloop check {GREEN} --runner native"


@pytest.mark.compiler
def test_a_run_without_a_model_says_how_to_go_on(tmp_path: Path) -> None:
    policies = shutil.copytree(RED, tmp_path / "policies")
    done = policyloop("run", "--policies", policies, "--runner", "native")
    assert done.code == 8
    run = next((tmp_path / ".policyloop" / "runs").iterdir()).name
    command = f"policyloop run --policies {policies} --resume {run} --runner native"
    assert done.err.splitlines()[-1] == f"next (to go on): {command}"


@pytest.mark.compiler
def test_an_excerpt_keeps_its_lines_in_a_narrow_terminal() -> None:
    policies = Path(__file__).parent.parent / "fixtures" / "demo" / "policies"
    done = policyloop("check", policies, "--runner", "native", "--format", "rich", env={"COLUMNS": "40"})
    assert done.code == 3
    excerpt = [line for line in done.out.splitlines() if " | " in line]
    assert all(len(line) <= 40 for line in excerpt)
    assert [line for line in excerpt if line.lstrip().startswith(">   3 | description") and line.endswith("…")]
    assert done.out.splitlines()[done.out.splitlines().index(excerpt[0]) + 1] == excerpt[1]


def test_a_demo_into_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = policyloop("demo", "--into", tmp_path / "file" / "demo")
    assert done.code == 2
    assert f"{tmp_path / 'file' / 'demo'} cannot be written: " in done.err


@pytest.mark.parametrize("form", ["plain", "json"])
def test_a_reader_who_is_gone_gets_no_traceback(form: str, tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    arguments = ["check", str(tmp_path / "no"), "--format", form]
    done = subprocess.run(
        [sys.executable, "-m", "policyloop", *arguments],
        env=environment(),
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr


@pytest.mark.compiler
@pytest.mark.parametrize("stream", [1, 2])
def test_a_closed_stream_ends_no_command(stream: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "policyloop", "check", str(RED), "--runner", "native"],
        env=environment(),
        capture_output=True,
        preexec_fn=lambda: os.close(stream),
        check=False,
    )
    assert done.returncode == 4, done.stderr
