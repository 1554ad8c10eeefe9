"""Managed settings bind nobody where another user can write them, or where a drop-in undoes them."""

import json
import os
from pathlib import Path

import pytest

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
    found = {drift.key for drift in running(files.read(place))}
    assert found == {"apiKeyHelper", "statusLine", "sandbox.enabled"}
