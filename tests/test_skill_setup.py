"""`skill/scripts/setup.py`: the command is there afterwards, in whichever way, and it says what it did."""

import os
import runpy
import shutil
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from command import lay
from source_tree import tracked

pytestmark = pytest.mark.registry

VENV = Path(sys.executable).parent


@pytest.fixture(scope="module")
def skill(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The skill as it is installed."""
    return tracked(tmp_path_factory.mktemp("skills") / "policyloop")


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder of programs, the first on PATH; no policyloop, no uv and no pipx but what is put there."""
    folder = tmp_path / "tools"
    folder.mkdir()
    (folder / "python3").symlink_to(Path(sys.executable).resolve())
    return folder


def setup(skill: Path, home: Path, tools: Path, **more: str) -> subprocess.CompletedProcess[str]:
    unwanted = ("PYTHONPATH", "VIRTUAL_ENV", "XDG_CACHE_HOME")
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    cache = {"PIP_CACHE_DIR": str(Path.home() / ".cache" / "pip"), "UV_CACHE_DIR": str(Path.home() / ".cache" / "uv")}
    home.mkdir(exist_ok=True)
    return subprocess.run(
        [tools / "python3", skill / "skill" / "scripts" / "setup.py"],
        env={**kept, **cache, "HOME": str(home), "PATH": f"{tools}:/usr/bin:/bin", **more},
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def works(program: Path) -> bool:
    done = subprocess.run([program, "schema", "config"], capture_output=True, check=False)
    return done.returncode == 0 and b"compile_cycles" in done.stdout


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_uv_is_taken_once_also_by_two_at_once(skill: Path, tools: Path, tmp_path: Path) -> None:
    (tools / "uv").symlink_to(VENV / "uv")
    before = files(skill)
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: setup(skill, tmp_path / "home", tools), range(2)))
    program = tmp_path / "home" / ".local" / "bin" / "policyloop"
    assert [done.returncode for done in both] == [0, 0], [done.stderr for done in both]
    assert sum("set up with uv." in done.stdout for done in both) == 1
    assert sum("was set up meanwhile" in done.stdout for done in both) == 1
    assert works(program)
    again = setup(skill, tmp_path / "home", tools)
    assert f"policyloop is already here: {program}" in again.stdout
    assert "Nothing was done." in again.stdout
    assert f"{program.parent} is not on PATH" in again.stdout
    assert files(skill) == before


def test_pipx_is_taken_where_there_is_no_uv(skill: Path, tools: Path, tmp_path: Path) -> None:
    where = {"UV_TOOL_BIN_DIR": str(tools), "UV_TOOL_DIR": str(tmp_path / "pipx")}
    subprocess.run([VENV / "uv", "tool", "install", "--quiet", "pipx==1.18.4"], env={**os.environ, **where}, check=True)
    done = setup(skill, tmp_path / "home", tools)
    assert done.returncode == 0, done.stderr
    assert "set up with pipx." in done.stdout
    assert works(tmp_path / "home" / ".local" / "bin" / "policyloop")


def test_without_uv_and_pipx_a_virtual_environment_is_made(skill: Path, tools: Path, tmp_path: Path) -> None:
    lay(dict.fromkeys(("pip.py", "venv.py", "json.py"), "raise SystemExit('mine')\n"), tmp_path / "home")
    done = setup(skill, tmp_path / "home", tools, XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert done.returncode == 0, done.stderr
    assert f"set up with a virtual environment in {tmp_path}/cache/policyloop/venv." in done.stdout
    assert works(tmp_path / "home" / ".local" / "bin" / "policyloop")


def test_what_is_on_path_is_used(skill: Path, tools: Path, tmp_path: Path) -> None:
    (tools / "policyloop").symlink_to(VENV / "policyloop")
    done = setup(skill, tmp_path / "home", tools)
    assert done.returncode == 0
    assert f"policyloop is already here: {tools}/policyloop (policyloop " in done.stdout
    assert "not on PATH" not in done.stdout
    assert files(tmp_path / "home") == []


def test_one_that_does_not_run_is_named_and_left(skill: Path, tools: Path, tmp_path: Path) -> None:
    (tools / "policyloop").write_text("#!/bin/sh\necho 'no such module' >&2\nexit 1\n")
    (tools / "policyloop").chmod(0o755)
    done = setup(skill, tmp_path / "home", tools)
    assert done.returncode == 8
    assert done.stderr.startswith(f"policyloop could not be set up: {tools}/policyloop is there but does not run: no")


def test_without_a_network_it_is_one_clear_message(skill: Path, tools: Path, tmp_path: Path) -> None:
    (tools / "uv").symlink_to(VENV / "uv")
    nowhere = "http://user:secret@127.0.0.1:9/simple"
    offline = {
        **dict.fromkeys(("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_EXTRA_INDEX_URL"), ""),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": nowhere,
        "PIP_NO_CACHE_DIR": "1",
        "PIP_RETRIES": "0",
        "UV_CACHE_DIR": str(tmp_path / "uv"),
        "UV_DEFAULT_INDEX": nowhere,
        "UV_HTTP_RETRIES": "0",
        "UV_NO_CONFIG": "1",
    }
    done = setup(skill, tmp_path / "home", tools, **offline)
    assert (done.returncode, done.stdout) == (8, "")
    assert done.stderr.startswith("policyloop could not be set up: with uv: ")
    assert "with a virtual environment: " in done.stderr
    assert done.stderr.rstrip().endswith("It needs the network once, for Python packages.")
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "home" / ".local" / "bin" / "policyloop").exists()


def test_half_a_skill_says_what_is_missing(skill: Path, tools: Path, tmp_path: Path) -> None:
    part = tmp_path / "policyloop"
    shutil.copytree(skill / "skill", part / "skill")
    done = setup(part, tmp_path / "home", tools)
    assert done.returncode == 8
    assert "does not hold policyloop's source (pyproject.toml is missing)" in done.stderr


def test_what_the_package_is_built_from_comes_along() -> None:
    """A folder that becomes a part of the package is needed where there is only the skill."""
    root = Path(__file__).parents[1]
    built_from = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["package-dir"].values()
    needed = runpy.run_path(str(root / "skill" / "scripts" / "setup.py"))["NEEDED"]
    for folder in built_from:
        assert any(folder == name or folder.startswith(f"{name}/") for name in needed), folder
