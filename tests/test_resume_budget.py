"""What a resumed run has left: no call that was killed is handed back, and no ledger that was joined is believed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from command import DOCS, FIX, environment, lay, policyloop, speaker
from policyloop.ledger import Ledger, latest_run, read
from policyloop.ledger.chain import FIRST_PREV, Record, head_of
from policyloop.run.past import read_past

HANG = "import pathlib, time\npathlib.Path({sign!r}).touch()\ntime.sleep(600)\n"


def killed(policies: Path, folder: Path, seconds: float, *more: object) -> float:
    """Seconds that the model was at work in a run that is killed; by then it has no answer."""
    sign, program = folder / "asked", folder / "hang.py"
    sign.unlink(missing_ok=True)
    program.write_text(HANG.format(sign=str(sign)))
    command = f"{sys.executable} {program}"
    words = ("run", "--policies", policies, "--runner", "native", "--model-command", command, *more)
    run = subprocess.Popen(
        [sys.executable, "-m", "policyloop", *map(str, words)],
        env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    end = time.monotonic() + 60
    while not sign.exists() and time.monotonic() < end and run.poll() is None:
        time.sleep(0.02)
    began = time.monotonic()
    time.sleep(seconds)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    return time.monotonic() - began


def test_three_runs_whose_calls_were_killed_add_up(tmp_path: Path, cerbos: object) -> None:
    policies = lay(DOCS, tmp_path / "policies")
    worked = killed(policies, tmp_path, 2.5)
    for _ in range(2):
        last = latest_run(tmp_path / ".policyloop").parent.name
        before = read_past(last, tmp_path / ".policyloop").elapsed
        assert before >= worked
        worked += killed(policies, tmp_path, 1.0, "--resume", last)
    last = latest_run(tmp_path / ".policyloop").parent.name
    done = policyloop(
        "run", "--policies", policies, "--runner", "native", "--resume", last, "--wall-seconds", f"{worked:.2f}",
        "--model-command", speaker([FIX], tmp_path), "--format", "json",
    )  # fmt: skip
    assert done.code == 4, done.err
    assert done.json["stopped_by"] == "wall_seconds"
    assert "budget.wall_seconds" in done.err


def ledger_of(folder: Path, run: str, records: list[tuple[str, dict[str, object]]]) -> Path:
    """A ledger that is whole by its hashes."""
    place = folder / "runs" / run
    with Ledger.create(place) as ledger:
        for kind, data in records:
            ledger.append(kind, data)
    return place / "ledger.jsonl"


def begun(run: str) -> dict[str, object]:
    return {
        "run": run, "request": "", "policies": "p", "bundle": "0" * 64, "files": 1, "model": "m", "require_tests": True,
        "locked": 0, "compiler": {"version": "0.55.0", "runner": "native", "digest": "d"},
        "budget": {"attempts_per_class": 3, "compile_cycles": 10, "tokens": 10, "usd": 1, "wall_seconds": 9,
                   "refusals": 1},
    }  # fmt: skip


ONE, TWO = "20260101-000000-aaaa", "20260101-000001-bbbb"
USAGE = {"input_tokens": 7, "output_tokens": 5, "cache_read_tokens": 0, "cache_write_tokens": 0, "usd": 0.5}


def answered(usage: dict[str, object]) -> dict[str, object]:
    return {"attempt": 1, "proposal": {"edits": []}, "malformed": None, "over_budget": None, "usage": usage,
            "seconds": 1.0, "elapsed": 1.0}  # fmt: skip


def test_what_was_booked_for_a_call_without_an_answer_is_spent(tmp_path: Path) -> None:
    booked = ("booked", {"usage": USAGE, "until": 5.5})
    ledger_of(tmp_path, ONE, [("started", begun(ONE)), booked])
    past = read_past(ONE, tmp_path)
    assert (past.carried.tokens, past.carried.usd, past.elapsed) == (12, 0.5, 5.5)
    ledger_of(tmp_path, TWO, [("started", begun(TWO)), booked, ("answered", answered(USAGE)), booked])
    past = read_past(TWO, tmp_path)
    assert past.carried.tokens == 0
    assert past.answers[-1].usage.tokens == 24
    assert past.elapsed == 5.5


HOSTILE = {
    "two runs joined": ([("started", begun(ONE)), ("started", begun(TWO))], 5),
    "another run's ledger": ([("started", begun(TWO))], 5),
    "no beginning": ([("answered", answered(USAGE))], 5),
    "an ending of a newer version": ([("started", begun(ONE)), ("ended", {"ending": "hibernated"})], 2),
    "a class of a newer version": ([("started", {**begun(ONE), "budget": {"tokens": "all"}})], 2),
    "usage that is handed back": ([("started", begun(ONE)), ("answered", answered({**USAGE, "usd": -5.0}))], 2),
    "usage beyond all numbers": ([("started", begun(ONE)), ("answered", answered({**USAGE, "usd": 1e308}))], 2),
    "text for usage": ([("started", begun(ONE)), ("answered", answered({**USAGE, "input_tokens": "x"}))], 2),
    "no proposal": ([("started", begun(ONE)), ("answered", {**answered(USAGE), "proposal": {"edits": [{}]}})], 5),
    "booked text": ([("started", begun(ONE)), ("booked", {"usage": {}, "until": "soon"})], 5),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_ledger_that_tells_nonsense_is_refused_in_one_sentence(name: str, tmp_path: Path) -> None:
    records, code = HOSTILE[name]
    ledger_of(tmp_path / "state", ONE, records)
    lay(DOCS, tmp_path / "policies")
    done = policyloop(
        "run", "--policies", tmp_path / "policies", "--state", tmp_path / "state", "--resume", ONE, "--runner", "native"
    )
    assert done.code == code, done.err
    assert done.err.count("\n") == 1
    if name not in ("no proposal", "booked text"):
        assert policyloop("show", ONE, "--state", tmp_path / "state").code == code


def test_two_ledgers_that_are_spliced_and_sealed_anew_are_told(tmp_path: Path) -> None:
    first = read(ledger_of(tmp_path, ONE, [("started", begun(ONE)), ("answered", answered(USAGE))])).records
    second = read(ledger_of(tmp_path, TWO, [("started", begun(TWO)), ("answered", answered(USAGE))])).records
    prev, lines = FIRST_PREV, []
    for number, record in enumerate((*first, *second), 1):
        sealed = Record(number, record.time, record.kind, record.data, prev, "").sealed()
        prev = sealed.hash
        lines.append(sealed.line().decode() + "\n")
    path = tmp_path / "runs" / ONE / "ledger.jsonl"
    path.write_text("".join(lines))
    head_of(path).write_text(f"{4:012d} {prev}\n")
    assert read(path).broken is None
    done = policyloop("show", ONE, "--state", tmp_path)
    assert done.code == 5
    assert "tells of 2 runs" in done.err


def test_resume_from_another_directory(tmp_path: Path, cerbos: object) -> None:
    policies = lay(DOCS, tmp_path / "policies")
    broken = policyloop("run", "--policies", "policies", "--runner", "native", "--model-command", "false", cwd=tmp_path)
    assert broken.code == 8
    elsewhere = tmp_path / "elsewhere"
    lay({**DOCS, "more.yaml": "{}\n"}, elsewhere / "policies")
    run = latest_run(tmp_path / ".policyloop").parent.name
    fixed = ("run", "--resume", run, "--state", tmp_path / ".policyloop", "--runner", "native", "--model-command",
             speaker([FIX], tmp_path), "--format", "json")  # fmt: skip
    other = policyloop(*fixed, cwd=elsewhere)
    assert other.code == 5, other.err
    done = policyloop(*fixed, "--policies", policies, "--tokens", 77, cwd=elsewhere)
    assert done.code == 0, done.err
    assert "budget.tokens is 77 now" in done.err
    assert json.loads(done.out)["outcome"] == "green"
