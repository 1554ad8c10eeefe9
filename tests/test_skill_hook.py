"""`skill/scripts/hook`: what stands between Claude Code and `policyloop hook` closes where Claude Code would let go."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from source_tree import ROOT

SESSION = "0b0e7a3c-0000-4000-8000-000000000000"


def hook(event: str, home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", ROOT / "skill" / "scripts" / "hook", event],
        env={"HOME": str(home), "PATH": "/usr/bin:/bin", "CLAUDE_CODE_SESSION_ID": SESSION, **more},
        input="{}",
        capture_output=True,
        text=True,
        check=False,
    )


def program(home: Path, body: str) -> None:
    file = home / ".local" / "bin" / "policyloop"
    file.parent.mkdir(parents=True)
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)


@pytest.mark.parametrize("event", ["pre-tool-use", "stop", "user-prompt-submit"])
def test_without_policyloop_and_without_a_session_nothing_is_held(tmp_path: Path, event: str) -> None:
    done = hook(event, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(("event", "code"), [("pre-tool-use", 2), ("stop", 1), ("user-prompt-submit", 1)])
def test_policyloop_taken_away_from_under_a_session_is_seen(tmp_path: Path, event: str, code: int) -> None:
    entries = tmp_path / ".local" / "state" / "policyloop" / "sessions"
    entries.mkdir(parents=True)
    (entries / f"0123456789abcdef.{SESSION}.json").write_text("{}")
    done = hook(event, tmp_path)
    assert done.returncode == code
    assert "policyloop is gone, and a session of it may be open" in done.stderr
    assert hook(event, tmp_path, CLAUDE_CODE_SESSION_ID="another-one").returncode == 0


@pytest.mark.parametrize(
    ("event", "body", "code"),
    [
        ("pre-tool-use", "exit 1", 2),
        ("pre-tool-use", "kill -9 $$", 2),
        ("pre-tool-use", "echo why >&2; exit 2", 2),
        ("pre-tool-use", "cat; echo $1 $2", 0),
        ("stop", "exit 1", 1),
        ("stop", "exit 2", 1),
        ("stop", "cat; echo $1 $2", 0),
        ("user-prompt-submit", "exit 1", 1),
        ("user-prompt-submit", "exit 2", 1),
        ("user-prompt-submit", "kill -9 $$", 1),
        ("user-prompt-submit", "cat; echo $1 $2", 0),
    ],
)
def test_every_failure_before_a_tool_blocks_it(tmp_path: Path, event: str, body: str, code: int) -> None:
    program(tmp_path, body)
    done = hook(event, tmp_path)
    assert done.returncode == code
    if code:
        assert done.stderr
    else:
        assert done.stdout == f"{{}}hook {event}\n"


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_plugin_that_is_gone_blocks_too(tmp_path: Path, shell: str) -> None:
    hooks = json.loads((ROOT / "skill" / "hooks" / "hooks.json").read_text())["hooks"]
    (command,) = [one["command"] for group in hooks["PreToolUse"] for one in group["hooks"]]
    shim = tmp_path / "sh"
    shim.symlink_to(str(shutil.which(shell)))
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "CLAUDE_PLUGIN_ROOT": str(tmp_path / "gone")}
    assert subprocess.run([shim, "-c", command], env=environment, capture_output=True, check=False).returncode == 2


def test_at_the_start_what_setup_installs_is_put_on_path_for_later_commands(tmp_path: Path) -> None:
    program(tmp_path, "echo found")
    file = tmp_path / "env.sh"
    assert hook("session-start", tmp_path, CLAUDE_ENV_FILE=str(file)).returncode == 0
    shell = ["sh", "-c", f". {file}; policyloop"]
    done = subprocess.run(shell, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False)
    assert done.stdout == "found\n"
