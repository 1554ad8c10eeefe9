"""Each way of installing the skill, from a clean home: it is listed, its hooks run, `policyloop` is found."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from claude_client import Claude, Session, bash, say, trust, use
from npm_tools import npm_folder
from source_tree import tracked

SKILLS = "skills@1.5.18"
NODE = "node@22.23.3"
"""The skills CLI needs Node.js 22.20 or later, which is not everywhere; it comes from npm as well."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of the repository, as good as."""
    return tracked(tmp_path_factory.mktemp("clone") / "policyloop")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH without policyloop: python3, uv, and what is in /usr/bin."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "python3").symlink_to(Path(sys.executable).resolve())
    (tools / "uv").symlink_to(Path(sys.executable).parent / "uv")
    return f"{tools}:/usr/bin:/bin"


def loaded(claude: Claude, project: Path, home: Path, path: str, name: str) -> Session:
    """A session that loads the skill `name`, and asks which policyloop there is."""
    return claude.session(
        [[use("Skill", skill=name)], [bash("policyloop doctor")], [say("done")]],
        prompt="Who may see salaries?",
        project=project,
        home=home,
        arguments=["--allowedTools", f"Skill({name})"],
        environment={"PATH": path},
    )


def holds(done: Session, name: str) -> None:
    """The skill was listed and loaded."""
    assert done.code == 0, done.err
    assert f"- {name}: Write, change, repair and explain Cerbos" in done.heard[0].text
    assert (done.told[0].tool, done.told[0].error) == ("Skill", False)
    assert "You write Cerbos policies here; you do not judge them." in done.text
    assert "${CLAUDE_SKILL_DIR}" not in done.text


def test_npx_skills_add_from_a_local_path_works_from_a_clean_home(
    claude: Claude, source: Path, project: Path, home: Path, path: str
) -> None:
    node = npm_folder("skills-1.5.18", SKILLS, NODE)
    env = {"HOME": str(home), "PATH": f"{node}:{path}", "DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}
    done = subprocess.run(
        ["skills", "add", source, "-a", "claude-code", "-y"],
        executable=node / "skills",
        cwd=project,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "Found 1 skill" in done.stdout
    installed = project / ".claude" / "skills" / "policyloop"
    trust(home, project)

    before = loaded(claude, project, home, path, "policyloop")
    holds(before, "policyloop")
    assert "policyloop: command not found" in before.told[1].text

    setup = [installed / "skill" / "scripts" / "setup.py"]
    keep = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_", "SSL_"))}
    keep["UV_CACHE_DIR"] = str(Path.home() / ".cache" / "uv")
    said = subprocess.run(
        ["python3", *setup], env={**keep, "HOME": str(home), "PATH": path}, capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr
    assert f"is now at {home}/.local/bin/policyloop, set up with uv." in said.stdout

    after = loaded(claude, project, home, path, "policyloop")
    holds(after, "policyloop")
    assert "native compiler" in after.told[1].text
    assert not after.told[1].error


def test_the_plugin_comes_from_its_marketplace(
    claude: Claude, source: Path, project: Path, home: Path, path: str
) -> None:
    for command in (("marketplace", "add", str(source)), ("install", "policyloop@policyloop")):
        done = claude.command("plugin", *command, project=project, home=home)
        assert done.returncode == 0, done.stdout + done.stderr
    program = _local_bin(home)
    done = loaded(claude, project, home, path, "policyloop:policyloop")
    holds(done, "policyloop:policyloop")
    assert program.exists()
    assert not done.told[1].error, "the hook at the start did not put ~/.local/bin on PATH"


def test_copying_the_folder_into_a_trusted_project_is_enough(
    claude: Claude, source: Path, project: Path, home: Path, path: str
) -> None:
    """Into `~/.claude/skills`: `test_readme_claude.py`."""
    shutil.copytree(source, project / ".claude" / "skills" / "policyloop")
    trust(home, project)
    _local_bin(home)
    done = loaded(claude, project, home, path, "policyloop")
    holds(done, "policyloop")
    assert not done.told[1].error, "the hook at the start did not put ~/.local/bin on PATH"


def test_without_trust_there_are_no_hooks_and_no_session_is_opened(
    claude: Claude, source: Path, project: Path, home: Path
) -> None:
    shutil.copytree(source, project / ".claude" / "skills" / "policyloop")
    (project / "policies").mkdir()
    done = claude.session(
        [[bash("policyloop session start 'A request.' --policies policies --runner native")], [say("done")]],
        prompt="Who may see salaries?",
        project=project,
        home=home,
        arguments=["--allowedTools", "Bash(policyloop *)"],
    )
    assert done.told[0].error
    assert "No hook of policyloop saw this command" in done.told[0].text
    assert not (home / ".local" / "state" / "policyloop").exists()


def _local_bin(home: Path) -> Path:
    """As after setup.py: the command in ~/.local/bin, which is not on PATH."""
    place = home / ".local" / "bin" / "policyloop"
    place.parent.mkdir(parents=True)
    place.symlink_to(Path(sys.executable).parent / "policyloop")
    return place
