"""The real client under managed settings, offline, and the real decision point: what it asks, and what holds it."""

import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import mcp_files
from bundles import FIXTURES
from claude_client import Block, Claude, Heard, Session, Turn, bash, say, trust, use
from decision_point import Server, serving
from namespaces import managed_folder
from test_decide_client import EVENTS

SEED = FIXTURES / "decision-point" / "seed" / "together"
PROMPTS = """\
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: {event}
  version: default
  rules:
    - {{name: all, actions: [send], roles: ["*"], effect: EFFECT_ALLOW}}
    - name: closed
      actions: [send]
      roles: ["*"]
      effect: EFFECT_DENY
      condition: {{match: {{expr: '{condition}'}}}}
      output: {{when: {{ruleActivated: '"This stays closed to agents."'}}}}
"""
FILES = 'R.attr.effects.reads.exists(p, p.contains(".env"))'
SKILL = 'R.attr.command_name == "look"'
CONFIG = """\
serve:
  mode: enforce
  pdp: {policies: tool-policies}
  identity: {headers: {trusted: [127.0.0.1]}}
"""
SERVER = json.dumps({"mcpServers": {"files": {"command": sys.executable, "args": [str(Path(mcp_files.__file__))]}}})
ALLOWED = ["Bash(git *)", "Bash(rm *)", "Bash(echo *)", "Read", "Write", "Agent", "Task", "Skill", "mcp__files"]
SECRET = "xyzzy-production"

pytestmark = [pytest.mark.compiler, pytest.mark.client]


