"""Interrupted at any stage, a run about a spec goes on where it was: nothing is asked twice, and nothing is lost."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from command import Done, environment, picture, policyloop
from policyloop.specification import FILE_NAME, parse_spec
from published_schemas import hold_to_schema
from terminal import Terminal
from test_spec_flow import ASK, ASKED, FIX, RAISE, RIGHT, SALARIES, bought, by_stage, document, finished, run
from worked import replies, request_of, start_of, writes

ANSWERS = SALARIES / "answers.yaml"
DRAFTED, TAKEN_IN = replies(SALARIES)[0], {"edits": []}


def hanging(tmp_path: Path, said: dict[str, list[Any]], stage: str) -> tuple[str, Path]:
    """A model program that gives these replies of a stage in turn, and hangs when `stage` has none left; its sign."""
    sign, turns, program = tmp_path / "asked", tmp_path / "turns.json", tmp_path / "hanging.py"
    turns.write_text(json.dumps(dict.fromkeys(said, 0)))
    program.write_text(
        "import json, pathlib, sys, time\n"
        f"said, turns = {said!r}, pathlib.Path({str(turns)!r})\n"
        "stage = json.load(sys.stdin)['stage']\n"
        "gone = json.loads(turns.read_text())\n"
        "turn, gone[stage] = gone[stage], gone[stage] + 1\n"
        "turns.write_text(json.dumps(gone))\n"
        "if turn < len(said[stage]):\n    print(json.dumps(said[stage][turn]))\n"
        f"elif stage == {stage!r}:\n    pathlib.Path({str(sign)!r}).touch()\n    time.sleep(300)\n"
        "else:\n    sys.exit(9)\n"
    )
    return f"{sys.executable} {program}", sign


def interrupted(policies: Path, model: str, sign: Path, *more: object, by: int = signal.SIGINT) -> dict[str, Any]:
    """A run that is interrupted, or killed, while its model is at work; its document, out of the ledger."""
    fixed = ("--policies", policies, "--runner", "native", "--format", "json", "--model-command", model)
    child = subprocess.Popen(
        [sys.executable, "-m", "policyloop", *map(str, ("run", request_of(SALARIES), *fixed, *more))],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    end = time.monotonic() + 60
    while not sign.exists() and time.monotonic() < end and child.poll() is None:
        time.sleep(0.05)
    child.send_signal(by)
    _, err = child.communicate(timeout=60)
    assert child.returncode == (130 if by == signal.SIGINT else -by), err.decode()
    shown = policyloop("show", "--state", policies.parent / ".policyloop", "--format", "json")
    hold_to_schema(shown.json, "run")
    assert shown.json["outcome"] == "interrupted"
    return shown.json


def resumed(policies: Path, run_id: str, tmp_path: Path, said: dict[str, list[Any]], *more: object) -> Done:
    """The run gone on with. The model is another program under the same name: what it is asked again it cannot say."""
    folder = tmp_path / "again"
    folder.mkdir(exist_ok=True)
    model, _ = hanging(folder, {"spec": [], "policies": [], **said}, "none")
    return run(policies, "", "--resume", run_id, *more, model=model)


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGKILL])
def test_while_the_spec_is_drafted(by: int, tmp_path: Path, cerbos):
    """One draft was refused; the next was never given. The first is not asked for again."""
    policies = start_of(SALARIES, tmp_path)
    bad = writes({FILE_NAME: "version: 1\nrequest: other\n"})
    model, sign = hanging(tmp_path, {"spec": [bad], "policies": []}, "spec")
    first = interrupted(policies, model, sign, by=by)
    assert not picture(policies)
    done = document(resumed(policies, first["run"], tmp_path, {"spec": [DRAFTED]}))
    assert (done["exit_code"], done["stopped_by"]) == (5, "questions")
    assert done["attempts"][-1]["number"] == 2
    assert len(parse_spec((policies.parent / FILE_NAME).read_text()).questions) == 3


def own_words(tmp_path: Path) -> Path:
    """Answers of which one is in a person's own words, so that the model has to take them in."""
    answers = tmp_path / "answers.yaml"
    answers.write_text("which-managers: direct\nthe-person-themself: neither\nno-manager: nobody at all\n")
    return answers


