"""`kill -9` of a process that writes a log, at many moments: nothing acknowledged is lost, and the log verifies."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

import postgres
from audit_logs import looked_at
from policyloop.audit.store import Query, open_reader

MOMENTS = int(os.environ.get("POLICYLOOP_AUDIT_KILLS", "6"))
SEED = int(os.environ.get("POLICYLOOP_KILL_SEED") or time.time_ns() % 10**6)
WRITER = Path(__file__).parent / "audit_writer.py"

pytestmark = pytest.mark.sweep


def killed(store: str, folder: Path, seconds: float) -> int:
    """How many entries had been acknowledged when the writer was killed, so long after its first word."""
    writer = subprocess.Popen(
        [sys.executable, str(WRITER), store, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert writer.stdout is not None
    first = writer.stdout.readline()
    time.sleep(seconds)
    writer.kill()
    said = (first + writer.stdout.read()).decode()
    writer.wait()
    whole = said[: said.rfind("\n")].split()
    assert whole, "the writer said nothing"
    return int(whole[-1])


def sweep(store: str, folder: Path) -> None:
    draw = random.Random(SEED)
    size = 0
    for moment in range(MOMENTS):
        acknowledged = killed(store, folder, draw.uniform(0, 0.4))
        verified = looked_at(store, folder, head=True)
        words = f"seed {SEED}, moment {moment}: {verified}"
        if verified.checkpoints:
            assert verified.bad is None, words
        else:  # killed before the first checkpoint
            assert verified.bad is None or "nobody has signed" in verified.bad.what, words
        assert verified.size >= max(acknowledged, size), words
        size = verified.size
    with open_reader(store) as reader:
        numbers = [entry.record()["id"] for entry in reader.search(Query(limit=None, oldest_first=True))]
        assert numbers == [f"call-{number}" for number in range(size)]
        assert reader.faults(index=True) == []


def test_in_sqlite(tmp_path: Path):
    sweep(str(tmp_path / "audit.db"), tmp_path)


@pytest.mark.postgres
def test_in_postgres(tmp_path: Path):
    with postgres.cluster() as server:
        sweep(server.database(), tmp_path)
