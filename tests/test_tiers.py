"""The quick tier: who needs a compiler, an engine or a client is left out by a marker, and found out without one."""

import os
import subprocess
import sys
from pathlib import Path

from source_tree import ROOT

FORGETFUL = """
import os, shutil

from policyloop.validators.install import install
from policyloop.validators.pinned import VERSION
from policyloop.validators.select import open_native


def test_that_says_so_by_its_fixture(cerbos): ...
def test_that_says_so_by_a_fixture(docker_cerbos): ...
def test_that_says_so_by_the_third(claude): ...
def test_that_installs(): install(VERSION)
def test_that_starts(): open_native(VERSION, 1)
def test_that_needs_nothing():
    assert not any(map(shutil.which, ("cerbos", "docker", "npm", "node", "claude", "chromium")))
    assert shutil.which("git")
"""


def test_what_forgot_its_marker_fails_in_the_quick_tier(tmp_path: Path) -> None:
    file = tmp_path / "test_forgetful.py"
    file.write_text(FORGETFUL)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    options = ["-c", ROOT / "pyproject.toml", "-p", "conftest", "-p", "no:cacheprovider", "-rA"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--quick", *options, file],
        env={**kept, "PYTHONPATH": str(ROOT / "tests")},
        capture_output=True,
        text=True,
        check=False,
    )
    ends = {line.split("::")[1].split(" ")[0]: line.split(" ")[0] for line in done.stdout.splitlines() if "::" in line}
    assert ends == {
        "test_that_installs": "FAILED",
        "test_that_starts": "FAILED",
        "test_that_needs_nothing": "PASSED",
    }, done.stdout + done.stderr
    assert "3 deselected" in done.stdout
