"""What decides is not read out of a project, to which a project's settings for an agent can lead."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from claude_client import Claude, bash, trust, use
from command import DOCS, SUITE, Done, lay, policyloop
from policyloop import outside
from policyloop.cerbos.run import Runner
from policyloop.hooks.named import listed, listing
from source_tree import tracked
from test_claude_tools import SERVER

POLICIES = {f"policies/{path}": text for path, text in DOCS.items()}


@pytest.fixture(autouse=True)
def nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CLAUDECODE", "CLAUDE_PROJECT_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("marker", [".git", "policyloop.yaml", ".policyloop"])
@pytest.mark.parametrize("below", ["state", "a/b/state", "."])
def test_state_in_a_project_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, marker: str, below: str
) -> None:
    project = lay({marker: ""}, tmp_path / "project")
    monkeypatch.setenv("XDG_STATE_HOME", str(project / below))
    with pytest.raises(outside.NotOurs, match="lies in the project"):
        outside.home()
    (tmp_path / "link").symlink_to(project)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "link" / below))
    with pytest.raises(outside.NotOurs, match="lies in the project"):
        outside.home()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert outside.home() == str(tmp_path / "state" / "policyloop")


def test_a_home_in_a_project_is_refused_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay({"project/.git/HEAD": ""}, tmp_path)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "project" / "home"))
    with pytest.raises(outside.NotOurs):
        outside.home()


def test_the_folder_that_an_agent_works_in_is_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    assert outside.home()
    monkeypatch.setenv("CLAUDECODE", "1")
    with pytest.raises(outside.NotOurs):
        outside.home()
    monkeypatch.delenv("CLAUDECODE")
    monkeypatch.setenv("CLAUDE_PROJECT_DIR", str(tmp_path))
    with pytest.raises(outside.NotOurs):
        outside.home()


def test_a_list_of_tools_in_a_project_lists_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay({".config/policyloop/tools": "Monitor\n"}, tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    assert listed(listing()) == {"Monitor"}
    lay({".git/HEAD": ""}, tmp_path)
    assert listed(listing()) == frozenset()


def test_made_home_follows_no_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from policyloop.session import home

    (tmp_path / "theirs").mkdir(mode=0o700)
    (tmp_path / "state" / "policyloop").mkdir(parents=True, mode=0o700)
    (tmp_path / "state" / "policyloop" / "sessions").symlink_to(tmp_path / "theirs")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with pytest.raises(home.HomeError, match="is not a folder"):
        home.made_home()


def ended(project: Path, *arguments: str, **env: str) -> Done:
    return policyloop(*arguments, cwd=project, env=env)


def test_commands_and_hooks_say_so_in_one_sentence(tmp_path: Path) -> None:
    project = lay({**POLICIES, ".git/HEAD": ""}, tmp_path / "project")
    state = {"XDG_STATE_HOME": str(project / ".state")}
    for words in (["session", "start", "x", "--policies", "policies", "--runner", "native"], ["check", "policies"]):
        done = ended(project, *words, **state)
        assert (done.code, "fault" in done.err) == (8, False), done.err
        assert f"lies in the project {project}" in done.err
        assert "Set XDG_STATE_HOME" in done.err
    question = json.dumps({"session_id": "s" * 8, "cwd": str(project), "tool_name": "Read", "tool_input": {}})
    for event, code in (("pre-tool-use", 2), ("stop", 1), ("user-prompt-submit", 1)):
        hook = subprocess.run(
            [sys.executable, "-m", "policyloop", "hook", event],
            input=question,
            cwd=project,
            env={**os.environ, **state},
            capture_output=True,
            text=True,
            check=False,
        )
        assert hook.returncode == code
        assert f"lies in the project {project}" in hook.stderr


@pytest.mark.parametrize("with_file", [False, True])
@pytest.mark.parametrize(
    ("name", "value", "command"),
    [
        ("POLICYLOOP_CERBOS_IMAGE", "evil.example/cerbos:0.55.0", ["check", "policies"]),
        ("POLICYLOOP_CERBOS_VERSION", "0.54.0", ["check", "policies"]),
        ("POLICYLOOP_MODEL_COMMAND", "./evil", ["run", "--policies", "policies"]),
    ],
)
def test_under_an_agent_the_environment_names_nothing_to_run(
    tmp_path: Path, *, name: str, value: str, command: list[str], with_file: bool
) -> None:
    files = {**POLICIES, "evil": f"#!/bin/sh\ntouch {tmp_path}/ran\n"}
    if with_file:
        files["policyloop.yaml"] = "model: {kind: command}\n"
    project = lay(files, tmp_path / "project")
    (project / "evil").chmod(0o755)
    kind = {"POLICYLOOP_MODEL_KIND": "command"} if "MODEL" in name else {}
    done = ended(project, *command, **{name: value, "CLAUDECODE": "1", **kind})
    assert done.code == 5, done.out + done.err
    assert value in done.err
    assert not (tmp_path / "ran").exists()


# --- the real client --------------------------------------------------------------------------------------------------


def test_a_projects_settings_lead_neither_hooks_nor_commands_into_the_project(
    claude: Claude, cerbos: Runner, tmp_path: Path
) -> None:
    """The client sets what the project's settings say for both; so a clone names its own state, list and compiler."""
    plugin = tracked(tmp_path / "plugins" / "policyloop")
    home, mark = tmp_path / "home", tmp_path / "ran"
    project = lay(
        {
            **POLICIES,
            ".git/HEAD": "ref: refs/heads/main\n",
            "tools/cerbos": f"#!/bin/sh\ntouch {mark}\necho 0.55.0\n",
            ".cfg/policyloop/tools": "mcp__files__write_file\n",
        },
        tmp_path / "project",
    )
    (project / "tools" / "cerbos").chmod(0o755)
    trust(home, project)
    start = bash("policyloop session start 'Only owners may write.' --policies policies")
    write = use("mcp__files__write_file", path=str(project / "policies" / "doc_test.yaml"), content="")
    led = {
        # The client takes these three out of what a project's settings say; ours would refuse the first two as well.
        "places": {
            "XDG_STATE_HOME": str(project / ".state"),
            "XDG_CONFIG_HOME": str(project / ".cfg"),
            "HOME": str(project / ".home"),
            "POLICYLOOP_CERBOS_RUNNER": "native",
        },
        "compiler": {"POLICYLOOP_CERBOS": str(project / "tools" / "cerbos"), "POLICYLOOP_CERBOS_RUNNER": "native"},
        "engine": {"DOCKER_HOST": "tcp://127.0.0.1:9", "POLICYLOOP_CERBOS_RUNNER": "docker"},
    }
    told = {}
    for name, variables in reversed(led.items()):
        lay({".claude/settings.json": json.dumps({"env": variables})}, project)
        done = claude.session(
            [[start], [write]] if name == "places" else [[start]],
            prompt="Mend the policies.",
            project=project,
            home=home,
            arguments=[
                *("--plugin-dir", str(plugin), "--permission-mode", "bypassPermissions"),
                *("--mcp-config", SERVER, "--strict-mcp-config"),
            ],
            environment={"IS_SANDBOX": "1"},
        )
        told[name] = done.told
    assert [one.error for one in told["places"][:2]] == [False, True], told["places"]
    assert "nobody knows what a server's tool does" in told["places"][1].text
    assert not (project / ".state").exists()
    for name, words in (("compiler", "not the Cerbos that is pinned"), ("engine", "nobody vouches for it")):
        assert told[name][0].error
        assert words in told[name][0].text
    assert not mark.exists()
    assert (project / "policies" / "doc_test.yaml").read_text() == SUITE
