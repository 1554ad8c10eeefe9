"""`policyloop session`: the loop with an agent as the model, over the real compiler."""

import json
import resource
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bundles import read, write
from command import DOCS, FIXED, POLICY, SUITE, lay, picture, policyloop
from policyloop.errors import Unavailable
from policyloop.session.record import Snapshots
from policyloop.validators.install import install
from policyloop.validators.pinned import VERSION
from sessions import CLAUDE, OTHER, Room
from specs import GOOD, breaks

KILLS = Path(__file__).with_name("session_kills.py")
WEAKER = SUITE.replace("{read: EFFECT_DENY, write: EFFECT_DENY}", "{read: EFFECT_DENY, write: EFFECT_ALLOW}")


@pytest.fixture
def room(tmp_path: Path, cerbos: object) -> Room:
    return Room.made(tmp_path)


def edit(room: Room, **files: str) -> None:
    lay({path.replace("__", "/") + ".yaml": text for path, text in files.items()}, room.policies)


def test_from_red_to_green_with_one_class_at_a_time(room: Room) -> None:
    edit(room, doc=POLICY.replace("EFFECT_ALLOW", "ALLOW"))
    opened = room.start()
    assert (opened.code, opened.json["next"], opened.json["class"]) == (0, "FIX", "schema")
    assert opened.json["left"]["cycles"] == 9

    edit(room, doc=POLICY)
    red = room.step()
    assert (red.code, red.json["next"], red.json["class"]) == (4, "FIX", "test")
    assert {one["class"] for one in red.json["findings"]} == {"test"}
    assert red.json["findings"][0]["why"]
    assert red.json["look_at"][0] == "doc.yaml"
    assert red.json["left"] == {**red.json["left"], "attempts": 3, "cycles": 8, "refusals": 2}
    assert room.session("status").json["findings"] == red.json["findings"]

    edit(room, doc=FIXED)
    assert room.session("status").json["changed_since"] == ["doc.yaml"]
    green = room.step()
    assert (green.code, green.json["next"], green.json["phase"]) == (0, "GREEN", "green")
    assert green.json["files_changed"] == ["doc.yaml"]
    assert green.json["assertions"] == {"ran": 6, "passed": 6, "skipped": 0, "locked": 6}
    assert room.step().json["next"] == "GREEN"

    shown = policyloop("show", "--state", room.home, cwd=room.project)
    assert (shown.code, "ledger whole" in shown.err) == (0, True)
    assert "green" in shown.out


def test_green_is_only_what_is_green_as_it_lies_there_now(room: Room) -> None:
    edit(room, doc=FIXED)
    assert room.start().json["next"] == "GREEN"
    edit(room, doc=POLICY)
    later = room.step()
    assert (later.code, later.json["next"], later.json["changed_since"]) == (5, "STOP", ["doc.yaml"])
    edit(room, doc_test=WEAKER)
    restored = room.session("restore")
    assert (restored.code, "locks nothing any more" in restored.err) == (2, True)
    assert (room.policies / "doc_test.yaml").read_text() == WEAKER, "tests that a person changed since are theirs"


def test_a_weakened_lock_is_refused_counted_and_restored(room: Room) -> None:
    room.start()
    before = picture(room.policies)
    edit(room, doc=FIXED, doc_test=WEAKER)
    (room.policies / "testdata" / "principals.yaml").unlink()
    refused = room.step()
    assert (refused.code, refused.json["next"]) == (6, "REFUSED")
    assert ("bob", "write") in {(one["principal"], one["action"]) for one in refused.json["weakened"]}
    assert refused.json["findings"] == []
    assert refused.json["left"]["refusals"] == 1
    assert refused.json["left"]["cycles"] == 9

    restored = room.session("restore")
    assert restored.json["restored"] == ["doc_test.yaml", "testdata/principals.yaml"]
    assert picture(room.policies) == {**before, "doc.yaml": FIXED.encode()}
    assert room.step().json["next"] == "GREEN"


