"""`harden --managed --check` reads drop-ins as the real client does: what it calls undone is, and nothing else."""

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from claude_client import Claude, bash, trust, use
from command import lay
from namespaces import managed_folder
from policyloop.harden import files
from policyloop.harden.rules import wanted
from policyloop.harden.standing import standing

NAMES = ("10-a.json", "9-b.json", "B.json", "a.json", "zz.json", "100.json", "ä.json", "_x.json", "50 c.json")
"""Names that other orders than the client's sort otherwise."""
UNREAD = (".0.json", "z.JSON", "z.json~", "sub/z.json")
KEYS = ("permissions.defaultMode", "disableAllHooks", "allowManagedHooksOnly", "allowManagedPermissionRulesOnly")
LOOSE: Mapping[str, Mapping[bool, Any]] = {
    "permissions.defaultMode": {True: "acceptEdits", False: "default"},
    "disableAllHooks": {True: True, False: False},
    "allowManagedHooksOnly": {True: False, False: True},
    "allowManagedPermissionRulesOnly": {True: False, False: True},
}
DRAWS = 8


def document(choice: Mapping[str, bool]) -> dict[str, Any]:
    """Settings with each key of `choice` loose (True) or strict."""
    settings: dict[str, Any] = {}
    for key, loosened in choice.items():
        *above, last = key.split(".")
        (settings.setdefault("permissions", {}) if above else settings)[last] = LOOSE[key][loosened]
    return settings


def drawn(seed: int) -> dict[str, dict[str, Any]]:
    """Some drop-ins, each with some of the keys."""
    draw = random.Random(seed)
    names = draw.sample(NAMES, draw.randint(2, 4))
    written = {name: document({key: draw.random() < 0.5 for key in KEYS if draw.random() < 0.7}) for name in names}
    return written | {name: document(dict.fromkeys(KEYS, True)) for name in draw.sample(UNREAD, 2)}


@pytest.mark.parametrize("seed", range(DRAWS))
def test_what_is_called_undone_is_what_the_client_lets_through(seed: int, claude: Claude, tmp_path: Path) -> None:
    machine = tmp_path / "managed"
    prefix = managed_folder(machine)
    home, project = tmp_path / "home", tmp_path / "project"
    project.mkdir()
    trust(home, project)
    base = {**document(dict.fromkeys(KEYS, False)), "requiredMinimumVersion": "2.1.295"}
    base["hooks"] = {"PreToolUse": [_touching(tmp_path / "managed-hook")]}
    their_hooks = {"PreToolUse": [_touching(tmp_path / "their-hook")]}
    theirs = {"hooks": their_hooks, "permissions": {"allow": ["Bash(touch t)"]}}
    drop_ins = drawn(seed)
    lay({"managed-settings.json": json.dumps(base)}, machine)
    lay({f"managed-settings.d/{name}": json.dumps(content) for name, content in drop_ins.items()}, machine)
    lay({".claude/settings.json": json.dumps(theirs)}, project)

    write = use("Write", file_path=str(project / "src.py"), content="x")
    done = claude.session([[write, bash("touch t")]], prompt="Go.", project=project, home=home, prefix=prefix)
    assert len(done.told) == 2, done.err
    hooks_off = not (tmp_path / "managed-hook").exists()
    let_through = {
        "permissions.defaultMode": (project / "src.py").exists(),
        "disableAllHooks": hooks_off,
        "allowManagedHooksOnly": (tmp_path / "their-hook").exists(),
        # In the mode acceptEdits a plain `touch` needs no rule.
        "allowManagedPermissionRulesOnly": (project / "t").exists(),
    }
    rules = wanted(project, "policies", managed=True, program="/usr/bin/policyloop")
    drifts = list(standing(files.Place(machine.parent, f"{machine.name}/managed-settings.json"), rules))
    undone = {drift.key for drift in drifts if drift.message.startswith("undoes")}
    blind = {"allowManagedHooksOnly"} if hooks_off else set()
    if let_through["permissions.defaultMode"]:
        blind.add("allowManagedPermissionRulesOnly")
    seen = {key for key, through in let_through.items() if through}
    assert undone - blind == seen - blind, drop_ins


def _touching(mark: Path) -> dict[str, Any]:
    return {"hooks": [{"type": "command", "command": f"touch '{mark}'"}]}


def test_rules_and_hooks_add_up_and_nothing_takes_them_away(claude: Claude, tmp_path: Path) -> None:
    machine = tmp_path / "managed"
    prefix = managed_folder(machine)
    home, project = tmp_path / "home", tmp_path / "project"
    lay(dict.fromkeys(("a.txt", "b.txt"), "text\n"), project)
    trust(home, project)
    documents = {
        "managed-settings.json": {
            "permissions": {"deny": ["Read(//**/a.txt)"]},
            "hooks": {"PreToolUse": [_touching(tmp_path / "first")]},
        },
        "managed-settings.d/1.json": {
            "permissions": {"deny": ["Read(//**/b.txt)"]},
            "hooks": {"PreToolUse": [_touching(tmp_path / "second")]},
        },
        "managed-settings.d/2.json": {"permissions": {"deny": []}, "hooks": {"PreToolUse": []}},
    }
    lay({name: json.dumps(content) for name, content in documents.items()}, machine)
    reads = [use("Read", file_path=str(project / name)) for name in ("a.txt", "b.txt")]
    done = claude.session([reads], prompt="Go.", project=project, home=home, prefix=prefix)
    assert [one.error for one in done.told] == [True, True], done.err
    assert (tmp_path / "first").exists()
    assert (tmp_path / "second").exists()


def test_the_client_does_not_start_with_a_drop_in_that_is_no_json(claude: Claude, tmp_path: Path) -> None:
    machine = tmp_path / "managed"
    prefix = managed_folder(machine)
    lay({"managed-settings.json": "{}", "managed-settings.d/1.json": '{// no\n"disableAllHooks": true}'}, machine)
    (tmp_path / "project").mkdir()
    done = claude.session([], prompt="Go.", project=tmp_path / "project", home=tmp_path / "home", prefix=prefix)
    assert (done.code, len(done.heard)) == (1, 0)
    assert "1.json: Managed settings document could not be parsed" in done.err
