"""`policyloop harden` on the real command line: what it writes, keeps, refuses, and finds."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from command import Done, environment, picture, policyloop
from policyloop.errors import PersonNeeded, UsageError
from policyloop.harden import Plan, plan
from policyloop.harden.broad import too_broad
from policyloop.harden.document import parse
from policyloop.harden.rules import COMMANDS, EVERY_TOOL
from policyloop.hooks.bash import _FOR_A_PERSON
from published_schemas import hold_to_schema
from source_tree import ROOT

Settings = dict[str, Any]


class Project:
    """A project with a policy directory, and a home of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder / "project", folder / "home"
        (self.folder / "policies").mkdir(parents=True)
        (self.home / ".claude").mkdir(parents=True)
        self.file = self.folder / ".claude" / "settings.json"
        self.local = self.folder / ".claude" / "settings.local.json"
        self.user = self.home / ".claude" / "settings.json"

    def harden(self, *arguments: object, policies: str = "policies") -> Done:
        return policyloop(
            *("harden", "--policies", policies, *arguments), cwd=self.folder, env={"HOME": str(self.home)}
        )

    def plan(self) -> Plan:
        """As the command makes it, in this process; HOME must be the project's."""
        return plan(self.folder, self.folder / "policies")

    def put(self, content: object, file: Path | None = None) -> Path:
        target = file or self.file
        target.parent.mkdir(exist_ok=True)
        target.write_bytes((content if isinstance(content, str) else json.dumps(content, indent=2)).encode())
        return target

    @property
    def settings(self) -> Settings:
        return json.loads(self.file.read_text("utf-8-sig"))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def hardened(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("HOME", str(project.home))
    project.plan().write()
    return project


def test_an_empty_project_gets_settings_that_check_finds_in_place(project: Project) -> None:
    written = project.harden("--yes", "--format", "json")
    hold_to_schema(written.json, "harden")
    assert (written.code, written.json["outcome"], written.json["written"]) == (0, "hardened", True)
    assert "+++ b/.claude/settings.json" in written.json["diff"]
    assert list(picture(project.folder)) == [".claude/settings.json"]
    checked = project.harden("--check", "--format", "json")
    hold_to_schema(checked.json, "harden")
    assert (checked.code, checked.json["outcome"], checked.json["drift"]) == (0, "in place", [])
    allowed = project.settings["permissions"]["allow"]
    assert "Edit(/policies/**)" in allowed
    assert "Edit(/policyloop.spec.yaml)" in allowed
    assert not [rule for rule in allowed if re.search(r"confirm|end|Bash\(\*|policyloop \*", rule)]


def test_twice_changes_nothing(hardened: Project) -> None:
    before = (picture(hardened.folder), hardened.file.stat().st_mtime_ns)
    again = hardened.harden("--yes")
    assert (again.code, again.out.splitlines()) == (0, [f"in place: {hardened.file}"])
    assert (picture(hardened.folder), hardened.file.stat().st_mtime_ns) == before


def test_without_a_terminal_and_without_yes_it_shows_the_diff_and_writes_nothing(project: Project) -> None:
    done = project.harden()
    assert done.code == 5
    assert '+      "Edit(/policies/**)"' in done.out
    assert done.out.splitlines()[-1] == "not written: say yes on a terminal, or give --yes"
    assert not project.file.exists()
    asked = project.harden("--format", "json")
    hold_to_schema(asked.json, "harden")
    assert (asked.code, asked.json["outcome"], asked.json["written"]) == (5, "person", False)


@pytest.mark.parametrize(("said", "code"), [("y\n", 0), ("n\n", 5), ("\x04", 130)])
def test_on_a_terminal_a_person_is_asked(said: str, code: int, project: Project) -> None:
    shown, ended = _on_a_terminal(project, said)
    assert shown.index("+++ b/.claude/settings.json") < shown.index("Write this?")
    assert ended == code
    assert project.file.exists() == (code == 0)


def _on_a_terminal(project: Project, said: str) -> tuple[str, int]:
    main, side = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "policyloop", "harden", "--policies", "policies"],
        cwd=project.folder,
        env=environment(HOME=str(project.home)),
        stdin=side,
        stdout=side,
        stderr=side,
        start_new_session=True,
    )
    os.close(side)
    shown = b""
    try:
        while block := os.read(main, 65536):
            shown += block
            if said and b"Write this?" in shown:
                os.write(main, said.encode())
                said = ""
    except OSError:  # Linux's way to say that the other side is gone
        pass
    os.close(main)
    return shown.decode(), child.wait(60)