def test_a_twin_that_hides_a_fixture_is_taken_out_again_and_other_new_tests_stay(room: Room) -> None:
    room.start()
    mine = WEAKER.replace("name: Docs", "name: Mine")
    edit(room, doc=FIXED, doc_test=WEAKER, mine_test=mine)
    lay({"testdata/principals.json": '{"principals": {"bob": {"id": "bob", "roles": ["none"]}}}'}, room.policies)
    assert room.step().json["next"] == "REFUSED"
    room.session("restore")
    assert (room.policies / "doc_test.yaml").read_text() == SUITE
    assert not (room.policies / "testdata" / "principals.json").exists()
    assert (room.policies / "mine_test.yaml").read_text() == mine


def test_new_tests_are_welcome_and_locked_once_they_passed(room: Room) -> None:
    room.start()
    more = """\
name: More
tests:
  - name: his own
    input: {principals: [bob], resources: [his], actions: [read]}
    expected: [{principal: bob, resource: his, actions: {read: EFFECT_ALLOW}}]
"""
    edit(room, doc=POLICY + "# a look\n", more_test=more)
    assert room.step().json["assertions"]["locked"] == 7
    (room.policies / "more_test.yaml").unlink()
    gone = room.step()
    assert (gone.code, gone.json["weakened"][0]["how"]) == (6, "gone")


def test_going_round_in_circles_stops_and_only_a_person_starts_anew(room: Room) -> None:
    room.start()
    edit(room, doc=POLICY + "# once\n")
    assert room.step().json["next"] == "FIX"
    edit(room, doc=POLICY)
    stuck = room.step()
    assert (stuck.code, stuck.json["next"], stuck.json["stopped_by"]) == (4, "STOP", "stuck")
    edit(room, doc=FIXED)
    assert (room.step().code, room.step().json["next"]) == (4, "STOP")

    refused = room.start()
    assert (refused.code, "--anew" in refused.json["next"][0]["command"]) == (5, True)
    assert room.session("end").json["phase"] == "ended"
    assert room.start().code == 5, "ending is no way to a new budget"
    assert room.start("--anew").json["next"] == "GREEN"


def test_attempts_and_refusals_run_out(room: Room) -> None:
    room.start()
    left = [room.step().json["left"]["attempts"] for _ in range(2)]
    assert left == [2, 1]
    stopped = room.step()
    assert (stopped.code, stopped.json["stopped_by"]) == (4, "attempts_per_class")

    room.start("--anew")
    edit(room, doc_test=WEAKER)
    assert room.step().code == 6
    edit(room, doc_test=WEAKER + "# other\n")
    stopped = room.step()
    assert (stopped.code, stopped.json["next"], stopped.json["stopped_by"]) == (6, "STOP", "refusals")

    weaker = room.start("--anew")
    assert (weaker.code, "weaker" in weaker.json["message"]) == (5, True)
    room.session("restore")
    assert room.start("--anew").code == 0


def test_what_a_bundle_cannot_hold_is_refused_and_counted(room: Room) -> None:
    room.start()
    (room.policies / "link.yaml").symlink_to(room.project / "elsewhere.yaml")
    link = room.step()
    assert (link.code, link.json["next"]) == (2, "REFUSED")
    assert "symbolic link" in link.json["refusal"]
    (room.policies / "link.yaml").unlink()
    (room.policies / "odd*name.yaml").write_text(FIXED)
    odd = room.step()
    assert (odd.code, odd.json["next"]) == (2, "REFUSED")
    assert odd.json["left"]["attempts"] == 1


def test_what_lies_outside_is_not_its_business(room: Room) -> None:
    room.start()
    lay({"README.md": "changed\n", "src/a.py": "pass\n"}, room.project)
    edit(room, doc=FIXED)
    (room.policies / "notes.txt").write_text("no policy\n")
    assert room.step().json["next"] == "GREEN"


