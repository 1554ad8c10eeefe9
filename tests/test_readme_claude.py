"""The README's way from nothing to a first green bundle in Claude Code, typed into a terminal as it is written."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from bundles import FIXTURES
from claude_client import KEY, Claude, Heard, bare, bash, say, script, trust, use
from messages_api import MessagesApi
from policyloop.cerbos.run import Runner
from screen import Screen
from source_tree import ROOT, tracked

SALARIES = FIXTURES / "examples" / "salaries"
PROMPT = "ready-for-you:"


def written() -> list[tuple[str, list[str]]]:
    """The blocks of the README's section: `sh` for a shell, `text` for Claude Code."""
    text = (ROOT / "README.md").read_text()
    section = text[text.index("### In Claude Code\n") :]
    section = section[: section.index("\n### ", 1)]
    return [(kind, body.splitlines()) for kind, body in re.findall(r"```(\w+)\n(.*?)\n```", section, re.DOTALL)]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """What a stranger clones."""
    folder = tracked(tmp_path / "repository")
    git = [
        "git",
        "-C",
        str(folder),
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@example.com",
        "-c",
        "init.defaultBranch=main",
    ]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
        subprocess.run([*git, *command], check=True)
    return folder


def environment(tmp_path: Path, claude: Claude, api: MessagesApi) -> dict[str, str]:
    """A clean home and a bare PATH; registries are reached as on this machine."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "python3").symlink_to(Path(sys.executable).resolve())
    (tools / "uv").symlink_to(Path(sys.executable).parent / "uv")
    (tools / "claude").symlink_to(claude.program)
    registries = {
        name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_", "SSL_", "NODE_"))
    }
    home = Path.home()
    return {
        **bare(tmp_path / "home"),
        **registries,
        "NPM_CONFIG_USERCONFIG": str(home / ".npmrc"),
        "UV_CACHE_DIR": str(home / ".cache" / "uv"),
        "PATH": f"{tools}:{os.environ['PATH']}",
        "PS1": PROMPT,
        "DOCKER_HOST": f"unix://{tmp_path}/none.sock",
        "ANTHROPIC_BASE_URL": api.url,
        "ANTHROPIC_API_KEY": KEY,
    }


def model(project: Path) -> list[Sequence[object]]:
    """What Claude does: as the skill has it, from a question to a report."""
    spec = (SALARIES / "policyloop.spec.yaml").read_text().split("\nconfirmed:")[0] + "\n"
    names = ("salary.yaml", "performance_review.yaml", "review_roles.yaml")
    options = [
        {"label": "Only the direct manager", "description": "recommended"},
        {"label": "Every manager above", "description": "wider"},
    ]
    asked = {"question": "Which managers may see a review?", "header": "Managers", "options": options}
    return [
        [bash("policyloop doctor")],
        [use("AskUserQuestion", questions=[{**asked, "multiSelect": False}])],
        [use("Write", file_path=str(project / "policyloop.spec.yaml"), content=spec)],
        [bash("policyloop spec check")],
        [bash("policyloop spec show")],
        [say("Please read this table and confirm it.")],
        [bash("policyloop session start --policies policies")],
        [
            use("Write", file_path=str(project / "policies" / name), content=(SALARIES / "policies" / name).read_text())
            for name in names
        ],
        [bash("policyloop session step")],
        [say("That is my report.")],
    ]


def test_the_section_takes_a_user_from_nothing_to_green(
    claude: Claude, repository: Path, tmp_path: Path, cerbos: Runner
) -> None:
    blocks = written()
    assert [kind for kind, _ in blocks] == ["sh", "text", "sh", "text", "sh"]
    (_, install), (_, ask), (_, confirm), (_, go_on), (_, look) = blocks
    assert install[-1].startswith("claude")
    home = tmp_path / "home"
    project = home / "my-app"
    trust(home, project)
    heard: list[Heard] = []
    with MessagesApi(script(model(project), heard)) as api:
        shell = ["bash", "--norc", "--noprofile", "--noediting"]
        person = environment(tmp_path, claude, api)
        with Screen(shell, cwd=home, environment=person) as terminal:
            ready(terminal)
            for number, line in enumerate(install[:-1]):
                terminal.enter(line.replace("<this repository>", str(repository)))
                ready(terminal)
                terminal.enter(f"echo line {number} gave $?")
                terminal.wait(f"line {number} gave 0")
                ready(terminal)
            terminal.enter(install[-1])
            terminal.wait("for shortcuts", "shift+tab to cycle", "/effort")
            terminal.enter(ask[0])
            answered(terminal, "Please read this table and confirm it.")
            assert not any((project / "policies").iterdir())
            confirmed(shell, home, person, confirm)
            terminal.enter(go_on[0])
            answered(terminal, "That is my report.")
            terminal.enter("/exit")
            ready(terminal)
            for line in look:
                terminal.enter("clear")
                ready(terminal)
                terminal.enter(line)
                terminal.wait("GREEN")
                ready(terminal)
    assert "You write Cerbos policies here" in heard[-1].text
    asked = next(told for told in heard[-1].told if told.tool == "AskUserQuestion")
    assert "Only the direct manager" in asked.text
    assert "GREEN" in heard[-1].told[-1].text


def ready(terminal: Screen) -> None:
    """The shell waits for the next command."""
    terminal.until(lambda: terminal.lines[-1:] == [PROMPT], seconds=300)


def confirmed(shell: Sequence[str], home: Path, person: dict[str, str], lines: Sequence[str]) -> None:
    """The person confirms in a second terminal, whose PATH has the command as every new one does."""
    path = {"PATH": f"{home / '.local' / 'bin'}:{person['PATH']}"}
    with Screen(shell, cwd=home, environment={**person, **path}) as terminal:
        ready(terminal)
        for line in lines[:-1]:
            terminal.enter(line)
            ready(terminal)
        terminal.enter(lines[-1])
        terminal.wait("Is this what you want?")
        terminal.enter("y")
        ready(terminal)


def answered(terminal: Screen, last: str) -> None:
    """Say yes to whatever Claude Code asks, until the model has said `last`."""
    while terminal.wait(last, "Do you want to", "Enter to select") != last:
        terminal.press()
