"""The real client honours each rule that `policyloop harden` writes."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import mcp_files
from claude_client import Claude, Session, Use, bare, bash, use
from command import DOCS, lay, policyloop
from namespaces import managed_folder
from policyloop.cerbos.run import Runner
from policyloop.harden.rules import MINIMUM_VERSION

SECRET = "hunter22"
SECRETS = (
    *(".env", ".env.local", "sub/.envrc", "sub/deep/.env", ".netrc", ".npmrc", "key.pem", "tls.key", "id_ed25519"),
    *("policies/.env", ".docker/config.json", "application_default_credentials.json"),
)
HOME_SECRETS = (".ssh/id_rsa", ".ssh/config", ".aws/credentials", ".azure/token", ".kube/config", ".netrc")
HOME_SECRETS += (".config/gcloud/credentials.db", ".gnupg/key", ".git-credentials", ".pypirc", "other/.env")
UNNAMED = ("policyloop: this project is hardened", "No such tool available")
REFUSED = ("denied", "blocked by a deny rule")
ASKED = ("haven't granted it yet", "requires approval", "needs approval", "can't be checked", "require approval")


class Place:
    """A hardened project that its user trusts, with secrets in it and at home."""

    def __init__(self, folder: Path, claude: Claude) -> None:
        self.claude = claude
        self.project = lay({f"policies/{path}": text for path, text in DOCS.items()}, folder / "project")
        self.home = folder / "home"
        for name in SECRETS:
            lay({name: f"SECRET={SECRET}\n"}, self.project)
        for name in HOME_SECRETS:
            lay({name: f"SECRET={SECRET}\n"}, self.home)
        trusted = {"projects": {str(self.project): {"hasTrustDialogAccepted": True}}}
        lay({".claude.json": json.dumps(trusted)}, self.home)
        lay({"note.txt": "SECRET=none\n", "policyloop.yaml": "{}\n"}, self.project)

    def harden(self) -> None:
        done = policyloop("harden", "--policies", "policies", "--yes", cwd=self.project, env={"HOME": str(self.home)})
        assert done.code == 0, done.err

    def put(self, file: str, settings: Mapping[str, Any]) -> None:
        lay({file: json.dumps(settings)}, self.project)

    def session(
        self,
        *calls: Use | Sequence[Use],
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> Session:
        """One turn for each call, or for several that do not depend on each other."""
        return self.claude.session(
            [[call] if isinstance(call, Use) else call for call in calls],
            prompt="Go on.",
            project=self.project,
            home=self.home,
            arguments=arguments,
            environment={"IS_SANDBOX": "1", **(environment or {})},
            prefix=prefix,
        )

    def write(self, name: str) -> Use:
        return use("Write", file_path=str(self.project / name), content="mine\n")

    def read(self, path: Path) -> Use:
        return use("Read", file_path=str(path))


@pytest.fixture
def place(tmp_path: Path, claude: Claude) -> Place:
    return Place(tmp_path, claude)


@pytest.fixture
def hardened(place: Place) -> Place:
    place.harden()
    return place


def refused(session: Session, among: tuple[str, ...] = (*REFUSED, *ASKED)) -> list[str]:
    """What was let through although it should not be."""
    return [
        f"{told.input} -> {told.text[:200]}"
        for told in session.told
        if not told.error or not any(word in told.text for word in among)
    ]


def test_no_secret_is_read_edited_or_printed(hardened: Place) -> None:
    files = [*(hardened.project / name for name in SECRETS), *(hardened.home / name for name in HOME_SECRETS)]
    reads = [hardened.read(file) for file in files]
    writes = [use("Write", file_path=str(file), content="x") for file in files]
    done = hardened.session(reads, writes, [bash(f"cat {file}") for file in files])
    assert len(done.told) == 3 * len(files)
    assert refused(done, (*REFUSED, "covered by a Read deny rule")) == []
    assert SECRET not in done.text
    assert all(file.read_text() == f"SECRET={SECRET}\n" for file in files)


def test_programs_that_the_client_does_not_know_are_refused_by_name_also_where_any_command_is_allowed(
    hardened: Place,
) -> None:
    hardened.put(".claude/settings.local.json", {"permissions": {"allow": ["Bash(*)"]}})
    words = [
        "xxd .env",
        "tar cf - .env",
        "bash -c 'cat .env'",
        "python3 -c 'print(open(\".env\").read())'",
        "less .env",
    ]
    words += ["find . -name '.env' -exec cat {} +", "ln -s .env policies/x.yaml", "rm .env", "echo x >> .env"]
    words += ["xxd ~/.ssh/id_rsa", "tar cf - ~/.aws", "xxd key.pem", "curl file://$PWD/.npmrc", "grep SECRET .env"]
    done = hardened.session(list(map(bash, words)))
    assert len(done.told) == len(words)
    assert refused(done, REFUSED) == []
    asked = ["grep -r SECRET .", "grep -rn SECRET", "grep SECRET . -r", "grep -n -R SECRET .", "rg SECRET"]
    asked += ["policyloop spec confirm --by me", "policyloop session end", "cd policies && policyloop spec confirm"]
    asked += ["bash -c 'policyloop spec confirm'", "policyloop session start --anew x", "policyloop harden --yes"]
    asked += ["policyloop check policies --config policies/c.yaml", "policyloop show --html .claude/settings.json"]
    asked += ["policyloop report --markdown CLAUDE.md", "policyloop check policies --junit src.py"]
    asked += ["policyloop mutate policies --write policies/m_test.yaml", "policyloop run --model-command ./evil"]
    done = hardened.session(list(map(bash, asked)))
    assert len(done.told) == len(asked)
    assert refused(done, ASKED) == []
    assert SECRET not in done.text


def test_nothing_of_the_machines_processes_is_read(hardened: Place) -> None:
    (hardened.project / "link").symlink_to("/proc")
    reads = [hardened.read(Path("/proc/self/environ")), hardened.read(hardened.project / "link/self/environ")]
    words = ["cat /proc/self/environ", "cat link/self/environ", "xxd /proc/self/environ", "grep -r x /proc"]
    words += ["cat /run/secrets/token", "bash -c 'cat /proc/1/environ'"]
    done = hardened.session(
        [*reads, *map(bash, words)], environment={"MINE": SECRET}, arguments=["--allowedTools", "Read", "Bash(*)"]
    )
    assert len(done.told) == len(reads) + len(words)
    assert refused(done) == []
    assert SECRET not in done.text


SERVER = json.dumps({"mcpServers": {"files": {"command": sys.executable, "args": [str(Path(mcp_files.__file__))]}}})


def test_a_tool_that_is_not_named_does_not_run(hardened: Place) -> None:
    """Also where each is allowed: what schedules, runs elsewhere, watches, or is a server's that nobody listed."""
    mark = hardened.project / "mark"
    tools = ["CronCreate", "ScheduleWakeup", "Monitor", "EnterWorktree", "SendMessage", "Workflow", "RemoteTrigger"]
    tools += ["mcp__files__write_file", "ReportFindings", "WebFetch", "Skill"]
    calls = [
        use("CronCreate", cron="* * * * *", prompt="weaken the tests", recurring=True, durable=True),
        use("ScheduleWakeup", delaySeconds=60, reason="r", prompt="go on"),
        use("Monitor", command=f"touch {mark}", description="d", timeout_ms=1000, persistent=False),
        use("EnterWorktree", name="elsewhere"),
        use("SendMessage", to="main", summary="s", message="go on"),
        use("Workflow", script="export const meta = {name: 'x', description: 'y', phases: []}\nreturn 1"),
        use("RemoteTrigger", action="list"),
        use("mcp__files__write_file", path=str(mark), content="x"),
        use("Agent", description="d", prompt="go", subagent_type="general-purpose", isolation="worktree"),
    ]
    load = use("ToolSearch", query="select:CronCreate,Monitor,EnterWorktree,SendMessage,mcp__files__write_file")
    arguments = ["--allowedTools", *tools, "--mcp-config", SERVER]
    done = hardened.session(load, calls, arguments=arguments)
    assert len(done.told) == 1 + len(calls)
    told = done.told[1:]
    assert [one for one in told if not one.error or not any(word in one.text for word in UNNAMED)] == []
    assert not mark.exists()
    assert not (hardened.project / ".claude" / "scheduled_tasks.json").exists()
    listed = hardened.home / ".config" / "policyloop" / "tools"
    lay({"tools": "mcp__files__write_file  # agreed\n"}, listed.parent)
    done = hardened.session(load, calls[7], arguments=arguments)
    assert [one.error for one in done.told] == [False, False], done.told
    assert mark.exists()


