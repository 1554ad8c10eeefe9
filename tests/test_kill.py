"""`kill -9` swept over a run's whole life: the directory is as it was or, after the next command, wholly green."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from command import DOCS, FIXED, environment, lay, picture, policyloop, speaker

POINTS = 102
SHARES = 6
"""Tests that share the points, so that they keep more than one worker busy."""
MANY = {f"copies/doc{n}.yaml": FIXED.replace("resource: doc", f"resource: doc{n}") for n in range(12)}
"""Files that the fix adds, so that the write-back has many steps."""
EDITS = [{"path": "doc.yaml", "content": FIXED}, *({"path": p, "content": t} for p, t in MANY.items())]
BEFORE = {p: t.encode() for p, t in DOCS.items()}
GREEN = {**BEFORE, "doc.yaml": FIXED.encode(), **{p: t.encode() for p, t in MANY.items()}}


def start(policies: Path, command: str) -> subprocess.Popen[bytes]:
    options = ["--policies", str(policies), "--runner", "native", "--format", "plain", "--model-command", command]
    with said_by(policies).open("wb") as errors:
        return subprocess.Popen(
            [sys.executable, "-m", "policyloop", "run", *options],
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )


def said_by(policies: Path) -> Path:
    """Where what the run over these policies says of a failure is kept, for whoever reads a failed test."""
    return policies.parent / "stderr.txt"


def lived(folder: Path, command: str) -> float:
    """How many seconds a run takes that nobody kills."""
    policies = lay(DOCS, folder / "policies")
    began = time.monotonic()
    assert start(policies, command).wait(timeout=120) == 0, said_by(policies).read_text()
    assert picture(policies) == GREEN
    return time.monotonic() - began


def killed_at(seconds: float, folder: Path, command: str) -> dict[str, bytes]:
    """What the next command leaves after a run was killed `seconds` into its life."""
    policies = lay(DOCS, folder / "policies")
    child = start(policies, command)
    try:
        child.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    if picture(policies) not in (BEFORE, GREEN):
        # Half-way through the write-back: what only looks says so and changes nothing, and then it is finished.
        left = picture(policies)
        looked = policyloop("check", policies, "--runner", "native")
        assert looked.code == 5
        assert f"policyloop recover {policies}" in " ".join(looked.err.split())
        assert picture(policies) == left
        assert policyloop("recover", policies).code == 0
    return picture(policies)


@pytest.mark.parametrize("share", range(SHARES))
def test_a_killed_run_never_leaves_a_half_written_directory(share: int, tmp_path: Path, cerbos):
    command = speaker([{"edits": EDITS, "note": "fix"}], tmp_path)
    with ThreadPoolExecutor(2) as pool:
        life = max(pool.map(lambda n: lived(tmp_path / f"whole{n}", command), range(2)))

    # Half of the points lie evenly over the life, half in its last third, where the directory is written.
    even = [life * 1.3 * n / (POINTS / 2) for n in range(POINTS // 2)]
    late = [life * (0.8 + 0.6 * n / (POINTS / 2)) for n in range(POINTS // 2)]
    points = [*[*even, *late][share::SHARES], 120.0]
    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(lambda n: killed_at(points[n], tmp_path / str(n), command), range(len(points))))
    assert all(end in (BEFORE, GREEN) for end in ends)
    assert BEFORE in ends
    assert GREEN in ends
