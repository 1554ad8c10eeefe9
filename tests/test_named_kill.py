"""Killed at any instant, a spec, a page and a suggested test are whole, and their next use leaves no litter."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from command import environment
from policyloop.validators import memo, staging

SCRIPT = Path(__file__).with_name("named_kills.py")


def swept(sweep: str, folder: Path) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), sweep, str(folder)], env=environment(), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.sweep
def test_a_confirmation_killed_at_any_point(tmp_path: Path) -> None:
    points = swept("confirm", tmp_path)
    assert len(points) > 30
    assert [point["killed"] for point in points] == [True] * (len(points) - 1) + [False]
    assert {point["left"] for point in points} == {"before", "after"}
    # Not believed before it is kept outside of the project, and never of a spec that was not written.
    seen = {(point["left"], point["believed"]) for point in points}
    assert {("before", False), ("after", True)} <= seen <= {("before", False), ("after", False), ("after", True)}
    assert all(point["code"] == 0 and not point["litter"] for point in points), points


@pytest.mark.parametrize(("sweep", "files"), [("report", ["r.html", "r.md"]), ("mutate", ["more_test.yaml"])])
def test_a_page_and_a_suite_killed_at_any_point(sweep: str, files: list[str], tmp_path: Path, cerbos):
    *points, last = swept(sweep, tmp_path)
    assert last == {"code": 0}
    assert sorted({point["file"] for point in points}) == files
    for name in files:
        of_file = [point for point in points if point["file"] == name]
        assert len(of_file) > 20
        assert [point["killed"] for point in of_file] == [True] * (len(of_file) - 1) + [False]
        assert {point["left"] for point in of_file} == {"before", "after"}
    assert not [point for point in points if point["litter"]]


def test_what_a_killed_install_left_is_gone_with_the_next(tmp_path: Path) -> None:
    code = (
        "import os, sys, pathlib\n"
        "from policyloop.validators.staging import private_directory\n"
        "with private_directory(pathlib.Path(sys.argv[1]), '.install-') as folder:\n"
        "    (folder / 'node_modules').mkdir()\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment(), check=False)
    (left,) = tmp_path.iterdir()
    os.utime(left, (time.time() - 3600,) * 2)
    with staging.private_directory(tmp_path, ".install-") as folder:
        assert list(tmp_path.iterdir()) == [folder]
    assert not list(tmp_path.iterdir())


def test_what_is_remembered_leaves_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    memo.remember("a", "1", {"x": "y"})
    (note,) = (path for path in tmp_path.rglob("*") if path.is_file())
    part = note.with_name(f".{note.name}.part")
    part.write_text('{"half')
    memo.remember("a", "2", {"x": "z"})
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [note]
    assert memo.recall("a", "2") == {"x": "z"}