def test_grep_and_glob_do_not_show_secrets(hardened: Place) -> None:
    done = hardened.session(
        use("Grep", pattern="SECRET", output_mode="content"),
        use("Grep", pattern="SECRET", path=str(hardened.project / ".env"), output_mode="content"),
        use("Glob", pattern="**/.env*"),
        arguments=["--tools", "Grep,Glob,Read"],
    )
    assert {"Grep", "Glob"} <= set(done.heard[0].tools)
    found, named, globbed = done.told
    assert found.text == "note.txt:1:SECRET=none"
    assert (named.error, "denied" in named.text) == (True, True)
    assert globbed.text == "No files found"


def test_only_the_policy_directory_and_the_spec_are_edited_and_only_the_skills_commands_run(hardened: Place) -> None:
    open_ = [hardened.write("policies/new.yaml"), hardened.write("policies/a/b.yaml")]
    open_ += [
        hardened.write("policyloop.spec.yaml"),
        bash("policyloop doctor"),
        bash("policyloop guard policies policies"),
    ]
    closed = [".claude/settings.json", ".claude/x", ".git/config", ".policyloop/x", "policyloop.yaml", ".mcp.json"]
    asked = [hardened.write("src.py"), hardened.write("../outside.txt"), bash("policyloop schema check")]
    asked += [bash("policyloop check policies > src.py"), bash("echo x > src.py"), bash("touch src.py"), bash("env")]
    asked += [bash("POLICYLOOP_CERBOS=./evil policyloop check policies"), bash("python3 -c 1"), bash("git commit -m x")]
    done = hardened.session(open_, list(map(hardened.write, closed)), asked)
    told = list(done.told)
    assert [(one.input, one.text) for one in told[: len(open_)] if one.error] == []
    assert len(told) == len(open_) + len(closed) + len(asked)
    parts = told[len(open_) : len(open_) + len(closed)], told[len(open_) + len(closed) :]
    for part, words in zip(parts, (REFUSED, ASKED), strict=True):
        assert [one for one in part if not one.error or not any(word in one.text for word in words)] == []
    assert not (hardened.project / "src.py").exists()
    assert not (hardened.project.parent / "outside.txt").exists()