def test_while_the_answers_are_taken_in(tmp_path: Path, cerbos):
    policies, answers = start_of(SALARIES, tmp_path), own_words(tmp_path)
    model, sign = hanging(tmp_path, {"spec": [DRAFTED], "policies": []}, "spec")
    first = interrupted(policies, model, sign, "--answers", answers)
    # The draft in the file is the one that was asked about, with no answer in it, so that nobody confirms it as it is.
    draft = parse_spec((policies.parent / FILE_NAME).read_text())
    assert [one.answer for one in draft.questions] == [None, None, None]
    said = {"spec": [TAKEN_IN], "policies": [writes(finished())]}
    done = document(resumed(policies, first["run"], tmp_path, said, "--answers", answers, "--yes"))
    assert done["outcome"] == "green", done
    spec = parse_spec((policies.parent / FILE_NAME).read_text())
    assert spec.is_confirmed
    assert all(one.answer for one in spec.questions)
    assert picture(policies) == picture(SALARIES / "policies")


def test_twice_while_the_answers_are_taken_in(tmp_path: Path, cerbos):
    """The second interrupt keeps the answers, too; and an answer is never confirmed before a rule says so."""
    policies, answers = start_of(SALARIES, tmp_path), own_words(tmp_path)
    model, sign = hanging(tmp_path, {"spec": [DRAFTED], "policies": []}, "spec")
    first = interrupted(policies, model, sign, "--answers", answers)
    folder = tmp_path / "twice"
    folder.mkdir()
    model, sign = hanging(folder, {"spec": [], "policies": []}, "spec")
    second = interrupted(policies, model, sign, "--resume", first["run"])
    assert "Your answers are kept in " in second["message"]
    draft = parse_spec((policies.parent / FILE_NAME).read_text())
    assert [one.answer for one in draft.questions] == [None, None, None]
    said = {"spec": [TAKEN_IN], "policies": [writes(finished())]}
    done = document(resumed(policies, second["run"], tmp_path, said, "--yes"))
    assert done["outcome"] == "green", done


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGKILL])
def test_after_the_confirmation_while_policies_are_made(by: int, tmp_path: Path, cerbos):
    policies = start_of(SALARIES, tmp_path)
    rest = finished()
    half = writes({"salary.yaml": rest.pop("salary.yaml")})
    model, sign = hanging(tmp_path, {"spec": [DRAFTED], "policies": [half]}, "policies")
    first = interrupted(policies, model, sign, "--assume", "--yes", "--by", "ann", by=by)
    assert len(first["assumptions"]) == 3
    assert first["spec"]["confirmed_by"] == "ann"
    assert not picture(policies)
    spec = (policies.parent / FILE_NAME).read_text()
    done = document(resumed(policies, first["run"], tmp_path, {"policies": [writes(rest)]}))
    assert done["outcome"] == "green", done
    assert done["assumptions"] == first["assumptions"]
    assert done["spec"] == first["spec"]
    assert [attempt["number"] for attempt in done["attempts"]] == [2, 3]
    assert (policies.parent / FILE_NAME).read_text() == spec
    assert all(row["tested"] for row in done["rules"])


def test_not_over_a_spec_that_was_changed_since(tmp_path: Path, cerbos):
    policies = start_of(SALARIES, tmp_path)
    spec = policies.parent / FILE_NAME
    model, sign = hanging(tmp_path, {"spec": [DRAFTED], "policies": []}, "policies")
    first = interrupted(policies, model, sign, "--assume", "--yes")
    text = spec.read_text()
    for changed in (text.replace("Works in human", "Works near human"), text.replace("digest: ", "digest: x"), None):
        if changed is None:
            spec.unlink()
        else:
            spec.write_text(changed)
        done = resumed(policies, first["run"], tmp_path, {"policies": [writes(finished())]})
        assert done.code == 5, done
        assert "is not what it was in run" in done.err
        assert not picture(policies)
    spec.write_text("# Only a comment more.\n" + text)
    assert document(resumed(policies, first["run"], tmp_path, {"policies": [writes(finished())]}))["outcome"] == "green"