class Machine:
    """A machine of a person whose agent is managed: each of its hooks asks the server, and blocks where it fails."""

    def __init__(self, folder: Path, claude: Claude, server: Server, person: str, roles: str) -> None:
        self.claude, self.project, self.home = claude, folder / "work", folder / "user"
        self.prefix = managed_folder(folder / "managed")
        url = f"http://{server.host}:{server.port}/ext/claude"
        headers = {"X-Claude-User": person, "X-Claude-User-Roles": roles}
        hook = {"type": "http", "url": url, "headers": headers, "onFailure": "block", "timeout": 20}
        managed = {
            "allowManagedHooksOnly": True,
            "allowedHttpHookUrls": [f"{url}*"],
            "hooks": {event: [{"hooks": [hook]}] for event in EVENTS},
        }
        (folder / "managed" / "managed-settings.json").write_text(json.dumps(managed))
        skill = self.project / ".claude" / "skills" / "look"
        skill.mkdir(parents=True)
        (skill / "SKILL.md").write_text("---\nname: look\ndescription: looks\n---\nhere: !`echo from-the-skill`\n")
        (self.project / ".env.production").write_text(f"KEY={SECRET}\n")
        (self.project / "note.txt").write_text("a word from disk\n")
        (self.project / "build").mkdir()
        trust(self.home, self.project)

    def session(
        self,
        turns: Sequence[Turn],
        prompt: str = "go",
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Session:
        return self.claude.session(
            turns,
            prompt=prompt,
            project=self.project,
            home=self.home,
            arguments=["--allowedTools", *ALLOWED, "--mcp-config", SERVER, "--strict-mcp-config", *arguments],
            environment={"IS_SANDBOX": "1", **(environment or {})},
            prefix=self.prefix,
        )

    def read(self, name: str) -> Any:
        return use("Read", file_path=str(self.project / name))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    policies = folder / "project" / "tool-policies"
    shutil.copytree(SEED, policies)
    (policies / "prompt.yaml").write_text(PROMPTS.format(event="UserPromptSubmit", condition=FILES))
    (policies / "skill.yaml").write_text(PROMPTS.format(event="UserPromptExpansion", condition=SKILL))
    with serving(folder, config=CONFIG) as started:
        yield started


def test_the_seeds_walkthrough_for_an_engineer(claude: Claude, server: Server, tmp_path: Path) -> None:
    """One session: files, commands, an MCP tool, and a subagent, which is asked about in the same way."""
    machine = Machine(tmp_path, claude, server, "alex", "engineer")
    written = str(machine.project / "from-mcp.txt")
    closed = str(machine.project / ".env.local")
    calls = [
        machine.read(".env.production"),
        machine.read("note.txt"),
        bash("git push --force"),
        bash("rm -rf build"),
        bash("git status"),
        use("mcp__files__write_file", path=written, content="by a server"),
        use("Write", file_path=closed, content="x"),
        use("Agent", description="look", prompt="in a subagent", subagent_type="general-purpose"),
    ]

    def turn(heard: Heard) -> Sequence[Block]:
        mine = not any("in a subagent" in str(message["content"]) for message in heard.request.body["messages"][:1])
        return calls if mine else [machine.read(".env.production"), bash("rm -rf build")]

    before = len(server.records())
    done = machine.session([turn, [say("done")]])
    told = {
        str(result.input.get("command") or result.input.get("file_path") or result.tool): result for result in done.told
    }
    assert len(told) == len(calls), done.err
    env = told[str(machine.project / ".env.production")]
    assert (env.error, "Sensitive files stay closed to agents." in env.text) == (True, True)
    for command in ("git push --force", "rm -rf build"):
        assert (told[command].error, "Destructive commands are for people." in told[command].text) == (True, True)
    assert not told[str(machine.project / "note.txt")].error
    assert "blocked" not in told["git status"].text
    assert "hook" not in told["git status"].text
    assert told[closed].error
    assert Path(written).read_text() == "by a server"
    assert SECRET not in "".join(heard.text for heard in done.heard)
    assert (machine.project / "build").is_dir()
    records = server.records()[before:]
    asked = [record for record in records if record["event"] == "PreToolUse"]
    assert {record["who"]["subject"] for record in asked} == {"alex"}
    by_mcp = [record for record in asked if record["mcp_server"] == "files"]
    assert [(record["decision"], record["effects"]["writes"]) for record in by_mcp] == [("allow", [written])]
    in_subagent = [record for record in asked if record["subagent"] == "general-purpose"]
    assert [record["decision"] for record in in_subagent] == ["deny", "deny"]
    sessions = list((machine.home / ".claude" / "projects").glob("*/*.jsonl"))
    covered = server.policyloop("audit", "coverage", *map(str, sessions))
    assert covered.returncode == 0, covered.stdout


def test_marketing_has_no_shell(claude: Claude, server: Server, tmp_path: Path) -> None:
    machine = Machine(tmp_path, claude, server, "mia", "marketing")
    done = machine.session([[bash("git status"), machine.read("note.txt")], [say("done")]])
    by_tool = {result.tool: result for result in done.told}
    assert (by_tool["Bash"].error, "mia may read here, and no more." in by_tool["Bash"].text) == (True, True)
    assert (by_tool["Read"].error, "a word from disk" in by_tool["Read"].text) == (False, True)


def test_a_file_in_a_prompt_and_a_skills_command_are_stopped(claude: Claude, server: Server, tmp_path: Path) -> None:
    machine = Machine(tmp_path, claude, server, "alex", "engineer")
    done = machine.session([[say("done")]], prompt=f"look at @{machine.project}/.env.production")
    assert all(SECRET not in heard.text for heard in done.heard)
    done = machine.session([[say("done")]], prompt="/look")
    assert all("here: from-the-skill" not in heard.text for heard in done.heard)
    stopped = [record["event"] for record in server.records() if record["reason"] == "This stays closed to agents."]
    assert stopped == ["UserPromptSubmit", "UserPromptExpansion"]


@pytest.mark.parametrize("switch", ["--bare", "--safe-mode", "--dangerously-skip-permissions"])
def test_who_switches_hooks_off_is_still_asked(claude: Claude, server: Server, tmp_path: Path, switch: str) -> None:
    machine = Machine(tmp_path, claude, server, "alex", "engineer")
    off = {"disableAllHooks": True, "allowedHttpHookUrls": []}
    for folder in (machine.home, machine.project):
        (folder / ".claude").mkdir(exist_ok=True)
        (folder / ".claude" / "settings.json").write_text(json.dumps(off))
    turns: list[Turn] = [[bash("rm -rf build"), machine.read("note.txt")], [say("done")]]
    done = machine.session(turns, arguments=[switch, "--settings", json.dumps(off)])
    by_tool = {result.tool: result for result in done.told}
    assert "Destructive commands are for people." in by_tool["Bash"].text, (done.err, done.told)
    assert not by_tool["Read"].error
    assert (machine.project / "build").is_dir()


def test_observing_changes_nothing_for_the_client_and_sees_it_all(claude: Claude, tmp_path: Path) -> None:
    with serving(tmp_path, "--observe") as observer:
        machine = Machine(tmp_path, claude, observer, "alex", "engineer")
        calls = [
            machine.read(".env.production"),
            bash("rm -rf build"),
            use("Bash", command="touch no", description="d"),
        ]
        done = machine.session([calls, [say("done")]])
        by_input = {str(result.input.get("command", "read")): result for result in done.told}
        assert SECRET in by_input["read"].text
        assert not by_input["rm -rf build"].error
        assert not (machine.project / "build").exists()
        assert by_input["touch no"].error  # the client's own rules stay as they are
        records = observer.records()
        assert {record["decision"] for record in records} == {"allow"}
        assert {"UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop", "SessionEnd"} <= {
            record["event"] for record in records
        }
