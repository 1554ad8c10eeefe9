"""What a test needs beside Python, as markers; and the quick tier, in which none of that is to be had.

A marker comes with the fixture that starts the thing; a test that starts it otherwise bears its marker in its file. Who
forgets that is found out in the quick tier: there is no compiler there, no engine, no client, no browser and no npm.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

LEFT_OUT = ("compiler", "docker", "client", "browser", "postgres", "registry", "sweep")
"""The markers of `pyproject.toml` that keep a test out of the quick tier: what it needs, or that it takes long."""
BY_FIXTURE = {"cerbos": "compiler", "docker_cerbos": "docker", "claude": "client", "golden": "golden"}
PROGRAMS = ("cerbos", "docker", "dockerd", "npm", "npx", "node", "claude", "chromium", "chromium-browser", "uv", "pip")
NOWHERE = "POLICYLOOP_TESTS_QUICK"
"""Set once the environment is that of the quick tier, which the processes of a run inherit from the first."""


def mark(items: list[pytest.Item]) -> None:
    """Give each test the markers of its fixtures."""
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            if fixture in BY_FIXTURE:
                item.add_marker(BY_FIXTURE[fixture])


def is_quick(item: pytest.Item) -> bool:
    return not any(item.get_closest_marker(name) for name in LEFT_OUT)


def leave_out_the_rest(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what needs nothing."""
    left_out = [item for item in items if not is_quick(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if is_quick(item)]


def take_everything_away() -> str | None:
    """The environment of the quick tier: none of `PROGRAMS`, an empty cache, no engine. The folder to remove then."""
    if NOWHERE in os.environ:
        return None
    folder = tempfile.mkdtemp(prefix="policyloop-tests-quick-")
    os.environ[NOWHERE] = folder
    os.environ["XDG_CACHE_HOME"] = str(Path(folder) / "cache")
    os.environ["DOCKER_HOST"] = f"unix://{folder}/no-engine"
    os.environ.pop("POLICYLOOP_CERBOS", None)
    os.environ["PATH"] = os.pathsep.join(
        _without_programs(Path(place), Path(folder) / f"path{number}")
        for number, place in enumerate(os.environ["PATH"].split(os.pathsep))
    )
    return folder


def _without_programs(place: Path, target: Path) -> str:
    """`place`, or where something of `PROGRAMS` lies in it, a folder of links to everything else in it."""
    if place == Path(sys.executable).parent or not any((place / name).exists() for name in PROGRAMS):
        return str(place)
    target.mkdir()
    for program in place.iterdir():
        if program.name not in PROGRAMS:
            (target / program.name).symlink_to(program)
    return str(target)


def give_back(folder: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
