"""Killed at any instant, the directory is as it was or one command away from wholly green; a full disk is no worse."""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.sweep

SCRIPT = Path(__file__).with_name("write_back_kills.py")
MEMORY = Path("/dev/shm")


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """In memory where there is such a place: a kill loses nothing that was written, so syncing would only cost time."""
    if not MEMORY.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=MEMORY) as made:
        yield Path(made)


def swept(sweep: str, directory: Path) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), sweep, str(directory)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("sweep", ["small", "large"])
def test_a_write_back_killed_at_any_point(directory: Path, sweep: str) -> None:
    points = swept(sweep, directory)
    # A kill before the commit leaves all as it was; any later one is finished by the next command.
    allowed = {("before", "before"), ("before", "after"), ("between", "after"), ("after", "after")}
    counts = Counter((p["killed"], p["recovered"]) for p in points)
    assert set(counts) <= allowed
    assert counts["between", "after"] >= 100
    assert counts["before", "before"] >= 40
    recovered = [p["recovered"] for p in points]
    assert recovered == sorted(recovered, key=["before", "after"].index), "once committed, it stays so"
    for point in points:
        assert point["committed_left"] == []
        assert point["again"] == "after"
        assert point["left"] == []


def test_the_finishing_killed_at_any_point_is_finished_by_the_next(directory: Path) -> None:
    points = swept("again", directory)
    assert len(points) > 80
    for point in points:
        assert point["killed"] in {"between", "after"}
        assert (point["recovered"], point["again"], point["left"]) == ("after", "after", [])


def test_taking_back_killed_at_any_point_is_taken_back_by_the_next(directory: Path) -> None:
    """The person changed a file after the kill: it stays, all others are as before, and the result is kept."""
    points = swept("turned", directory)
    assert len(points) > 100
    for point in points:
        assert point["theirs"]
        assert point["others_as_before"]
        assert point["patch"]
        assert point["journals"] == []
    told = [point["person"] for point in points]
    # Told by the killed command or by the next one; only one that was killed after all was done tells nobody.
    assert told == sorted(told, reverse=True)
    assert told.count(False) < 10


def test_a_disk_that_is_full_from_any_point_on(directory: Path) -> None:
    points = swept("full", directory)
    stopped = [p for p in points if p["what"]]
    assert len(stopped) > 100
    for point in stopped:
        assert point["what"].startswith("The result cannot be written to ")
        assert "nothing was changed" in point["what"]
        assert (point["stopped"], point["recovered"], point["person"], point["left"]) == ("before", "before", False, [])
    assert [p["stopped"] for p in points if not p["what"]] == ["after"]