def test_bypass_and_auto_mode_are_off(hardened: Place) -> None:
    calls = (hardened.write("src.py"), bash("touch src.py"))
    for arguments in (["--dangerously-skip-permissions"], ["--permission-mode", "auto"]):
        assert refused(hardened.session(*calls, arguments=arguments), ASKED) == []
    assert not (hardened.project / "src.py").exists()


def test_without_the_rules_the_same_calls_go_through(place: Place) -> None:
    """The other side of the tests above: it is the rules that refuse."""
    calls = (place.read(place.project / ".env"), bash("cat .env"), place.write("src.py"), place.write(".mcp.json"))
    done = place.session(*calls, arguments=["--dangerously-skip-permissions"])
    assert [one.error for one in done.told] == [False] * 4


def test_the_hooks_run_whatever_the_user_set_and_a_missing_policyloop_blocks(hardened: Place) -> None:
    lay({".claude/settings.json": json.dumps({"disableAllHooks": True})}, hardened.home)
    tools = hardened.home / "bin"
    tools.mkdir()
    for name in ("sh", "bash", "cat", "env"):
        (tools / name).symlink_to(str(shutil.which(name)))
    calls = (hardened.write("policies/new.yaml"), bash("cat note.txt"))
    done = hardened.session(*calls, environment={"PATH": str(tools)})
    assert [
        ("policyloop: not found" in one.text or "policyloop: command not found" in one.text) for one in done.told
    ] == [
        True,
        True,
    ]
    assert refused(done, ("hook",)) == []
    at_home = hardened.home / ".local" / "bin" / "policyloop"
    at_home.parent.mkdir(parents=True)
    at_home.symlink_to(Path(sys.executable).parent / "policyloop")
    done = hardened.session(*calls, environment={"PATH": str(tools)})
    assert [one.error for one in done.told] == [False, False], "where the skill's setup puts it"


def test_an_open_session_is_held_by_the_hooks_of_the_settings_alone(hardened: Place, cerbos: Runner) -> None:
    start = "policyloop session start 'Only owners may write.' --policies policies --runner native"
    outside, own = hardened.write("src.py"), hardened.write("policies/new.yaml")
    done = hardened.session(
        *(bash(start), outside, bash("touch policies/x.yaml"), own),
        arguments=["--allowedTools", "Edit", "Bash(policyloop session start *)", "Bash(touch *)"],
    )
    assert [one.error for one in done.told] == [False, True, True, False], done.told
    assert all("policyloop: session" in one.text for one in done.told[1:3])
    assert "is not green yet" in done.text


def test_on_a_project_with_settings_both_theirs_and_ours_hold(place: Place) -> None:
    lay({"private/a.txt": SECRET}, place.project)
    theirs = {"permissions": {"allow": ["Bash(touch mine.txt)"], "deny": ["Read(/private/**)"]}, "model": "opus"}
    place.put(".claude/settings.json", theirs)
    place.harden()
    done = place.session(
        bash("touch mine.txt"), place.read(place.project / "private/a.txt"), place.read(place.project / ".env")
    )
    assert [one.error for one in done.told] == [False, True, True]
    assert (place.project / "mine.txt").exists()
    assert SECRET not in done.text


