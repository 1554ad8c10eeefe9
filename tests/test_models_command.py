"""The `command` model: real programs, well-behaved and not."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from policyloop.bundle import Write
from policyloop.errors import Exit, Unavailable, UsageError
from policyloop.models.command import MAX_OUTPUT_BYTES, CommandModel
from policyloop.protocol import task_to_json
from policyloop.redact import MARK
from policyloop.task import Proposal
from policyloop.usage import Left, Usage
from tasks import finding, task

GOOD = {"edits": [{"path": "a.yaml", "content": "a: 2\n"}], "note": "n"}


def program(code: str) -> CommandModel:
    """A model that is this Python code."""
    return CommandModel([sys.executable, "-c", code])


def seconds(left: float) -> Left:
    return Left(attempts=3, cycles=10, tokens=400_000, usd=2.0, seconds=left)


def test_a_program_reads_the_task_and_writes_a_proposal(tmp_path: Path) -> None:
    copy = tmp_path / "task.json"
    code = f"import sys, pathlib; pathlib.Path({str(copy)!r}).write_text(sys.stdin.read()); print({json.dumps(GOOD)!r})"
    asked = task(request="Grüße", index=("b.yaml",))
    model = program(code)
    reply = model.propose(asked)
    model.close()
    assert reply.proposal == Proposal(edits=(Write("a.yaml", "a: 2\n"),), note="n")
    assert reply.usage == Usage()
    assert json.loads(copy.read_text()) == task_to_json(asked)


def test_a_command_line_is_split_without_a_shell(tmp_path: Path) -> None:
    script = tmp_path / "my model.py"
    script.write_text("import json, sys\nprint(json.dumps({'note': ' '.join(sys.argv[1:])}))")
    reply = CommandModel(f"{sys.executable} '{script}' 'a b' $HOME ; rm").propose(task())
    assert reply.proposal is not None
    assert reply.proposal.note == "a b $HOME ; rm"


def test_no_secret_reaches_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "hush" + "-7d81f0-" * 3
    monkeypatch.setenv("SOME_API_KEY", secret)
    copy = tmp_path / "task.json"
    code = f"import sys, pathlib; pathlib.Path({str(copy)!r}).write_text(sys.stdin.read()); print('{{}}')"
    program(code).propose(task(request=secret, files={"a.yaml": f"k: {secret}"}, findings=(finding(excerpt=secret),)))
    assert secret not in copy.read_text()
    assert json.loads(copy.read_text())["files"] == {"a.yaml": f"k: {MARK}"}


def test_its_own_environment_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_FLAVOUR", "lemon")
    reply = program("import os, json; print(json.dumps({'note': os.environ['MODEL_FLAVOUR']}))").propose(task())
    assert reply.proposal is not None
    assert reply.proposal.note == "lemon"


def test_usage_is_counted() -> None:
    said = {**GOOD, "usage": {"input_tokens": 9, "output_tokens": 4, "usd": 0.25}}
    reply = program(f"print({json.dumps(said)!r})").propose(task())
    assert reply.proposal is not None
    assert reply.usage == Usage(input_tokens=9, output_tokens=4, usd=0.25)


NO_PROPOSALS = {
    "nothing": ("", "wrote nothing"),
    "blanks": ("print('  ')", "wrote nothing"),
    "prose": ("print('Let me think.')", "line 1, column 1"),
    "logs before": ("print('thinking...'); print('{}')", "not one JSON object"),
    "two objects": ("print('{}{}')", "not one JSON object"),
    "cut off": ('print(\'{"edits": [{"path": "a.ya\')', "not one JSON object"),
    "a list": ("print('[]')", "not an object"),
    "not UTF-8": ('import os; os.write(1, b\'{"note": "\\xff"}\')', "UTF-8"),
    "too deep": ("print('[' * 200_000)", "not JSON"),
    "unknown key": ("print('{\"shell\": 1}')", "'shell'"),
    "wrong edit": ('print(\'{"edits": [{"path": "a"}]}\')', "edit 1"),
    "negative usage": ('print(\'{"usage": {"usd": -1}}\')', "usage.usd"),
    "usage is NaN": ('print(\'{"usage": {"usd": NaN}}\')', "usage.usd"),
    "usage is no number": ('print(\'{"usage": {"input_tokens": "9"}}\')', "usage.input_tokens"),
    "usage is half a token": ('print(\'{"usage": {"output_tokens": 0.5}}\')', "usage.output_tokens"),
    "unknown usage": ('print(\'{"usage": {"euro": 1}}\')', "'euro'"),
}


@pytest.mark.parametrize(("code", "why"), NO_PROPOSALS.values(), ids=NO_PROPOSALS)
def test_an_answer_that_is_no_proposal(code: str, why: str) -> None:
    reply = program(code).propose(task())
    assert reply.proposal is None
    assert why in (reply.malformed or "")
    assert (reply.malformed or "").count("\n") == 0


def test_a_program_that_fails_says_why_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "hush" + "-7d81f0-" * 3
    monkeypatch.setenv("SOME_API_KEY", secret)
    code = f"import sys; sys.stderr.write('no key \\x1b[31m{secret}\\n' + 'line\\n' * 999); exit(7)"
    with pytest.raises(Unavailable) as caught:
        program(code).propose(task())
    said = str(caught.value)
    assert "exit code 7" in said
    assert "no key" in said
    assert secret not in said
    assert "\x1b" not in said
    assert "\n" not in said
    assert len(said) < 1_500
    assert caught.value.exit_code is Exit.ENVIRONMENT


def test_a_program_that_is_killed() -> None:
    with pytest.raises(Unavailable, match="signal 9"):
        program("import os; os.kill(os.getpid(), 9)").propose(task())


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    plain = tmp_path / "plain.txt"
    plain.write_text("not a program")
    for command in ("/no/such/model --fast", str(plain), str(tmp_path), "a\0b"):
        with pytest.raises(Unavailable, match="cannot be started") as caught:
            CommandModel([command] if "\0" in command else command).propose(task())
        assert "--model-command" in caught.value.hint


@pytest.mark.parametrize("command", ["", "  ", "'unbalanced", []])
def test_a_command_line_that_is_none(command: str | list[str]) -> None:
    with pytest.raises(UsageError):
        CommandModel(command)


@pytest.mark.sweep
def test_a_program_need_not_read_its_task() -> None:
    big = task(files={"a.yaml": "x" * 3_000_000})
    assert program("print('{}')").propose(big).proposal == Proposal()
    # A program that answers at length before it reads does not lock up either.
    late = program("import sys; print(' ' * 1_000_000); sys.stdin.read(); print('{}')")
    assert late.propose(big).proposal == Proposal()


def test_a_program_that_never_ends_its_output_is_ended() -> None:
    reply = program("while True: print('x' * 100_000)").propose(task())
    assert f"more than {MAX_OUTPUT_BYTES} bytes" in (reply.malformed or "")


def test_endless_standard_error_does_no_harm() -> None:
    code = "import sys; sys.stderr.write('x' * 20_000_000); print('{}')"
    assert program(code).propose(task()).proposal == Proposal()


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(found.stdout.strip()) and not found.stdout.strip().startswith("Z")


def gone(pid: int) -> bool:
    for _ in range(200):
        if not alive(pid):
            return True
        time.sleep(0.05)
    return False


FAMILY = (
    "import subprocess, sys, pathlib, os; "
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
    "pathlib.Path({file!r}).write_text(f'{{os.getpid()}} {{child.pid}}'); "
)


def test_when_the_time_is_up_the_program_and_its_children_are_ended(tmp_path: Path) -> None:
    file = tmp_path / "pids"
    reply = program(FAMILY.format(file=str(file)) + "child.wait()").propose(task(left=seconds(2)))
    assert reply.over_budget == "wall_seconds"
    assert reply.proposal is None
    assert all(gone(int(pid)) for pid in file.read_text().split())


def test_a_child_that_keeps_the_output_open_is_not_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "pids"
    reply = program(FAMILY.format(file=str(file)) + "print('{}', flush=True)").propose(task())
    assert reply.proposal == Proposal()
    assert all(gone(int(pid)) for pid in file.read_text().split())


def test_an_interrupt_ends_the_program(tmp_path: Path) -> None:
    file = tmp_path / "pids"
    inner = FAMILY.format(file=str(file)) + "child.wait()"
    outer = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from tasks import task\nfrom policyloop.models.command import CommandModel\n"
        "CommandModel([sys.executable, '-c', sys.argv[2]]).propose(task())\n"
    )
    tests = str(Path(__file__).parent)
    person = subprocess.Popen([sys.executable, "-c", outer, tests, inner], stderr=subprocess.DEVNULL)
    while not (file.exists() and len(file.read_text().split()) == 2):
        assert person.poll() is None
        time.sleep(0.05)
    os.kill(person.pid, signal.SIGINT)
    person.wait(20)
    assert all(gone(int(pid)) for pid in file.read_text().split())


def test_a_time_out_of_its_own_is_no_budget() -> None:
    slow = CommandModel([sys.executable, "-c", "import time; time.sleep(600)"], timeout_seconds=0.3)
    with pytest.raises(Unavailable, match=r"within 0\.3 seconds"):
        slow.propose(task())


def test_without_time_nothing_is_started(tmp_path: Path) -> None:
    file = tmp_path / "started"
    reply = program(f"open({str(file)!r}, 'w')").propose(task(left=seconds(0)))
    assert reply.over_budget == "wall_seconds"
    assert not file.exists()