def test_a_dispute_stops_for_a_person(room: Room) -> None:
    room.start()
    stopped = room.step("--dispute", "strangers must write, rule 3 says so")
    assert (stopped.code, stopped.json["next"], stopped.json["stopped_by"]) == (5, "STOP", "dispute")
    assert "rule 3" in stopped.json["message"]


def test_budget_and_compiler_are_those_of_the_start(room: Room) -> None:
    (room.project / "policyloop.yaml").write_text("budget: {attempts_per_class: 1}\n")
    room.start()
    (room.project / "policyloop.yaml").write_text(
        "budget: {attempts_per_class: 50}\nguard: {require_tests: false}\ncerbos: {version: 0.1.0}\n"
    )
    edit(room, doc=POLICY + "# worse\n")
    assert room.step().json["stopped_by"] == "attempts_per_class"


def test_another_compiler_than_at_the_start_judges_nothing(room: Room) -> None:
    room.start()
    edit(room, doc=FIXED)
    fake = room.folder / "cerbos"
    fake.write_text(f'#!/bin/sh\nexec "{install(VERSION).path}" "$@"\n')
    fake.chmod(0o755)
    options = ["--policies", room.policies, "--format", "json"]
    done = policyloop("session", "step", *options, env={**room.env, "POLICYLOOP_CERBOS": str(fake)})
    assert done.code in (5, 8)
    assert room.session("status").json["next"] == "FIX"


def test_it_belongs_to_one_directory_and_one_claude_code_session(room: Room) -> None:
    room.start()
    edit(room, doc=FIXED)
    other = room.session("step", claude=OTHER)
    assert (other.code, CLAUDE in other.json["message"]) == (5, True)
    assert room.start(claude=OTHER).code == 5
    lay(DOCS, room.project / "second")
    options = ["--policies", room.project / "second", "--runner", "native", "--claude-session", CLAUDE]
    second = policyloop("session", "start", *options, env=room.env)
    assert (second.code, "is open over" in second.err) == (5, True)
    in_claude = {**room.env, "CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ID": OTHER}
    assert policyloop("session", "step", "--policies", room.policies, env=in_claude).code == 5
    assert room.session("step", claude=CLAUDE).json["next"] == "GREEN"


def test_a_folder_above_or_below_is_no_way_to_a_fresh_budget(room: Room) -> None:
    (room.policies / "sub").mkdir()

    def around(*more: str) -> list[tuple[int, bool]]:
        options = ["--runner", "native", *more]
        both = [
            policyloop("session", "start", "Go on.", "--policies", folder, *options, env=room.env)
            for folder in (room.project, room.policies / "sub")
        ]
        return [(done.code, f"over {room.policies}" in done.err) for done in both]

    room.start(claude=None)
    assert around() == [(5, True), (5, True)]
    room.step("--dispute", "It contradicts itself.")
    assert around() == [(5, True), (5, True)]
    assert around("--anew")[0] == (0, False)
    policyloop("session", "end", "--policies", room.project, env=room.env)
    room.session("end")
    assert around() == [(5, False), (0, False)], "a person ended the one in the middle"


def test_it_is_kept_where_the_hooks_look_and_no_edit_gets(room: Room) -> None:
    elsewhere = room.start("--hooks-home", room.folder / "elsewhere")
    assert (elsewhere.code, "XDG_STATE_HOME must be the same" in elsewhere.err) == (8, True)
    options = ["session", "start", "--policies", room.policies, "--runner", "native"]
    for place in (room.policies, room.policies / "sub"):
        inside = policyloop(*options, env={"XDG_STATE_HOME": str(place)})
        assert (inside.code, "neither may hold the other" in inside.err) == (2, True)
    assert not room.home.exists()
    seen = {**room.env, "CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ID": CLAUDE}
    blind = policyloop(*options, "--claude-session", CLAUDE, env=seen)
    assert (blind.code, "No hook of policyloop saw this command" in blind.err) == (8, True), "typed by the agent"
    assert policyloop(*options, "--claude-session", CLAUDE, "--hooks-home", room.home, env=seen).code == 0


