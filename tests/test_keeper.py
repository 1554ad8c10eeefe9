"""A model's program, and whatever it started, is gone when its turn is over, and when policyloop was killed."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from command import DOCS, environment, lay
from policyloop.errors import Unavailable
from policyloop.models.command import CommandModel
from tasks import task

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt what others left")

ESCAPES = {
    "a session of its own": "os.setsid()",
    "a daemon": "os.setsid()\n    if os.fork(): os._exit(0)",
    "two generations": "os.setsid()\n    if os.fork(): os._exit(0)\n    os.setsid()\n    if os.fork(): os._exit(0)",
    "deaf to signals": "os.setsid()\n    [signal.signal(n, signal.SIG_IGN) for n in (1, 2, 15)]",
    "a group": "os.setpgid(0, 0)",
}


def program(folder: Path, escape: str, then: str) -> tuple[str, Path]:
    """A program that leaves a child behind in this way, and then does something else; where the child says its id."""
    sign = folder / "child"
    file = folder / "leaves.py"
    file.write_text(
        "import os, pathlib, signal, sys, time\n"
        "if not os.fork():\n"
        f"    {escape}\n"
        "    for stream in (0, 1, 2): os.close(stream)\n"
        f"    part = pathlib.Path({str(sign)!r} + '.part')\n"
        "    part.write_text(f'{os.getpid()}'); part.rename(str(part)[:-5])\n"
        "    time.sleep(600)\n"
        f"while not pathlib.Path({str(sign)!r}).exists(): time.sleep(0.01)\n"
        f"{textwrap.dedent(then)}\n"
    )
    return f"{sys.executable} {file}", sign


def runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def gone_soon(process: int) -> bool:
    end = time.monotonic() + 10
    while runs(process) and time.monotonic() < end:
        time.sleep(0.02)
    return not runs(process)


@pytest.mark.parametrize("escape", ESCAPES)
def test_nothing_stays_after_a_normal_end(escape: str, tmp_path: Path) -> None:
    command, sign = program(tmp_path, ESCAPES[escape], "print('{\"edits\": []}')")
    reply = CommandModel(command).propose(task())
    assert reply.proposal is not None
    assert gone_soon(int(sign.read_text()))


@pytest.mark.parametrize(
    "then", ["sys.exit(3)", "time.sleep(600)", "os.kill(os.getpid(), 9)", "print('x' * 9_000_000)"]
)
def test_nothing_stays_after_any_other_end(then: str, tmp_path: Path) -> None:
    command, sign = program(tmp_path, ESCAPES["a daemon"], then)
    try:
        reply = CommandModel(command, timeout_seconds=5).propose(task())
        assert reply.proposal is None
    except Unavailable:
        pass
    assert gone_soon(int(sign.read_text()))


@pytest.mark.parametrize("escape", ESCAPES)
def test_nothing_survives_a_kill_of_the_run(escape: str, tmp_path: Path, cerbos: object) -> None:
    policies = lay(DOCS, tmp_path / "policies")
    own = tmp_path / "program"
    command, sign = program(
        tmp_path, ESCAPES[escape], f"pathlib.Path({str(own)!r}).write_text(str(os.getpid()))\ntime.sleep(600)"
    )
    run = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "policyloop",
            "run",
            "--policies",
            policies,
            "--runner",
            "native",
            "--model-command",
            command,
        ],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + 60
        while not (own.exists() and own.read_text()) and time.monotonic() < end:
            time.sleep(0.02)
        child, leader = int(sign.read_text()), int(own.read_text())
        assert runs(child)
        assert runs(leader)
    finally:
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
    assert gone_soon(child)
    assert gone_soon(leader)


def test_what_the_program_ignores_it_inherits_from_nobody(tmp_path: Path) -> None:
    file = tmp_path / "signals.py"
    file.write_text(
        "import json, signal\n"
        "deaf = [n for n in (1, 2, 15) if signal.getsignal(n) is signal.SIG_IGN]\n"
        "print(json.dumps({'edits': [], 'note': str(deaf)}))\n"
    )
    reply = CommandModel(f"{sys.executable} {file}").propose(task())
    assert reply.proposal is not None
    assert reply.proposal.note == "[]"
