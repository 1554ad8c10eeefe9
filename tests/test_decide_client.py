"""The answers that are built here, as the real client takes them: each hook blocks on a failure, and none fails."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from claude_client import Claude, Session, Turn, bash, say, trust, use
from policyloop.decide.answer import answer
from policyloop.decide.decision import Decision

REASON = "Production secrets stay closed."


class _Hooks(ThreadingHTTPServer):
    """Answers each event by what `decisions` says of it; of others as allowed."""

    daemon_threads = True

    def __init__(self, decisions: dict[str, Decision]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.decisions = decisions
        self.heard: list[dict[str, Any]] = []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Hooks

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        event = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.heard.append(event)
        name = event["hook_event_name"]
        said = json.dumps(answer(name, self.server.decisions.get(name, Decision(effect="allow")))).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)


@contextmanager
def hooks(**decisions: Decision) -> Iterator[_Hooks]:
    server = _Hooks(decisions)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


EVENTS = (
    *("PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionRequest", "UserPromptSubmit", "ConfigChange"),
    *("SubagentStart", "SubagentStop", "SessionEnd", "Stop", "PreSkillShellCommand", "InstructionsLoaded"),
    *("UserPromptExpansion",),
)


def played(
    claude: Claude,
    room: Path,
    server: _Hooks,
    turns: list[Turn],
    *,
    prompt: str = "go",
    permissions: dict[str, Any] | None = None,
) -> Session:
    project, home = room / "project", room / "home"
    (project / ".claude" / "skills" / "look").mkdir(parents=True)
    (project / "note.txt").write_text("a word from disk\n")
    (project / "CLAUDE.md").write_text("Be brief.\n")
    skill = "---\nname: look\ndescription: looks\n---\nhere: !`echo from-the-skill`\n"
    (project / ".claude" / "skills" / "look" / "SKILL.md").write_text(skill)
    hook = {"type": "http", "url": f"http://127.0.0.1:{server.server_address[1]}/ext/claude", "onFailure": "block"}
    settings = {
        "hooks": {event: [{"hooks": [{**hook, "timeout": 20}]}] for event in EVENTS},
        "permissions": permissions or {"allow": ["Bash(cat *)", "Bash(echo *)", "Skill", "Read"]},
    }
    (project / ".claude" / "settings.json").write_text(json.dumps(settings))
    trust(home, project)
    return claude.session(turns, prompt=prompt, project=project, home=home)


def test_an_allow_leaves_the_users_own_rules_in_force(claude: Claude, tmp_path: Path) -> None:
    """What the user allows runs, what their rules deny does not, and what nobody allowed is still not allowed."""
    turns: list[Turn] = [
        [bash("cat note.txt"), bash("echo no"), use("Write", file_path=str(tmp_path / "project/out.txt"), content="x")],
        [say("done")],
    ]
    rules = {"allow": ["Bash(cat *)"], "deny": ["Bash(echo *)"]}
    with hooks() as server:
        done = played(claude, tmp_path, server, turns, permissions=rules)
    # The results come as the calls end, not as they were made.
    by_input = {result.input.get("command", "write"): result for result in done.told}
    read, echoed, written = by_input["cat note.txt"], by_input["echo no"], by_input["write"]
    assert (read.error, read.text) == (False, "a word from disk"), done.err
    assert echoed.error
    assert written.error
    assert not (tmp_path / "project/out.txt").exists()
    names = {event["hook_event_name"] for event in server.heard}
    assert {"UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop", "SessionEnd", "InstructionsLoaded"} <= names
    assert done.result["result"] == "done"


def test_a_denial_is_told_with_its_reason(claude: Claude, tmp_path: Path) -> None:
    with hooks(PreToolUse=Decision(effect="deny", reason=REASON)) as server:
        done = played(claude, tmp_path, server, [[bash("cat note.txt")], [say("done")]])
    (read,) = done.told
    assert read.error
    assert REASON in read.text
    assert "a word from disk" not in done.text


def test_what_would_be_asked_is_denied_where_nobody_can_be_asked(claude: Claude, tmp_path: Path) -> None:
    with hooks(PreToolUse=Decision(effect="ask", reason=REASON)) as server:
        done = played(claude, tmp_path, server, [[bash("cat note.txt")], [say("done")]])
    (read,) = done.told
    assert read.error
    assert REASON in read.text


def test_another_input_is_what_runs(claude: Claude, tmp_path: Path) -> None:
    changed = {"command": "echo instead", "description": "run a command"}
    with hooks(PreToolUse=Decision(effect="allow", input=changed)) as server:
        done = played(claude, tmp_path, server, [[bash("cat note.txt")], [say("done")]])
    (read,) = done.told
    assert (read.error, read.text) == (False, "instead")


def test_a_prompt_is_stopped_before_the_model_hears_it(claude: Claude, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("the word is xyzzy\n")
    with hooks(UserPromptSubmit=Decision(effect="deny", reason=REASON)) as server:
        done = played(claude, tmp_path, server, [[say("done")]], prompt=f"look at @{tmp_path}/secret.txt")
    assert all("xyzzy" not in heard.text for heard in done.heard)
    assert any("secret.txt" in event.get("prompt", "") for event in server.heard)


def test_a_skill_that_is_called_is_decided_and_a_denial_stops_its_command(claude: Claude, tmp_path: Path) -> None:
    """This client does not send PreSkillShellCommand yet; what it sends before is the expansion of the prompt."""
    with hooks() as server:
        done = played(claude, tmp_path / "a", server, [[say("done")]], prompt="/look")
    assert "here: from-the-skill" in done.text, done.err
    with hooks(UserPromptExpansion=Decision(effect="deny", reason=REASON)) as server:
        done = played(claude, tmp_path / "b", server, [[say("done")]], prompt="/look")
    assert all("here: from-the-skill" not in heard.text for heard in done.heard)
    assert any(event["hook_event_name"] == "UserPromptExpansion" for event in server.heard)
