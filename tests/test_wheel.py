"""The wheel itself, installed where no source tree is near: what an editable install hides shows here."""

import json
import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from shutil import copy, copytree

import pytest

from bundles import FIXTURES
from once import once
from policyloop.cerbos.run import Runner
from policyloop.validators.pinned import cache_directory
from source_tree import ROOT, tracked

pytestmark = pytest.mark.registry


def run(*command: str | Path, **environment: str) -> str:
    """Standard output of a program that must end well. Nothing leads it to the source tree."""
    ended = subprocess.run(
        command,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | environment,
        cwd=environment.get("HOME", ROOT),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, f"{command}: {ended.stdout}\n{ended.stderr}"
    return ended.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of what git would give a stranger, so that no file left lying about gets in."""

    def build(folder: Path) -> None:
        source = tracked(tmp_path_factory.mktemp("source") / "tree")
        run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, source)

    return next(once(tmp_path_factory, "wheel", build).glob("policyloop-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that holds the wheel and what it requires, nothing else."""

    def install(folder: Path) -> None:
        venv.create(folder, with_pip=True)
        pip = ("-m", "pip", "--disable-pip-version-check", "install", "--quiet")
        run(folder / "bin" / "python", *pip, "-c", ROOT / "constraints.txt", wheel)

    return once(tmp_path_factory, "environment", install) / "bin"


def test_every_package_and_all_data_are_inside(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    sources = [path.relative_to(ROOT / "loop").as_posix() for path in (ROOT / "loop" / "policyloop").rglob("*.py")]
    assert len(sources) > 50
    assert set(sources) <= inside
    for folder, package in (
        ("prompts", "prompts"),
        ("docs/codes", "pages"),
        ("skill", "skill"),
        ("fixtures/demo", "demo"),
        ("fixtures/starter", "starter"),
    ):
        files = [path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        assert files
        assert {f"policyloop/{package}/{path.relative_to(ROOT / folder).as_posix()}" for path in files} <= inside
    assert "policyloop/py.typed" in inside
    assert any(name.endswith("licenses/LICENSE") for name in inside)


def test_nothing_else_is_inside(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"policyloop"}


def test_help_and_schemas_work_where_it_is_installed(installed: Path, tmp_path: Path) -> None:
    assert "check" in run(installed / "policyloop", "--help", HOME=str(tmp_path))
    assert json.loads(run(installed / "policyloop", "schema", "config", HOME=str(tmp_path)))


def test_the_demo_works_where_it_is_installed(installed: Path, tmp_path: Path, cerbos: Runner) -> None:
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(cache_directory().parent)}
    said = json.loads(run(installed / "policyloop", "demo", "--format", "json", "--runner", "native", **home))
    assert (said["outcome"], said["exit_code"]) == ("green", 0)
    classes = {attempt["class"] for attempt in said["attempts"]}
    assert classes >= {"syntax", "schema", "compile", "test"}
    assert any(attempt["refusal"] for attempt in said["attempts"])


def test_types_are_there_for_those_who_import_it(installed: Path, tmp_path: Path) -> None:
    code = "import policyloop, pathlib; print((pathlib.Path(policyloop.__file__).parent / 'py.typed').exists())"
    assert run(installed / "python", "-c", code, HOME=str(tmp_path)).strip() == "True"
    assert "editable" not in run(installed / "python", "-m", "pip", "list", HOME=str(tmp_path)).lower()


EXAMPLES = FIXTURES / "library"


def test_the_loop_under_another_judge(installed: Path, tmp_path: Path) -> None:
    """Cedar instead of Cerbos: the lock refuses a weaker test, the second answer is green."""
    run(installed / "python", "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", "cedarpy")
    told = run(installed / "python", EXAMPLES / "cedar.py", EXAMPLES / "replies.yaml", HOME=str(tmp_path))
    assert "attempt 1: Refused and undone: locked tests would get weaker." in told
    assert "strangers do not: bob edit d: gone" in told
    assert "Green after 2 attempts" in told
    assert '+permit(principal, action == Action::"edit", resource) when { resource.owner == principal };' in told


def test_the_example_of_the_readme_as_it_is_written(installed: Path, tmp_path: Path, cerbos: Runner) -> None:
    code = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert code
    copytree(FIXTURES / "bundles" / "test" / "policies", tmp_path / "policies")
    copy(FIXTURES / "bundles" / "test" / "fix.yaml", tmp_path)
    (tmp_path / "example.py").write_text(code[1])
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(cache_directory().parent), "DOCKER_HOST": "unix:///none"}
    told = run(installed / "python", tmp_path / "example.py", **home)
    assert "Green after 1 attempt" in told
    assert "+++ b/project.yaml" in told
    assert "weakened: 0, wider: " in told


def test_what_is_public_is_there_and_nothing_else(installed: Path, tmp_path: Path) -> None:
    code = (
        "import policyloop\n"
        "from policyloop import agreed\n"
        "import sys; assert 'policyloop.library' not in sys.modules, 'a hook would load it'\n"
        "for name in policyloop.__all__: getattr(policyloop, name)\n"
        "assert dir(policyloop) == sorted(policyloop.__all__) and not hasattr(policyloop, 'nothing')\n"
        "print(policyloop.__version__)"
    )
    assert re.match(r"\d+\.\d+", run(installed / "python", "-c", code, HOME=str(tmp_path)))