def test_not_with_another_request(tmp_path: Path, cerbos):
    policies = start_of(SALARIES, tmp_path)
    model, sign = hanging(tmp_path, {"spec": [], "policies": []}, "spec")
    first = interrupted(policies, model, sign)
    done = run(policies, "Everybody sees everything.", "--resume", first["run"], model=model)
    assert done.code == 2
    assert "was about another request" in done.err


# --- Ctrl-C at each thing that a person is asked


def asked(policies: Path, tmp_path: Path, words: str, *more: object) -> Terminal:
    """A run on a terminal. Its model drafts once, and once takes in answers; it makes no policies."""
    model, _ = hanging(tmp_path, {"spec": [DRAFTED, TAKEN_IN], "policies": []}, "none")
    fixed = ("--policies", policies, "--runner", "native", "--format", "plain", "--model-command", model)
    return Terminal("run", *((words,) if words else ()), *fixed, *more, env={"COLUMNS": "160"})


def latest(policies: Path) -> str:
    return policyloop("show", "--state", policies.parent / ".policyloop", "--format", "json").json["run"]


@pytest.mark.parametrize("answered", [0, 2])
def test_ctrl_c_at_a_question(answered: int, tmp_path: Path, cerbos):
    """Resumed, it asks for the rest; then the model is given all answers at once."""
    policies = start_of(SALARIES, tmp_path)
    terminal = asked(policies, tmp_path, request_of(SALARIES))
    for _ in range(answered):
        terminal.until(ASK)
        terminal.say("1\n")
    terminal.until(ASK)
    terminal.say("\x03")
    assert terminal.end() == 130
    assert not picture(policies)
    again = _go_on(policies, tmp_path)
    for number in range(1, 4 - answered):
        assert f"Question {number} of {3 - answered}" in again.until(ASK)
        again.say("1\n")
    again.until("[e]dit: ")
    again.say("y\n")
    again.end()
    spec = parse_spec((policies.parent / FILE_NAME).read_text())
    assert spec.is_confirmed
    assert [one.answer for one in spec.questions] == ["direct", "neither", "nobody"]


def _go_on(policies: Path, tmp_path: Path) -> Terminal:
    folder = tmp_path / "on"
    folder.mkdir()
    model, _ = hanging(folder, {"spec": [TAKEN_IN], "policies": [writes(finished())]}, "none")
    fixed = ("--policies", policies, "--runner", "native", "--format", "plain", "--model-command", model)
    return Terminal("run", "--resume", latest(policies), *fixed, env={"COLUMNS": "160"})


def test_ctrl_c_at_the_confirmation(tmp_path: Path, cerbos):
    policies = start_of(SALARIES, tmp_path)
    terminal = asked(policies, tmp_path, request_of(SALARIES), "--answers", ANSWERS)
    terminal.until("[e]dit: ")
    terminal.say("\x03")
    assert terminal.end() == 130
    assert not parse_spec((policies.parent / FILE_NAME).read_text()).is_confirmed
    again = _go_on(policies, tmp_path)
    shown = again.until("[e]dit: ")
    assert "Question" not in shown
    again.say("y\n")
    assert again.end() == 0, again.seen
    assert parse_spec((policies.parent / FILE_NAME).read_text()).is_confirmed
    assert picture(policies) == picture(SALARIES / "policies")


def test_ctrl_c_at_a_release_releases_nothing(tmp_path: Path, cerbos):
    policies = bought(tmp_path)
    before, spec = picture(policies), (policies.parent / FILE_NAME).read_text()
    model = by_stage(tmp_path, [RAISE], [{"edits": [FIX, RIGHT]}])
    fixed = ("--policies", policies, "--runner", "native", "--format", "plain", "--model-command", model)
    terminal = Terminal("run", ASKED, *fixed, env={})
    terminal.until("[e]dit: ")
    terminal.say("\x03")
    assert terminal.end() == 130
    assert picture(policies) == before
    assert (policies.parent / FILE_NAME).read_text() == spec
    again = Terminal("run", "--resume", latest(policies), *fixed, env={})
    assert "2 older tests are let go of by a yes:" in again.until("[e]dit: ")
    again.say("y\n")
    assert again.end() == 0, again.seen
    assert len(parse_spec((policies.parent / FILE_NAME).read_text()).releases) == 2
