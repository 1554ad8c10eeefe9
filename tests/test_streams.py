"""Nobody, or nothing, takes what a command says: the verdict stays, the ledger is whole, nothing is half-written."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bundles import FIXTURES
from command import DOCS, FIX, FIXED, environment, lay, picture, policyloop, speaker
from policyloop.ledger.chain import read
from sessions import CLAUDE

FULL = Path("/dev/full")
RED = FIXTURES / "bundles" / "test" / "policies"
FORMS = ("plain", "json", "rich", "github")
ENDS = ("ended", "closed")

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "policyloop", *map(str, arguments)]


def a_run(folder: Path, form: str) -> tuple[Path, list[str]]:
    policies = lay(DOCS, folder / "policies")
    options = ["--runner", "native", "--format", form, "--model-command", speaker([FIX], folder)]
    return policies, command("run", "--policies", policies, *options)


def kinds(folder: Path) -> list[str]:
    """The kinds of the records of the one run there, whose chain is whole."""
    (ledger,) = folder.glob(".policyloop/runs/*/ledger.jsonl")
    chain = read(ledger)
    assert not chain.broken
    return [record.kind for record in chain.records]


@pytest.mark.parametrize("form", FORMS)
def test_a_reader_who_leaves_in_the_middle_changes_nothing_about_a_run(form: str, tmp_path: Path, cerbos):
    policies, words = a_run(tmp_path, form)
    child = subprocess.Popen(words, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout
    assert child.stderr
    if form != "json":
        assert child.stdout.readline()
    child.stdout.close()
    errors = child.stderr.read()
    assert child.wait(timeout=60) == 0, errors
    assert b"a fault of policyloop" not in errors
    assert kinds(tmp_path)[-2:] == list(ENDS)
    assert picture(policies)["doc.yaml"].decode() == FIXED


@pytest.mark.parametrize("stream", ["stdout", "stderr", "both"])
@pytest.mark.parametrize("form", FORMS)
def test_a_run_that_cannot_be_told_stops_before_it_writes(form: str, stream: str, tmp_path: Path, cerbos):
    policies, words = a_run(tmp_path, form)
    with FULL.open("wb") as full:
        taken = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        for name in (stream,) if stream != "both" else tuple(taken):
            taken[name] = full  # type: ignore[assignment]
        done = subprocess.run(words, env=environment(), **taken, check=False)
    said = (done.stdout or b"") + (done.stderr or b"")
    told_only_at_the_end = form == "json" and stream == "stdout"
    never_spoken = form != "json" and stream == "stderr"
    assert done.returncode == (0 if never_spoken else 8), said
    assert b"Traceback" not in said
    assert b"a fault of policyloop" not in said
    assert kinds(tmp_path)[-2:] == list(ENDS)
    written = never_spoken or told_only_at_the_end
    assert picture(policies)["doc.yaml"].decode() == (FIXED if written else DOCS["doc.yaml"])
    if stream == "stdout":
        assert b"Standard output cannot be written: No space left on device." in said
    shown = policyloop("show", "--state", tmp_path / ".policyloop", "--format", "json").json
    assert shown["exit_code"] == (0 if written else 8)
    assert (tmp_path / ".policyloop").exists()


LOOKING = {
    "check": (["check", RED, "--runner", "native"], 4),
    "guard": (["guard", RED, RED], 8),
    "schema": (["schema", "run"], 8),
    "help": (["--help"], 8),
    "a mistake": (["check", RED / "no"], 2),
    "no such option": (["check", RED, "--no"], 2),
}


@pytest.mark.parametrize("name", LOOKING)
@pytest.mark.parametrize("form", ["plain", "json"])
def test_a_verdict_that_cannot_be_told_is_no_green_one(name: str, form: str, cerbos):
    arguments, code = LOOKING[name]
    words = command(*arguments, *([] if name in ("schema", "help") else ["--format", form]))
    with FULL.open("wb") as full:
        out = subprocess.run(words, env=environment(), stdout=full, stderr=subprocess.PIPE, check=False)
        both = subprocess.run(words, env=environment(), stdout=full, stderr=full, check=False)
    # What was found is known only by its code: one that is no verdict tells of the disk.
    assert out.returncode in (code, 8), out.stderr
    assert both.returncode in (code, 8)
    _, *onward = out.stderr.splitlines()
    assert all(line.startswith(b"next (") for line in onward), out.stderr
    assert b"a fault of policyloop" not in out.stderr


def test_a_reader_who_was_never_there_gets_the_same_verdict(cerbos):
    read_end, write_end = os.pipe()
    os.close(read_end)
    for arguments, code in ((["check", RED, "--runner", "native"], 4), (["guard", RED, RED], 0), (["--help"], 0)):
        done = subprocess.run(
            command(*arguments), env=environment(), stdout=write_end, stderr=subprocess.PIPE, check=False
        )
        assert done.returncode == code
        # Standard error has a reader, who is told what comes next and nothing else.
        assert all(line.startswith(b"next (") for line in done.stderr.splitlines())
    os.close(write_end)


def test_a_hook_whose_answer_cannot_be_given_blocks_the_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cerbos):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    policies = lay(DOCS, tmp_path / "project" / "policies")
    started = policyloop("session", "start", "--policies", policies, "--runner", "native", "--claude-session", CLAUDE,
                         env={"XDG_STATE_HOME": str(tmp_path / "state")})  # fmt: skip
    assert started.code in (0, 4), started.err
    asked = {"session_id": CLAUDE, "cwd": str(policies.parent), "hook_event_name": "PreToolUse",
             "tool_name": "Bash", "tool_input": {"command": "rm -r ."}}  # fmt: skip
    with FULL.open("wb") as full:
        for errors in (subprocess.PIPE, full):
            done = subprocess.run(
                command("hook", "pre-tool-use"),
                input=json.dumps(asked).encode(),
                env=environment(),
                stdout=full,
                stderr=errors,
                check=False,
            )
            assert done.returncode == 2, done.stderr


def test_a_pipe_that_does_not_wait_loses_nothing(cerbos):
    """Programs that share a pipe with us may make it one that does not wait (Node.js does)."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    child = subprocess.Popen(command("schema", "run"), env=environment(), stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    with os.fdopen(reading, "rb") as out:
        said = out.read()
    assert child.wait(timeout=60) == 0
    assert json.loads(said)["type"] == "object"
