"""The skill's files: what the validators of this field say, and what they do not look at."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from claude_client import Claude, bare
from command import DOCS, lay
from policyloop.cerbos.run import Runner
from policyloop.harden.rules import COMMANDS, EVERY_TOOL
from source_tree import ROOT, tracked

FRONT = re.compile(r"---\n(.*?)\n---\n", re.DOTALL)
PORTABLE = {"name", "description", "license", "compatibility", "metadata", "allowed-tools"}


@pytest.fixture(scope="module")
def skill(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The skill as it is installed: in a folder of its own name."""
    return tracked(tmp_path_factory.mktemp("skills") / "policyloop")


def front() -> dict[str, object]:
    found = FRONT.match((ROOT / "SKILL.md").read_text())
    assert found
    return yaml.safe_load(found[1])


def test_agentskills_accepts_it(skill: Path) -> None:
    validate = [Path(sys.executable).parent / "agentskills", "validate", skill.name]
    done = subprocess.run(validate, cwd=skill.parent, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "Valid skill: policyloop\n"), done.stderr


def test_it_stands_by_the_rules_of_the_skill_creator() -> None:
    """Those of `quick_validate.py` in anthropics/skills (read 2026-11), which is in no registry."""
    matter = front()
    assert set(matter) <= PORTABLE
    name, words, compatibility = matter["name"], matter["description"], matter["compatibility"]
    assert isinstance(name, str)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
    assert len(name) <= 64
    assert isinstance(words, str)
    assert 0 < len(words.strip()) <= 1024
    assert not set("<>") & set(words)
    assert isinstance(compatibility, str)
    assert 0 < len(compatibility) <= 500


def test_claude_code_accepts_plugin_and_marketplace_strictly(claude: Claude, skill: Path, tmp_path: Path) -> None:
    done = claude.command("plugin", "validate", "--strict", str(skill), project=tmp_path, home=tmp_path / "home")
    assert done.returncode == 0, done.stdout
    assert "Validation passed" in done.stdout
    for part in ("skills: policyloop:policyloop", "hooks: PreToolUse", "hooks: Stop", "hooks: SessionStart"):
        assert part in done.stdout
    assert "✘" not in done.stdout, "the plugin directory would refuse it"


def test_the_validator_of_claude_code_can_fail(claude: Claude, skill: Path, tmp_path: Path) -> None:
    broken = tracked(tmp_path / "policyloop")
    (broken / ".claude-plugin" / "plugin.json").write_text('{"name": "policyloop", "hooks": "./nowhere.json"}')
    done = claude.command("plugin", "validate", "--strict", str(broken), project=tmp_path, home=tmp_path / "home")
    assert done.returncode != 0


def test_only_the_commands_that_decide_nothing_are_approved_beforehand() -> None:
    allowed = re.findall(r"(\w+)\(([^)]*)\)", str(front()["allowed-tools"]))
    assert {tool for tool, _ in allowed} == {"Bash"}
    assert all(rule.startswith("policyloop ") for _, rule in allowed)
    words = [rule.removeprefix("policyloop ").removesuffix(" *") for _, rule in allowed]
    for risky in ("spec confirm", "spec", "run", "*", "", "session end", "session", "hook", "harden", "demo"):
        assert risky not in words


def test_what_the_skill_allows_and_hooks_is_what_harden_writes() -> None:
    allowed = re.findall(r"Bash\(policyloop ([^)]*)\)", str(front()["allowed-tools"]))
    assert tuple(allowed) == COMMANDS
    hooks = json.loads((ROOT / "skill" / "hooks" / "hooks.json").read_text())["hooks"]
    assert [group["matcher"] for group in hooks["PreToolUse"]] == [EVERY_TOOL]


def test_it_is_short_and_what_it_points_to_is_there() -> None:
    text = (ROOT / "SKILL.md").read_text()
    assert len(text.splitlines()) < 200
    pages = sorted((ROOT / "skill" / "references").glob("*.md"))
    assert pages
    for page in pages:
        assert f"skill/references/{page.name}" in text, f"{page.name} is never loaded"
    for source in (ROOT / "SKILL.md", *pages):
        for named in re.findall(r"`((?:skill|prompts|fixtures|loop)/[\w./-]+)`", source.read_text()):
            assert (ROOT / named).exists(), f"{source.name} names {named}"


def test_the_example_without_claude_works_as_written(cerbos: Runner, tmp_path: Path) -> None:
    project = tmp_path / "project"
    lay(DOCS, project / "policies")
    page = (ROOT / "skill" / "references" / "without-claude.md").read_text()
    (script,) = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=project,
        env={**bare(tmp_path / "home"), "DOCKER_HOST": f"unix://{tmp_path}/none.sock"},
        capture_output=True,
        text=True,
        check=False,
    )
    answers = re.findall(r'^(?:(FIX|GREEN):|.*"(deny|block)")', done.stdout, re.MULTILINE)
    assert ["".join(one) for one in answers] == ["FIX", "deny", "deny", "block", "GREEN"], done.stdout + done.stderr
    assert done.stderr == ""


def test_the_manifests_say_the_same() -> None:
    plugin = json.loads((ROOT / ".claude-plugin" / "plugin.json").read_text())
    (listed,) = json.loads((ROOT / ".claude-plugin" / "marketplace.json").read_text())["plugins"]
    assert plugin["name"] == listed["name"] == front()["name"]
    assert plugin["description"] == listed["description"]
    assert plugin["license"] == listed["license"] == front()["license"]
    assert (ROOT / plugin["hooks"]).is_file()
