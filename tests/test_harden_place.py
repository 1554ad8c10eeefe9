"""Managed settings bind nobody where another user can write them, or where a drop-in undoes them."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from namespaces import full_disk
from policyloop.errors import UsageError
from policyloop.harden import files
from policyloop.harden.rules import wanted
from policyloop.harden.standing import running, standing

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="managed settings are root's")
RULES = wanted(Path("/srv/project"), "policies", managed=True, program="/usr/bin/policyloop")


@pytest.fixture
def place(tmp_path: Path) -> files.Place:
    folder = tmp_path / "claude-code"
    folder.mkdir(mode=0o755)
    (folder / "managed-settings.json").write_text("{}")
    (folder / "managed-settings.json").chmod(0o644)
    return files.Place(tmp_path, "claude-code/managed-settings.json")


def said(place: files.Place) -> list[str]:
    return [str(drift) for drift in standing(place, RULES)]


def test_what_is_roots_alone_stands(place: files.Place) -> None:
    assert said(place) == []


LOOSENED = {
    "the file is anybody's": lambda path: path.chmod(0o666),
    "the file is its group's": lambda path: path.chmod(0o664),
    "the folder is anybody's": lambda path: path.parent.chmod(0o777),
    "a folder above is anybody's": lambda path: path.parent.parent.chmod(0o777),
    "the file is somebody else's": lambda path: os.chown(path, 12345, 0),
    "the folder is somebody else's": lambda path: os.chown(path.parent, 12345, 0),
    "the folder of drop-ins is anybody's": lambda path: (
        (path.parent / "managed-settings.d").mkdir(),
        (path.parent / "managed-settings.d").chmod(0o777),
    ),
    "the file is a link": lambda path: (path.rename(path.with_suffix(".x")), path.symlink_to(path.with_suffix(".x"))),
}


@pytest.mark.parametrize("loosened", LOOSENED)
def test_what_another_user_can_change_is_named(place: files.Place, loosened: str) -> None:
    LOOSENED[loosened](place.root / place.path)
    assert said(place)


UNDOING = {
    "disableAllHooks": {"disableAllHooks": True},
    "allowManagedHooksOnly": {"allowManagedHooksOnly": False},
    "permissions.defaultMode": {"permissions": {"defaultMode": "bypassPermissions"}},
    "requiredMinimumVersion": {"requiredMinimumVersion": "1.0.0"},
    "permissions.allow": {"permissions": {"allow": ["Bash(*)"]}},
    "policyHelper": {"policyHelper": {"path": "/tmp/x"}},
    "hooks.PreToolUse": {"hooks": {"PreToolUse": [{"hooks": [{"type": "command", "command": "x"}]}]}},
    "sandbox.allowUnsandboxedCommands": {"sandbox": {"allowUnsandboxedCommands": True}},
    "apiKeyHelper": {"apiKeyHelper": "/tmp/x"},
    "statusLine": {"statusLine": {"type": "command", "command": "/tmp/x"}},
    "enabledPlugins": {"enabledPlugins": {"x@y": True}},
    "hooks.SessionStart": {"hooks": {"SessionStart": [{"hooks": [{"type": "command", "command": "x"}]}]}},
    "sandbox.enabled": {"sandbox": {"enabled": False}},
    "env.PATH": {"env": {"PATH": "/tmp"}},
}


@pytest.mark.parametrize("key", UNDOING)
def test_a_drop_in_that_undoes_them_is_named(place: files.Place, key: str) -> None:
    folder = (place.root / place.path).parent / "managed-settings.d"
    folder.mkdir(mode=0o755)
    (folder / "50-mine.json").write_text(json.dumps(UNDOING[key]))
    (folder / "50-mine.json").chmod(0o644)
    assert any(f"50-mine.json:1: {key}: " in line for line in said(place)), said(place)


def test_what_starts_programs_beside_the_hooks_is_named(place: files.Place) -> None:
    data = {"apiKeyHelper": "x", "statusLine": {"command": "x"}, "sandbox": {"enabled": False}}
    (place.root / place.path).write_text(json.dumps(data))
    found = {drift.key for drift in running([files.read(place)])}
    assert found == {"apiKeyHelper", "statusLine", "sandbox.enabled"}


def drop(place: files.Place, name: str, text: str) -> None:
    folder = (place.root / place.path).parent / "managed-settings.d"
    folder.mkdir(mode=0o755, exist_ok=True)
    (folder / name).write_text(text)
    (folder / name).chmod(0o644)


def test_what_a_later_drop_in_makes_strict_again_is_in_place(place: files.Place) -> None:
    (place.root / place.path).write_text(json.dumps({"disableAllHooks": False}))
    drop(place, "10-loose.json", json.dumps({"disableAllHooks": True, "sandbox": {"enabled": False}}))
    assert len(said(place)) == 2
    drop(place, "20-strict.json", json.dumps({"disableAllHooks": False, "sandbox": {"enabled": True}}))
    assert said(place) == []
    drop(place, "9-loose.json", json.dumps({"disableAllHooks": True}))
    assert [line.partition(" ")[0].rpartition("/")[2] for line in said(place)] == ["9-loose.json:1:"]


@pytest.mark.parametrize("name", [".hidden.json", "upper.JSON", "backup.json.bak", "note.txt"])
def test_what_the_client_does_not_read_undoes_nothing(place: files.Place, name: str) -> None:
    drop(place, name, json.dumps({"disableAllHooks": True}))
    assert said(place) == []


@pytest.mark.parametrize("text", ["{nope", "[]", '{"hooks": null}', '{"a": 1, "a": 2}'])
def test_a_drop_in_that_is_no_settings_file_is_no_verdict(place: files.Place, text: str) -> None:
    drop(place, "50.json", text)
    with pytest.raises(UsageError, match=r"50\.json"):
        said(place)


def test_a_pipe_in_the_place_of_settings_is_not_waited_for(place: files.Place) -> None:
    drop(place, "50.json", "")
    (place.root / place.path).with_name("managed-settings.d").joinpath("50.json").unlink()
    os.mkfifo((place.root / place.path).with_name("managed-settings.d") / "50.json")
    with pytest.raises(UsageError, match="is no file"):
        said(place)


@pytest.mark.parametrize("there", [None, "{}", json.dumps({"permissions": {"allow": ["Bash(ls)"]}})])
def test_a_full_disk_leaves_no_temporary_file_and_the_old_one_as_it_was(tmp_path: Path, there: str | None) -> None:
    project = tmp_path / "project"
    (project / "policies").mkdir(parents=True)
    (project / ".claude").mkdir()
    if there is not None:
        (project / ".claude/settings.json").write_text(there)
    program = str(Path(sys.executable).parent / "policyloop")
    command = [program, "harden", str(project), "--policies", str(project / "policies"), "--yes"]
    done = subprocess.run(
        [*full_disk(project / ".claude"), *command],
        env={**os.environ, "HOME": str(tmp_path), "KEPT": "settings.json"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 8, done.stdout + done.stderr
    assert "No space left on device" in done.stderr
    left = [line for line in done.stdout.splitlines() if line.startswith("left ")]
    assert left == ([] if there is None else ["left settings.json"])
    if there is not None:
        assert done.stdout.splitlines()[-1].startswith(hashlib.sha256(there.encode()).hexdigest())