@pytest.mark.parametrize("indent", [2, 4, "\t"])
def test_what_is_there_stays_in_its_order(indent: int | str, project: Project) -> None:
    mine: Settings = {
        "zebra": {"unknown": [1, None, "é"]},
        "model": "opus",
        "permissions": {"deny": ["Read(/mine/**)"], "own": 1, "allow": ["Bash(npm test)"], "defaultMode": "plan"},
        "hooks": {"PostToolUse": [{"matcher": "Edit", "hooks": [{"type": "command", "command": "format"}]}]},
    }
    mine["hooks"]["PreToolUse"] = [{"matcher": "Bash", "hooks": [{"type": "command", "command": "mine"}]}]
    project.put(json.dumps(mine, indent=indent, ensure_ascii=False) + "\n").chmod(0o640)
    done = project.harden("--yes")
    assert done.code == 5, done.out
    assert "hooks.PreToolUse: a hook beside ours can say yes" in done.out
    after = project.settings
    assert [*after][:4] == [*mine]
    assert (after["zebra"], after["model"]) == (mine["zebra"], "opus")
    for key in ("own", "defaultMode"):
        assert after["permissions"][key] == mine["permissions"][key]
    assert [after["permissions"][kind][0] for kind in ("deny", "allow")] == ["Read(/mine/**)", "Bash(npm test)"]
    assert after["hooks"]["PostToolUse"] == mine["hooks"]["PostToolUse"]
    assert after["hooks"]["PreToolUse"][0] == mine["hooks"]["PreToolUse"][0]
    assert project.file.stat().st_mode & 0o777 == 0o640


def test_line_ends_and_a_byte_order_mark_stay(project: Project) -> None:
    project.put('\ufeff{\r\n  "model": "opus"\r\n}\r\n')
    assert project.harden("--yes").code == 0
    data = project.file.read_bytes()
    assert data.startswith(b'\xef\xbb\xbf{\r\n  "model": "opus",\r\n')
    assert data.count(b"\n") == data.count(b"\r\n")
    assert project.harden("--check").code == 0