def test_claude_doctor_accepts_the_settings(place: Place) -> None:
    place.put(".claude/settings.json", {"hooks": {"PreToolUse": [{"hooks": [{"type": "cmd"}]}]}})
    assert "Invalid settings" in _doctor(place)
    done = policyloop("harden", "--policies", "policies", "--yes", cwd=place.project, env={"HOME": str(place.home)})
    assert (done.code, "is no hook" in done.err) == (2, True)
    (place.project / ".claude" / "settings.json").unlink()
    place.harden()
    said = _doctor(place)
    assert "Claude Code doctor" in said
    assert "nvalid" not in said
    assert "settings.json" not in said


def _doctor(place: Place, prefix: Sequence[str] = ()) -> str:
    return place.claude.command("doctor", project=place.project, home=place.home, prefix=prefix).stdout


# --- managed settings -------------------------------------------------------------------------------------------------


@pytest.fixture
def managed(place: Place, tmp_path: Path) -> list[str]:
    """A prefix under which the machine is hardened for the project."""
    folder = tmp_path / "managed"
    prefix = managed_folder(folder)
    file = folder / "managed-settings.json"
    harden = 'umask 077; policyloop harden --managed --policies policies "$@"'
    harden += ' && cp -p /etc/claude-code/managed-settings.json "$0"'
    for arguments in (["--yes"], ["--check"]):
        done = subprocess.run(
            [
                *prefix,
                "sh",
                "-c",
                f'{harden} && cp -p /etc/claude-code/managed-settings.json "$0"',
                str(file),
                *arguments,
            ],
            cwd=place.project,
            env=bare(place.home),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert "in place: /etc/claude-code/managed-settings.json" in done.stdout
    assert file.stat().st_mode & 0o777 == 0o644
    return prefix


def test_managed_settings_hold_against_all_that_a_project_says(managed: list[str], place: Place) -> None:
    mark = place.project / "their-hook-ran"
    hook = {"hooks": [{"type": "command", "command": f"touch {mark}"}]}
    theirs = {"permissions": {"allow": ["Bash(*)", "Edit"], "defaultMode": "acceptEdits"}, "disableAllHooks": True}
    for name in ("settings.json", "settings.local.json"):
        place.put(f".claude/{name}", {**theirs, "hooks": {"PreToolUse": [hook], "PermissionRequest": [hook]}})
    calls = [place.write("policies/new.yaml"), place.write("policyloop.spec.yaml")]
    calls += [place.write("src.py"), place.read(place.project / ".env"), bash("xxd .env"), bash("touch src.py")]
    calls += [place.write(".claude/settings.json"), bash("policyloop spec confirm")]
    for arguments in ([], ["--dangerously-skip-permissions"], ["--allowedTools", "Edit", "Bash(*)"]):
        done = place.session(calls, prefix=managed, arguments=arguments)
        assert [one.error for one in done.told] == [False, False, *[True] * 6], done.told
    assert not mark.exists()
    assert "nvalid" not in _doctor(place, managed)


def test_managed_hooks_run(managed: list[str], place: Place) -> None:
    file = Path(managed[-1]) / "managed-settings.json"
    text = file.read_text()
    (command,) = [handler["command"] for group in json.loads(text)["hooks"]["PreToolUse"] for handler in group["hooks"]]
    program = command.removesuffix(" hook pre-tool-use --hardened || exit 2")
    assert Path(program).is_absolute()
    assert os.access(program, os.X_OK)
    file.write_text(text.replace(program, f"{program}-gone"))
    done = place.session(bash("cat note.txt"), prefix=managed)
    assert refused(done, ("hook",)) == []


def test_a_client_that_is_too_old_does_not_start(managed: list[str], place: Place) -> None:
    file = Path(managed[-1]) / "managed-settings.json"
    assert f'"requiredMinimumVersion": "{MINIMUM_VERSION}"' in file.read_text()
    file.write_text(file.read_text().replace(MINIMUM_VERSION, "99.0.0"))
    done = place.session(bash("cat note.txt"), prefix=managed)
    assert done.code == 1
    assert "older than the minimum version required" in done.err
    assert not done.heard


def test_managed_settings_are_only_written_by_root(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    # In a user namespace that maps nobody, root is not root.
    prefix = ["unshare", "--user"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [
            *prefix,
            shutil.which("policyloop", path=bare(tmp_path)["PATH"]),
            "harden",
            "--managed",
            "--policies",
            "policies",
        ],
        cwd=tmp_path,
        env=bare(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 8
    assert "Only root may write /etc/claude-code/managed-settings.json.\nnext (as root): sudo " in done.stderr
