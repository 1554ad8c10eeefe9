"""Between GREEN and the person, and after them: what a session's record holds, and whom the hooks take for a person."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from command import DOCS, FIXED, POLICY, SUITE, lay, policyloop
from policyloop.session import home
from policyloop.session.live import HALF_MADE_SECONDS, sweep_runs
from sessions import CLAUDE, OTHER, Room, decision, said

WEAKER = SUITE.replace("{read: EFFECT_DENY, write: EFFECT_DENY}", "{read: EFFECT_DENY, write: EFFECT_ALLOW}")
GREEN = {**DOCS, "doc.yaml": FIXED}


@pytest.fixture(scope="module")
def made_green(tmp_path_factory: pytest.TempPathFactory, cerbos: object) -> Room:
    """A session that has just become green."""
    room = Room.made(tmp_path_factory.mktemp("green") / "case", GREEN)
    assert room.start().json["next"] == "GREEN"
    return room


@pytest.fixture
def room(made_green: Room) -> Room:
    """The same, as it was. Its records name the folder, so it lies where it lay."""
    keep = made_green.folder.parent / "kept"
    if not keep.exists():
        shutil.copytree(made_green.folder, keep, symlinks=True)
    shutil.rmtree(made_green.folder)
    shutil.copytree(keep, made_green.folder, symlinks=True)
    return made_green


def holds(room: Room) -> bool:
    return decision(room.ask("Bash", {"command": "rm -rf x"})) == "deny"


def test_between_green_and_the_person_the_guard_holds(room: Room) -> None:
    weak = {"file_path": str(room.policies / "doc_test.yaml"), "content": WEAKER}
    refused = room.ask("Write", weak)
    assert decision(refused) == "deny"
    assert "nothing is edited any more" in said(refused)["permissionDecisionReason"]
    for path in (room.policies / "doc.yaml", room.project / "policyloop.spec.yaml", room.project / "x.txt"):
        assert decision(room.ask("Write", {"file_path": str(path), "content": "x\n"})) == "deny"
    start = room.ask("Bash", {"command": "policyloop session start again --policies policies"})
    assert decision(start) == "deny"
    assert "once they have taken over" in said(start)["permissionDecisionReason"]
    for personal in ("policyloop session end", "policyloop session start --tests-as-they-are --policies policies"):
        assert decision(room.ask("Bash", {"command": personal})) == "ask"
    assert decision(room.ask("Bash", {"command": "policyloop session status"})) is None
    # The same without any hook.
    again = room.start()
    assert (again.code, "no person has taken over yet" in again.json["message"]) == (5, True)
    lay(GREEN, room.project / "new")
    options = ["--policies", room.project / "new", "--claude-session", CLAUDE]
    other = policyloop("session", "start", "x", *options, env=room.env)
    assert (other.code, "no person has taken over yet" in other.err) == (5, True)


def test_the_next_prompt_of_a_person_takes_over(room: Room) -> None:
    assert room.at_rest().out == ""
    assert holds(room)
    done = room.prompt()
    assert (done.code, done.out, done.err) == (0, "", "")
    assert not holds(room)
    assert room.session("status").json["phase"] == "accepted"
    assert room.start("--anew").json["next"] == "GREEN", "a session over it begins anew"


def test_session_end_takes_over(room: Room) -> None:
    ended = room.session("end")
    assert (ended.code, ended.json["phase"]) == (0, "accepted")
    assert not holds(room)
    assert room.start().json["next"] == "GREEN", "no --anew is needed after green"


def _nothing(_: Room) -> None:
    return


def _durable(room: Room) -> None:
    lay({"scheduled_tasks.json": '{"tasks": [{"cron": "* * * * *", "prompt": "go on"}]}'}, room.project / ".claude")


def _unreadable(room: Room) -> None:
    lay({"scheduled_tasks.json": "{"}, room.project / ".claude")


def _changed(room: Room) -> None:
    lay({"doc_test.yaml": WEAKER}, room.policies)


SHELL = [{"id": "b1", "type": "shell", "status": "running"}]
NOT_A_PERSON = {
    "no turn has ended": (None, _nothing, {}, {}),
    "something in the background": ({"background_tasks": SHELL}, _nothing, {}, {}),
    "a job of the session": ({"session_crons": [{"id": "1", "prompt": "thank you"}]}, _nothing, {}, {}),
    "a client that does not say": ({"background_tasks": None, "session_crons": None}, _nothing, {}, {}),
    "a job that is kept": ({}, _durable, {}, {}),
    "jobs that cannot be read": ({}, _unreadable, {}, {}),
    "claude -p": ({}, _nothing, {}, {"CLAUDE_CODE_SESSION_ATTENDED": "0"}),
    "a client that does not say who attends": ({}, _nothing, {}, {"CLAUDE_CODE_SESSION_ATTENDED": ""}),
    "a subagent": ({}, _nothing, {"agent_id": "a1"}, {}),
    "another session": ({}, _nothing, {"session_id": OTHER}, {}),
    "what was changed meanwhile": ({}, _changed, {}, {}),
}


@pytest.mark.parametrize("who", NOT_A_PERSON)
def test_what_is_no_person_takes_nothing_over(room: Room, who: str) -> None:
    rest, meanwhile, question, environment = NOT_A_PERSON[who]
    if who not in {"what was changed meanwhile"}:
        meanwhile(room)
    if rest is not None:
        room.at_rest(**rest)
    if who == "what was changed meanwhile":
        meanwhile(room)
    done = room.prompt("Thank you, go on.", env=environment, **question)
    assert (done.code, done.err) == (0, "")
    assert holds(room)
    if "session_id" not in question and "agent_id" not in question:
        assert f"! policyloop session end --policies {room.policies}" in done.json["systemMessage"]
    assert room.session("end").json["phase"] == "accepted", "a person always can"
    assert not holds(room)


def test_a_later_turn_that_leaves_something_running_is_no_rest(room: Room) -> None:
    room.at_rest()
    room.at_rest(background_tasks=SHELL)
    room.prompt()
    assert holds(room)
    room.at_rest()
    room.prompt()
    assert not holds(room)


def test_stop_judges_the_directory_as_it_then_is(room: Room) -> None:
    lay({"doc_test.yaml": WEAKER}, room.policies)
    told = room.at_rest().json
    assert told["decision"] == "block"
    assert "NOT green as it lies there now" in told["reason"]
    assert "doc_test.yaml" in told["reason"]
    blocked = [room.at_rest().json for _ in range(4)]
    assert "was green, and is NOT any more: doc_test.yaml" in blocked[-1]["systemMessage"]
    room.prompt()
    assert holds(room)
    lay({"doc_test.yaml": SUITE}, room.policies)
    assert room.at_rest().out == ""
    room.prompt()
    assert not holds(room)


def test_stop_names_what_no_step_has_judged(tmp_path: Path, cerbos: object) -> None:
    room = Room.made(tmp_path)
    room.start()
    lay({"doc.yaml": FIXED}, room.policies)
    reason = room.stop().json["reason"]
    assert "not judged yet: doc.yaml" in reason


def test_below_what_was_accepted_only_a_person_goes_and_it_is_written_down(room: Room) -> None:
    room.session("end")
    lay({"doc_test.yaml": WEAKER}, room.policies)
    for claude in (CLAUDE, OTHER, None):
        refused = room.start(claude=claude)
        assert (refused.code, "Docs / strangers: bob write" in refused.json["message"]) == (5, True)
    asked = room.ask("Bash", {"command": "policyloop session start --tests-as-they-are --policies policies"})
    assert decision(asked) == "ask"
    in_agent = {**room.env, "CLAUDECODE": "1"}
    flags = ["--policies", room.policies, "--tests-as-they-are", "--unguarded"]
    alone = policyloop("session", "start", *flags, env=in_agent)
    assert (alone.code, "--tests-as-they-are is for a person" in alone.err) == (5, True)
    taken = room.start("--tests-as-they-are")
    assert taken.code == 0
    assert any("Docs / strangers: bob write" in name for name in taken.json["released"])
    shown = policyloop("show", "--state", room.home, cwd=room.project)
    assert "strangers" in shown.out
    assert room.session("status").json["released"] == taken.json["released"]


def copied(room: Room) -> Path:
    shutil.copytree(room.policies, room.project / "copy")
    return room.project / "copy"


def moved(room: Room) -> Path:
    return room.policies.rename(room.project / "moved")


def in_a_folder_above(room: Room) -> Path:
    return room.project


def in_a_worktree(room: Room) -> Path:
    def git(*words: str) -> None:
        names = {f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        subprocess.run(["git", *words], cwd=room.project, env={**os.environ, **names}, check=True, capture_output=True)

    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "x")
    git("worktree", "add", "-q", str(room.folder / "tree"))
    return room.folder / "tree" / "policies"


@pytest.mark.parametrize(
    ("shed", "claude"), [(copied, CLAUDE), (moved, OTHER), (in_a_folder_above, OTHER), (in_a_worktree, OTHER)]
)
def test_a_record_is_not_shed_by_another_name(room: Room, shed, claude: str) -> None:
    room.session("end")
    place = shed(room)
    (suite,) = place.rglob("doc_test.yaml")
    options = ["--policies", place, "--runner", "native", "--claude-session", claude]
    suite.write_text(WEAKER)
    weaker = policyloop("session", "start", "x", *options, env=room.env)
    assert (weaker.code, "Docs / strangers: bob write" in weaker.err) == (5, True), weaker
    suite.write_text(SUITE)
    same = policyloop("session", "start", "x", *options, env=room.env)
    assert same.code == 0, same.err


def test_a_folder_of_what_was_accepted_answers_to_its_part(tmp_path: Path, cerbos: object) -> None:
    files = {**GREEN, **{f"sub/{path}": text for path, text in GREEN.items()}}
    files = {path: text.replace("resource: doc", "resource: other") if path == "sub/doc.yaml" else text
             for path, text in files.items()}  # fmt: skip
    room = Room.made(tmp_path, files)
    opened = room.start()
    assert opened.code == 0
    room.session("end")
    sub = room.policies / "sub"
    options = ["--policies", sub, "--runner", "native"]
    (sub / "doc_test.yaml").write_text(WEAKER)
    assert policyloop("session", "start", "x", *options, env=room.env).code == 5
    (sub / "doc_test.yaml").write_text(SUITE)
    assert policyloop("session", "start", "x", *options, env=room.env).code == 0


def test_another_project_answers_to_nothing(room: Room) -> None:
    room.session("end")
    lay({**GREEN, "doc_test.yaml": WEAKER}, room.project.parent / "elsewhere")
    done = policyloop("session", "start", "x", "--policies", room.project.parent / "elsewhere", "--runner", "native",
                      "--claude-session", OTHER, env=room.env)  # fmt: skip
    assert done.code == 0, done.err


# --- litter -----------------------------------------------------------------------------------------------------------


def test_what_killed_writers_left_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    mine = os.getpid()
    names = [f".a.json.{gone.pid}.tmp", f".{'0' * 64}.{gone.pid}"]
    kept = [f".a.json.{mine}.tmp", "a.json", "0" * 64, ".hidden", f"x.{gone.pid}"]
    for name in (*names, *kept):
        (tmp_path / name).write_text("x")
    home.sweep(str(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == set(kept)
    home.sweep(str(tmp_path / "none"))


def test_a_start_that_was_killed_half_way_leaves_no_record_for_ever(made_green: Room, tmp_path: Path) -> None:
    entry = next((made_green.home / "sessions").glob("*.json"))
    whole = made_green.home / "runs" / json.loads(entry.read_text())["run"]
    old = time.time() - HALF_MADE_SECONDS - 60
    for name in ("half", "fresh", "strange"):
        lay({"kept/" + "0" * 64: "{}"}, tmp_path / name)
    lay({"mine.txt": "x"}, tmp_path / "strange")
    shutil.copytree(whole, tmp_path / "whole")
    for path in [*tmp_path.rglob("*")]:
        if "fresh" not in path.parts:
            os.utime(path, (old, old))
    sweep_runs(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"fresh", "strange", "whole"}
    assert (tmp_path / "whole" / "ledger.jsonl").is_file()


def test_a_policy_that_is_red_is_no_way_round(tmp_path: Path, cerbos: object) -> None:
    """A session that stopped answers as before: --anew, and tests as they were locked."""
    room = Room.made(tmp_path)
    room.start()
    room.step("--dispute", "no")
    lay({"doc.yaml": POLICY, "doc_test.yaml": WEAKER}, room.policies)
    assert room.start("--tests-as-they-are").code == 5
    assert room.start("--anew").code == 5
    assert room.start("--anew", "--tests-as-they-are").code == 0
