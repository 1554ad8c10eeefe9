"""`kill -9` swept over a run's whole life: the directory is as it was or, after the next command, wholly green."""

import os
import random
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

import warm
from command import DOCS, FIXED, environment, lay, picture, policyloop, speaker

POINTS = int(os.environ.get("POLICYLOOP_KILLS", "24"))
SEED = int(os.environ.get("POLICYLOOP_KILL_SEED") or time.time_ns() % 10**6)
SHARES = 2
"""Tests that share the points, so that they keep more than one worker busy."""
MANY = {f"copies/doc{n}.yaml": FIXED.replace("resource: doc", f"resource: doc{n}") for n in range(12)}
"""Files that the fix adds, so that the write-back has many steps."""
EDITS = [{"path": "doc.yaml", "content": FIXED}, *({"path": p, "content": t} for p, t in MANY.items())]
BEFORE = {p: t.encode() for p, t in DOCS.items()}
GREEN = {**BEFORE, "doc.yaml": FIXED.encode(), **{p: t.encode() for p, t in MANY.items()}}


def running(policies: Path, command: str) -> list[str]:
    options = ["--policies", str(policies), "--runner", "native", "--format", "plain", "--model-command", command]
    return ["run", *options]


def lived(folder: Path, command: str) -> float:
    """How many seconds a run takes that nobody kills."""
    policies = lay(DOCS, folder / "policies")
    began = time.monotonic()
    done = warm.run(running(policies, command), cwd=folder, env=environment(), timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    assert picture(policies) == GREEN
    return time.monotonic() - began


def killed_at(seconds: float, folder: Path, command: str) -> dict[str, bytes]:
    """What the next command leaves after a run was killed `seconds` into its life."""
    policies = lay(DOCS, folder / "policies")
    with suppress(subprocess.TimeoutExpired):
        warm.run(running(policies, command), cwd=folder, env=environment(), timeout=seconds)
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

    # Half of the points lie over the life, half in its last third, where the directory is written; each half lies
    # evenly, but for where in its own part of the time a point falls.
    drawn = random.Random(f"{SEED} {share}")
    print(f"POLICYLOOP_KILL_SEED={SEED} draws these points again; the whole sweep is make kills-long")
    each = POINTS // SHARES // 2
    whole = [life * 1.3 * (n + drawn.random()) / each for n in range(each)]
    late = [life * (0.8 + 0.6 * (n + drawn.random()) / each) for n in range(each)]
    points = [*whole, *late, 120.0]
    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(lambda n: killed_at(points[n], tmp_path / str(n), command), range(len(points))))
    assert all(end in (BEFORE, GREEN) for end in ends)
    assert BEFORE in ends
    assert GREEN in ends