BROKEN = {
    "a comment": ('{\n  // mine\n  "model": "opus"\n}', ":2: this is not JSON"),
    "a comma too many": ('{\n  "model": "opus",\n}', ":3: this is not JSON"),
    "cut off": ('{"permissions": {', ":1: this is not JSON"),
    "no object": ("[]", ":1: the file must hold keys"),
    "twice": ('{\n  "permissions": {},\n  "permissions": {}\n}', ":3: the key permissions stands twice"),
    "twice below": ('{"permissions": {\n  "deny": [],\n  "deny": []}}', ":3: the key permissions.deny stands twice"),
    "permissions": ('{\n  "permissions": []}', ":2: permissions must hold keys"),
    "rules": ('{"permissions": {\n  "deny": "Read(x)"}}', ":2: permissions.deny must be a list"),
    "a rule": ('{"permissions": {"deny": [\n  "Read(x)",\n  7]}}', ":3: permissions.deny.1 must be a text"),
    "half a rule": ('{"permissions": {"deny": [\n  "Bash("]}}', ":2: permissions.deny.0 is no rule"),
    "a mode": ('{"permissions": {\n  "defaultMode": "free"}}', ":2: permissions.defaultMode must be one of"),
    "a switch": ('{\n  "disableAllHooks": "no"}', ":2: disableAllHooks must be true or false"),
    "hooks": ('{\n  "hooks": []}', ":2: hooks must hold events"),
    "an event": ('{"hooks": {\n  "Stop": {}}}', ":2: hooks.Stop must be a list"),
    "a group": ('{"hooks": {"Stop": [\n  {"command": "x"}]}}', ':2: hooks.Stop.0 must hold a list "hooks"'),
    "a type": ('{"hooks": {"Stop": [{"hooks": [\n  {"type": "cmd"}]}]}}', ":2: hooks.Stop.0.hooks.0 is no hook"),
    "no command": (
        '{"hooks": {"Stop": [{"hooks": [\n  {"type": "command"}]}]}}',
        ':2: hooks.Stop.0.hooks.0 is no hook: "',
    ),
    "env": ('{\n  "env": {"A": 1}}', ":2: env must hold names with texts"),
    "nan": ('{"a": NaN}', ": this is not JSON"),
    "deep": ("[" * 100_000, ": this is not JSON"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_settings_are_refused_with_their_line(case: str, tmp_path: Path) -> None:
    text, words = BROKEN[case]
    with pytest.raises(UsageError, match=re.escape(f"settings.json{words}")):
        parse(text, str(tmp_path / "settings.json"))


@pytest.mark.parametrize("more", ["--yes", "--check"])
@pytest.mark.parametrize("name", ["settings.json", "settings.local.json"])
def test_broken_settings_are_left_as_they_are(name: str, more: str, project: Project) -> None:
    project.put("{\n  // mine\n}", project.file.with_name(name))
    before = picture(project.folder)
    done = project.harden(more, "--format", "json")
    hold_to_schema(done.json, "error")
    assert done.code == 2
    assert f"{name}:2: this is not JSON" in done.err
    assert picture(project.folder) == before


@pytest.mark.parametrize("link", [".claude", ".claude/settings.json"])
def test_a_link_is_refused(link: str, project: Project, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    if link != ".claude":
        (project.folder / ".claude").mkdir()
        (elsewhere / "settings.json").write_text("{}")
    target = elsewhere if link == ".claude" else elsewhere / "settings.json"
    (project.folder / link).symlink_to(target)
    before = picture(elsewhere)
    done = project.harden("--yes")
    assert (done.code, f"{link} is a link" in done.err) == (2, True)
    assert picture(elsewhere) == before


def test_a_folder_in_place_of_the_file_is_refused(project: Project) -> None:
    project.file.mkdir(parents=True)
    done = project.harden("--yes")
    assert (done.code, "settings.json is no file" in done.err) == (2, True)


def test_text_that_is_not_utf_8_is_refused(project: Project) -> None:
    project.put("{}").write_bytes(b'{"model": "\xff"}')
    done = project.harden("--yes")
    assert (done.code, "is not UTF-8 at byte 11" in done.err) == (2, True)


def test_what_changed_since_it_was_read_is_not_overwritten(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(project.home))
    project.put({"model": "opus"})
    made = project.plan()
    project.put({"model": "haiku"})
    with pytest.raises(PersonNeeded, match="changed meanwhile"):
        made.write()
    assert project.settings == {"model": "haiku"}
    assert [path.name for path in project.file.parent.iterdir()] == ["settings.json"]


@pytest.mark.parametrize(
    ("policies", "words"),
    [
        (".", "does not lie below the project"),
        ("..", "does not lie below the project"),
        ("/", "does not lie below the project"),
        (".claude/policies", "lies in .claude"),
        ("a*b", "has a '*'"),
        ("a)b", "has a ')'"),
        ("note.txt", "is not a directory"),
        ("polices", "does not exist"),
    ],
)
def test_a_policy_directory_that_no_rule_can_name_is_refused(policies: str, words: str, project: Project) -> None:
    (project.folder / "note.txt").touch()
    done = project.harden("--yes", policies=policies)
    assert (done.code, words in done.err) == (2, True), done.err
    assert not project.file.exists()


def test_the_spec_lies_beside_the_policy_directory(project: Project) -> None:
    (project.folder / "app" / "policies").mkdir(parents=True)
    assert project.harden("--yes", policies="app/policies").code == 0
    allowed = project.settings["permissions"]["allow"]
    assert allowed[:2] == ["Edit(/app/policies/**)", "Edit(/app/policyloop.spec.yaml)"]


def test_the_same_tools_are_asked_about_as_in_the_plugin_and_the_same_commands_allowed_as_in_the_skill() -> None:
    plugin = json.loads((ROOT / "skill" / "hooks" / "hooks.json").read_text())
    assert [group["matcher"] for group in plugin["hooks"]["PreToolUse"]] == [EVERY_TOOL]
    allowed = re.search(r"^allowed-tools: (.*)$", (ROOT / "SKILL.md").read_text(), re.MULTILINE)
    assert allowed
    assert re.findall(r"Bash\(policyloop ([^)]*)\)", allowed[1]) == list(COMMANDS)


def test_what_the_hook_keeps_for_a_person_is_asked_about_without_it_too(hardened: Project) -> None:
    asked = hardened.settings["permissions"]["ask"]
    assert {f"Bash(*policyloop*{option}*)" for option in _FOR_A_PERSON} <= set(asked)


# --- drift ------------------------------------------------------------------------------------------------------------

Edit = Callable[[Settings], object]


def _hook(settings: Settings) -> Settings:
    return settings["hooks"]["PreToolUse"][0]["hooks"][0]


EDITS: dict[str, tuple[Edit, str]] = {
    "a secret is readable": (
        lambda s: s["permissions"]["deny"].remove("Read(//**/.ssh/**)"),
        "permissions.deny: Read(//**/.ssh/**) is missing.",
    ),
    "a rule is another one": (
        lambda s: s["permissions"]["deny"].__setitem__(
            s["permissions"]["deny"].index("Read(//**/.env*)"), "Read(//**/.envrc)"
        ),
        "permissions.deny: Read(//**/.env*) is missing.",
    ),
    "settings may be edited": (
        lambda s: s["permissions"]["deny"].remove("Edit(/.claude/**)"),
        "permissions.deny: Edit(/.claude/**) is missing.",
    ),
    "nobody is asked": (lambda s: s["permissions"].pop("ask"), "permissions.ask: Bash(*policyloop spec confirm*) is"),
    "any command": (
        lambda s: s["permissions"]["allow"].append("Bash(*)"),
        "permissions.allow: Bash(*) lets the model run `policyloop spec confirm`",
    ),
    "any edit": (
        lambda s: s["permissions"]["allow"].append("Edit"),
        "permissions.allow: Edit lets the model edit outside the policy directory",
    ),
    "a freer mode": (
        lambda s: s["permissions"].update(defaultMode="acceptEdits"),
        'permissions.defaultMode: is "acceptEdits", not "default".',
    ),
    "bypass mode": (
        lambda s: s["permissions"].pop("disableBypassPermissionsMode"),
        'permissions.disableBypassPermissionsMode: is missing, not "disable".',
    ),
    "auto mode": (
        lambda s: s["permissions"].pop("disableAutoMode"),
        'permissions.disableAutoMode: is missing, not "disable".',
    ),
    "hooks off": (lambda s: s.update(disableAllHooks=True), "disableAllHooks: is true, not false."),
    "no hook": (
        lambda s: s["hooks"].pop("PreToolUse"),
        "hooks.PreToolUse: the hook `policyloop hook pre-tool-use` is missing.",
    ),
    "no stop hook": (lambda s: s["hooks"].pop("Stop"), "hooks.Stop: the hook `policyloop hook stop` is missing."),
    "another command": (lambda s: _hook(s).update(command="true"), "hooks.PreToolUse: the hook"),
    "a hook that nobody waits for": (lambda s: _hook(s).update({"async": True}), "hooks.PreToolUse: the hook"),
    "a hook with no time": (lambda s: _hook(s).update(timeout=0.001), "hooks.PreToolUse: the hook"),
    "a hook that may fail": (lambda s: _hook(s).pop("onFailure"), "hooks.PreToolUse: the hook"),
    "a hook for fewer tools": (
        lambda s: s["hooks"]["PreToolUse"][0].update(matcher="Edit"),
        "hooks.PreToolUse: the hook",
    ),
    "another program": (lambda s: s.update(env={"PATH": "/tmp"}), "env.PATH: can lead the hooks to another program"),
    "other folders": (
        lambda s: s["permissions"].update(additionalDirectories=["/"]),
        "permissions.additionalDirectories: opens other folders to the model.",
    ),
    "an answer for the person": (
        lambda s: s["hooks"].update(PermissionRequest=[{"hooks": [{"type": "command", "command": "yes"}]}]),
        "hooks.PermissionRequest: a hook answers in the person's place.",
    ),
    "a hook that may say yes": (
        lambda s: s["hooks"]["PreToolUse"].insert(0, {"hooks": [{"type": "command", "command": "yes"}]}),
        "hooks.PreToolUse: a hook beside ours can say yes in the person's place.",
    ),
    "a hook beside ours in one group": (
        lambda s: s["hooks"]["PreToolUse"][0]["hooks"].append({"type": "http", "url": "http://127.0.0.1:9"}),
        "hooks.PreToolUse: a hook beside ours can say yes in the person's place.",
    ),
    "only ours while a session is open": (
        lambda s: _hook(s).update(command=_hook(s)["command"].replace(" --hardened", "")),
        "hooks.PreToolUse: the hook `policyloop hook pre-tool-use` is not as it must be.",
    ),
    "a job": (lambda s: s["permissions"]["deny"].remove("CronCreate"), "permissions.deny: CronCreate is missing."),
    "any server": (lambda s: s.update(enableAllProjectMcpServers=True), "enableAllProjectMcpServers: starts programs"),
}


@pytest.mark.parametrize("case", EDITS)
def test_each_single_edit_is_drift(case: str, hardened: Project) -> None:
    edit, words = EDITS[case]
    settings = hardened.settings
    edit(settings)
    hardened.put(settings)
    made = hardened.plan()
    assert any(words in str(one) for one in made.drift), list(map(str, made.drift))
    if made.changes:
        made.write()
        assert not [one for one in hardened.plan().drift if one.mendable]


def test_drift_is_told_one_a_line_with_its_place_and_ends_in_1(hardened: Project) -> None:
    settings = hardened.settings
    settings["permissions"]["allow"].append("Bash(python3 *)")
    settings["permissions"]["deny"].remove("Read(//**/.env*)")
    text = hardened.put(settings).read_text()
    line = text[: text.index("Bash(python3")].count("\n") + 1
    before = picture(hardened.folder)
    done = hardened.harden("--check")
    assert done.code == 1
    assert done.out.splitlines()[1] == (
        f"{hardened.file}:{line}: permissions.allow: Bash(python3 *) lets the model run `python3 -c`."
    )
    assert [": permissions.deny: Read(//**/.env*) is missing." in out for out in done.out.splitlines()] == [1, 0, 0]
    assert picture(hardened.folder) == before
    shown = hardened.harden("--check", "--format", "github")
    assert shown.out.startswith("::error ")
    document = hardened.harden("--check", "--format", "json").json
    hold_to_schema(document, "harden")
    assert [one["mendable"] for one in document["drift"]] == [True, False]
    assert document["drift"][1]["line"] == line


def test_what_undoes_it_is_kept_and_named_and_a_person_decides(project: Project) -> None:
    project.put({"permissions": {"allow": ["Bash(*)"]}})
    done = project.harden("--yes")
    assert done.code == 5
    assert "permissions.allow: Bash(*) lets the model run" in done.out
    assert done.out.splitlines()[-1] == "open: written, but 1 setting above undo it; only a person takes them out"
    assert project.settings["permissions"]["allow"][0] == "Bash(*)"
    again = project.harden("--yes")
    assert (again.code, again.out.count("\n")) == (5, 2)


@pytest.mark.parametrize(
    ("whose", "content", "words"),
    [
        ("local", {"permissions": {"allow": ["Edit(//**)"]}}, "permissions.allow: Edit(//**) lets the model edit"),
        ("local", {"permissions": {"defaultMode": "acceptEdits"}}, 'defaultMode: "acceptEdits" lets the model act'),
        ("local", {"disableAllHooks": True}, "disableAllHooks: turns the hooks off."),
        ("local", {"env": {"PYTHONPATH": "x"}}, "env.PYTHONPATH: can lead"),
        ("user", {"permissions": {"allow": ["Bash(policyloop *)"]}}, "Bash(policyloop *) lets the model run"),
        (
            "user",
            {"permissions": {"allow": ["mcp__files__write_file"]}},
            "mcp__files__write_file lets the model change",
        ),
        ("user", {"env": {"PATH": "/tmp"}}, "env.PATH: can lead"),
    ],
)
def test_other_settings_of_a_person_can_undo_it(whose: str, content: Settings, words: str, hardened: Project) -> None:
    file = hardened.put(content, hardened.local if whose == "local" else hardened.user)
    (drift,) = map(str, hardened.plan().drift)
    assert drift.startswith(f"{file}:")
    assert words in drift


def test_what_is_stricter_or_beside_the_point_is_no_drift(hardened: Project) -> None:
    settings = hardened.settings
    settings["permissions"]["deny"] += ["WebFetch", "Bash(curl *)"]
    settings["permissions"]["allow"] += [
        "Bash(npm test)",
        "Bash(git status:*)",
        "Edit(/policies/a/**)",
        "Read(/docs/**)",
    ]
    settings["permissions"]["defaultMode"] = "dontAsk"
    settings["hooks"]["PostToolUse"] = [{"matcher": "*", "hooks": [{"type": "command", "command": "mine"}]}]
    settings["env"] = {"LANG": "C"}
    settings["apiKeyHelper"] = "/usr/local/bin/key"
    hardened.put(settings)
    # The project's value wins over the user's.
    hardened.put({"disableAllHooks": True, "permissions": {"defaultMode": "acceptEdits"}}, hardened.user)
    done = hardened.harden("--check")
    assert done.code == 0, done.out


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        *(
            (rule, "lets the model")
            for rule in ("Bash", "Bash(*)", "Bash(:*)", "Bash(policyloop:*)", "Bash(policyloop s*)", "*")
        ),
        *(
            (rule, "lets the model")
            for rule in ("Bash(python3:*)", "Bash(bash *)", "Bash(git *)", "Bash(*x)", "Bash(rm:*)")
        ),
        *(
            (rule, "lets the model")
            for rule in ("Bash(make *)", "Bash(awk:*)", "Bash(npm run *)", "Bash(git restore *)")
        ),
        *(
            (rule, "lets the model")
            for rule in ("Edit", "Write", "Edit(*)", "Edit(/src/**)", "Edit(/policies/../x)", "mcp__fs__*")
        ),
        *((rule, "") for rule in ("Bash(ls *)", "Bash(git status)", "Edit(/policies/x.yaml)", "Read", "Glob(**)")),
        *((rule, "") for rule in ("Bash(policyloop spec show *)", "mcp__docs__search", "WebFetch(domain:x.org)")),
    ],
)
def test_rules_that_allow_too_much(rule: str, words: str) -> None:
    assert too_broad(rule, ("Edit(/policies/**)",))[: len("lets the model")] == words