def test_a_full_disk_is_not_filled_further(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(Unavailable, match="cannot be written"):
            Snapshots(tmp_path).keep("x" * 10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_gone_costs_nothing(room: Room) -> None:
    left = room.start().json["left"]
    room.policies.rename(room.project / "renamed")
    gone = room.step()
    assert (gone.code, f"The policy directory {room.policies} of session" in gone.err) == (2, True)
    (room.project / "renamed").rename(room.policies)
    assert room.session("status").json["left"] == {**left, "seconds": room.session("status").json["left"]["seconds"]}
    assert room.step().json["next"] == "FIX"


def test_in_a_folder_that_is_gone_it_says_so(tmp_path: Path) -> None:
    script = 'cd "$1" && rmdir "$1" && exec "$0" -m policyloop session status'
    folder = tmp_path / "gone"
    folder.mkdir()
    done = subprocess.run(["sh", "-c", script, sys.executable, folder], capture_output=True, text=True, check=False)
    assert (done.returncode, "The folder that this was started in is gone" in done.stderr) == (2, True)


def test_in_claude_code_without_hooks_it_says_so(room: Room) -> None:
    env = {**room.env, "CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ID": CLAUDE}
    start = ["session", "start", "--policies", room.policies, "--runner", "native"]
    blind = policyloop(*start, env=env)
    assert (blind.code, "hook" in blind.err) == (8, True)
    assert policyloop(*start, "--unguarded", env=env).code == 0


def test_two_steps_at_once(room: Room) -> None:
    room.start()
    edit(room, doc=FIXED)
    ends: list[int] = []
    threads = [threading.Thread(target=lambda: ends.append(room.step().code)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Who comes in the middle is told that the session is busy; who comes after it is green, that it is green.
    assert set(ends) <= {0, 8}
    assert 0 in ends
    assert room.session("status").json["assertions"]["passed"] == 6


def test_a_record_that_was_touched_never_becomes_green(room: Room) -> None:
    room.start()
    edit(room, doc=POLICY + "# first\n")
    room.step()
    edit(room, doc=FIXED)
    run = next((room.home / "runs").iterdir())
    ledger, head = run / "ledger.jsonl", run / "ledger.jsonl.head"
    entry = next((room.home / "sessions").glob("*.json"))
    kept = next(path for path in (run / "kept").iterdir() if b"strangers" in path.read_bytes())
    lines = ledger.read_bytes().splitlines(keepends=True)
    touches: dict[str, dict[Path, bytes | None]] = {
        "an edited record": {ledger: b"".join(lines).replace(b'"tries":1', b'"tries":0')},
        "an edited head": {head: b"000000000001 " + b"0" * 64 + b"\n"},
        "an edited snapshot": {kept: kept.read_bytes().replace(b"EFFECT_DENY", b"EFFECT_ALLOW")},
        "no snapshot": {kept: None},
        "an edited entry": {entry: json.dumps({**json.loads(entry.read_text()), "head": "0" * 64}).encode()},
        "the first attempt forgotten": {ledger: b"".join(lines[:4]), head: None},
        "no ledger": {ledger: None},
    }
    for what, files in touches.items():
        before = {path: path.read_bytes() for path in files}
        for path, content in files.items():
            assert content != before[path], what
            path.unlink() if content is None else path.write_bytes(content)
        touched = room.step()
        assert touched.code == 5, what
        assert "not whole" in touched.json["message"], what
        if what != "no ledger":
            for path, content in before.items():
                path.write_bytes(content)
    assert room.session("end").code == 0
    assert room.start("--anew").code == 5, "nobody knows what was locked"
    assert room.start("--anew", "--tests-as-they-are").json["next"] == "GREEN"


def test_an_entry_that_is_none_holds_everything_up_until_a_person_looks(room: Room) -> None:
    room.start()
    next((room.home / "sessions").glob("*.json")).write_text("{}")
    assert room.step().code == 5
    hook = room.ask("Bash", {"command": "ls"})
    assert (hook.code, len(hook.err.splitlines())) == (2, 1)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """In memory where there is such a place: a kill loses nothing that was written, so syncing would only cost time."""
    if not Path("/dev/shm").is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as made:
        yield Path(made)


def test_a_step_and_a_start_killed_at_any_point(memory: Path, cerbos: object) -> None:
    def swept(name: str) -> list[dict[str, Any]]:
        command = [sys.executable, str(KILLS), name, str(memory / name), str(install(VERSION).path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return [json.loads(line) for line in done.stdout.splitlines()]

    points = swept("step")
    assert len(points) > 20
    for point in points:
        assert (point["seen"], point["cycles"]) in {("FIX", 1), ("GREEN", 2)}
        assert point["guarded"], "who is green is held, too, until a person takes over"
        assert (point["after"], point["after_cycles"], point["phase"]) == ("GREEN", 2, "green")
    assert {point["seen"] for point in points} == {"FIX", "GREEN"}

    for point in swept("start"):
        assert (point["guarded"], point["second"]) in {(False, "opened"), (True, "open already")}
        assert point["next"] == "FIX"


# --- with a spec ------------------------------------------------------------------------------------------------------


@pytest.fixture
def specified(tmp_path: Path, cerbos: object) -> Room:
    """The policies of a worked spec, one rule of them broken, and the spec beside them, not confirmed."""
    case = next(path for path in GOOD if path.name == "ownership")
    room = Room(tmp_path)
    bundle = read(case / "policies").apply([breaks(case)[0].edit])
    write(bundle, room.policies)
    (room.project / "policyloop.spec.yaml").write_text((case / "spec.yaml").read_text())
    return room


def test_a_spec_must_be_confirmed_and_then_its_suites_are_locked(specified: Room) -> None:
    room = specified
    spec = room.project / "policyloop.spec.yaml"
    content = yaml.safe_load(spec.read_text())
    if "confirmed" in content:
        content.pop("confirmed")
        spec.write_text(yaml.safe_dump(content, sort_keys=False))
    before = picture(room.policies)
    refused = room.start()
    assert (refused.code, "not confirmed" in refused.json["message"]) == (5, True)
    assert picture(room.policies) == before
    assert not room.home.exists()

    assert policyloop("spec", "confirm", spec, "--by", "someone", "--yes", cwd=room.project, env=room.env).code == 0
    opened = room.start()
    assert (opened.json["next"], opened.json["class"]) == ("FIX", "test")
    assert opened.json["spec"] == str(spec)
    suites = [path for path in picture(room.policies) if path.endswith("_test.yaml") and path not in before]
    assert suites

    (room.policies / suites[0]).unlink()
    assert room.step().code == 6
    room.session("restore")
    case = next(path for path in GOOD if path.name == "ownership")
    write(read(case / "policies"), room.policies)
    room.session("restore")
    green = room.step()
    assert green.json["next"] == "GREEN"
    assert green.json["rules"]
    assert all(rule["tested"] for rule in green.json["rules"])


def test_without_a_terminal_and_a_session_each_command_says_what_to_do(tmp_path: Path) -> None:
    room = Room.made(tmp_path)
    for command in ("step", "status", "restore", "end"):
        done = policyloop("session", command, cwd=room.project, env=room.env)
        told, onward = done.err.splitlines()
        assert (done.code, onward) == (2, "next (to start one): policyloop session start")
        assert told.startswith("policyloop: There is no session that is found from here.")
    done = policyloop("session", "start", "--policies", room.project / "none", env=room.env)
    assert (done.code, "does not exist" in done.err) == (2, True)
