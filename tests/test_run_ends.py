"""How a run ends when what is around it gives out: the ledger's disk, a power cut, an impatient person."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from command import DOCS, FIX, FIXED, environment, lay, picture, policyloop, speaker
from policyloop.ledger.chain import head_of
from published_schemas import hold_to_schema


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return lay(DOCS, tmp_path / "project" / "policies")


def command(docs: Path, tmp_path: Path, *more: object) -> list[str]:
    options = ["--policies", docs, "--runner", "native", "--model-command", speaker([FIX], tmp_path), *more]
    return [sys.executable, "-m", "policyloop", "run", *map(str, options)]


def offsets(ledger: Path) -> dict[str, tuple[int, int]]:
    """Kind of record -> where the last of that kind begins and ends, in bytes."""
    found, at = {}, 0
    for line in ledger.read_bytes().splitlines(keepends=True):
        found[json.loads(line)["kind"]] = (at, at + len(line))
        at += len(line)
    return found


@pytest.mark.parametrize("kind", ["judged", "asked", "ended"])
def test_a_ledger_that_cannot_grow_ends_the_run(kind: str, docs: Path, tmp_path: Path, cerbos):
    """A limit on the size of a file stands for a disk that is full."""
    other = lay(DOCS, tmp_path / "another" / "policies")
    assert subprocess.run(command(other, tmp_path), env=environment(), capture_output=True, check=False).returncode == 0
    begin, end = offsets(next(other.parent.glob(".policyloop/runs/*/ledger.jsonl")))[kind]
    most = (begin + end) // 2
    done = subprocess.run(
        command(docs, tmp_path, "--format", "json"),
        # Half a module in a shared cache of bytecode would outlive this test.
        env=environment(PYTHONDONTWRITEBYTECODE="1"),
        capture_output=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
        check=False,
    )
    document = json.loads(done.stdout)
    hold_to_schema(document, "run")
    assert (done.returncode, document["exit_code"], document["outcome"]) == (8, 8, "unavailable")
    assert "ledger.jsonl cannot be written: File too large" in document["message"]
    assert document["message"].count("ledger.jsonl") == 1
    written = kind == "ended"
    assert bool(document["files_changed"]) is written
    assert (docs / "doc.yaml").read_text() == (FIXED if written else DOCS["doc.yaml"])
    assert (b"--resume" in done.stderr) is not written


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_after_the_write_back_does_not_say_that_nothing_was_written(
    number: int, docs: Path, tmp_path: Path, cerbos
):
    """Nobody reads the document yet, so the run waits there: written, recorded, and not over."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    filled = 0
    with suppress(BlockingIOError):
        while True:
            filled += os.write(writing, b" " * 4096)
    os.set_blocking(writing, True)
    words = command(docs, tmp_path, "--format", "json")
    child = subprocess.Popen(words, env=environment(), stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert child.stderr
    end = time.monotonic() + 60
    while not any(
        '"kind":"closed"' in file.read_text() for file in docs.parent.glob(".policyloop/runs/*/ledger.jsonl")
    ):
        assert time.monotonic() < end
        time.sleep(0.02)
    child.send_signal(number)
    with os.fdopen(reading, "rb") as out:
        said = out.read()
    assert child.wait(timeout=60) == 0
    assert json.loads(said[filled:])["files_changed"] == ["doc.yaml"]
    assert "Interrupted" not in child.stderr.read()
    assert picture(docs)["doc.yaml"].decode() == FIXED


def test_a_run_whose_last_line_was_torn_goes_on(docs: Path, tmp_path: Path, cerbos):
    done = policyloop("run", "--policies", docs, "--runner", "native", "--model-command", "false", "--format", "json")
    assert done.code == 8
    ledger = docs.parent / ".policyloop" / "runs" / done.json["run"] / "ledger.jsonl"
    ledger.write_bytes(ledger.read_bytes() + b'{"data":{"half')
    resumed = subprocess.run(
        command(docs, tmp_path, "--resume", done.json["run"]), env=environment(), capture_output=True, check=False
    )
    assert resumed.returncode == 0, resumed.stderr


def test_a_broken_ledger_is_one_json_document_too(docs: Path, tmp_path: Path, cerbos):
    done = policyloop("run", "--policies", docs, "--runner", "native", "--model-command", "false", "--format", "json")
    ledger = docs.parent / ".policyloop" / "runs" / done.json["run"] / "ledger.jsonl"
    ledger.write_text(ledger.read_text().replace("wrong-effect", "right-effect"))
    shown = policyloop("show", "--state", docs.parent / ".policyloop", "--format", "json")
    assert (shown.code, shown.json["outcome"], shown.json["exit_code"]) == (5, "error", 5)


def test_a_run_without_an_end_still_tells_what_a_person_released(docs: Path, tmp_path: Path, cerbos):
    names = {"suite": "Docs", "test": "strangers", "principal": "bob", "resource": "hers", "action": "write"}
    release = tmp_path / "release.yaml"
    release.write_text(json.dumps({"releases": [{**names, "reason": "asked"}]}))
    arguments = ("--policies", docs, "--runner", "native", "--model-command", "false", "--release", release)
    assert policyloop("run", *arguments).code == 8
    ledger = next(docs.parent.glob(".policyloop/runs/*/ledger.jsonl"))
    # A kill before the end was written.
    left = ledger.read_text().splitlines(keepends=True)[:-2]
    ledger.write_text("".join(left))
    head_of(ledger).write_text(f"{len(left):012d} {json.loads(left[-1])['hash']}\n")
    shown = policyloop("show", "--state", docs.parent / ".policyloop", "--format", "json").json
    assert (shown["outcome"], shown["assertions"]["locked"]) == ("interrupted", 5)
    assert shown["released"] == ["Docs / strangers: bob write hers"]
