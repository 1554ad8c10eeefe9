"""`policyloop hook forward`: each agent's event reaches a decision point, and each failure is that agent's denial."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import UnixStreamServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command import environment
from policyloop.decide.answer import answer
from policyloop.decide.call import Identity
from policyloop.decide.decision import Decision
from policyloop.decide.tools import effects_of
from policyloop.forward.forms import FORMS, Answered, Unclear
from policyloop.serve.event import call_of, read_event

REASON = "Ask the people who own this."
EVENTS: dict[str, dict[str, Any]] = {
    "claude": {"session_id": "s", "cwd": "/app", "hook_event_name": "PreToolUse", "tool_name": "Bash",
               "tool_input": {"command": "rm -rf x"}},
    "codex": {"session_id": "s", "cwd": "/app", "hook_event_name": "PreToolUse", "tool_name": "shell",
              "tool_input": {"command": ["rm", "-rf", "x"]}},
    "cursor": {"conversation_id": "s", "cwd": "/app", "hook_event_name": "beforeShellExecution",
               "command": "rm -rf x"},
    "gemini": {"session_id": "s", "cwd": "/app", "hook_event_name": "BeforeTool", "tool_name": "run_shell_command",
               "tool_input": {"command": "rm -rf x"}},
}  # fmt: skip
"""The same call, as each agent tells it."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def log_message(self, *_: Any) -> None:
        pass

    def address_string(self) -> str:
        return "unix"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.heard.append((json.loads(body), dict(self.headers)))
        status, said = self.server.script(json.loads(body))
        self.send_response(status)
        self.send_header("content-length", str(len(said)))
        self.send_header("location", "http://127.0.0.1:1/")
        self.end_headers()
        self.wfile.write(said)


class _UnixServer(UnixStreamServer):
    pass


@contextmanager
def point(script: Any, unix: Path | None = None) -> Iterator[tuple[str, list[Any]]]:
    """A decision point that answers as `script` says: its address, and what it heard with the headers."""
    server: Any = _UnixServer(str(unix), _Handler) if unix else ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.script, server.heard = script, []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield (f"unix:{unix}" if unix else f"http://127.0.0.1:{server.server_address[1]}"), server.heard
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def deciding(effect: Any) -> Any:
    """What answers every event with this effect, as our server does."""
    return lambda event: (
        200,
        json.dumps(answer(event["hook_event_name"], Decision(effect=effect, reason=REASON))).encode(),
    )


def forward(url: str, client: str, event: Any, *more: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """The command as an agent runs it."""
    body = event if isinstance(event, str) else json.dumps(event)
    return subprocess.run(
        [sys.executable, "-m", "policyloop", "hook", "forward", "--to", url, "--client", client, *more],
        input=body, capture_output=True, text=True, env=environment(**env), timeout=60, check=False,
    )  # fmt: skip


def denies(client: str, done: "subprocess.CompletedProcess[str]") -> bool:
    """Whether the agent does not run the tool: by the code, and by the words for it."""
    if not done.stdout:
        return done.returncode == 2
    said = json.loads(done.stdout)
    words = {
        "cursor": lambda: said.get("permission") == "deny" or said.get("continue") is False,
        "gemini": lambda: said.get("decision") == "deny",
    }
    own = words.get(client, lambda: said["hookSpecificOutput"].get("permissionDecision") == "deny")()
    return own and (done.returncode == 2 or (client == "claude" and done.returncode == 0))


@pytest.mark.parametrize("client", EVENTS)
def test_what_is_decided_is_said_in_the_agents_own_form(client: str, tmp_path: Path) -> None:
    with point(deciding("allow")) as (url, heard):
        done = forward(url, client, EVENTS[client], "--token-variable", "PL_TOKEN", PL_TOKEN="made-up")
    assert (done.returncode, done.stderr) == (0, "")
    assert not denies(client, done)
    assert json.loads(done.stdout) is not None
    ((event, headers),) = heard
    assert (event["hook_event_name"], event["tool_name"]) == ("PreToolUse", "Bash")
    assert event["tool_input"]["command"] == "rm -rf x"
    assert (event["cwd"], event["session_id"]) == ("/app", "s")
    assert headers["authorization"] == "Bearer made-up"
    with point(deciding("deny"), tmp_path / "s") as (url, _):
        done = forward(url, client, EVENTS[client])
    assert denies(client, done)
    assert REASON in done.stdout
    with point(deciding("ask")) as (url, _):
        done = forward(url, client, EVENTS[client])
    assert denies(client, done) == (client in ("codex", "gemini"))
    assert REASON in done.stdout


@pytest.mark.parametrize("client", EVENTS)
def test_whatever_goes_wrong_is_a_denial(client: str, tmp_path: Path) -> None:
    event = EVENTS[client]
    answers = [
        (500, b'{"continue": true}'), (302, b""), (204, b""), (200, b""), (200, b"{}"), (200, b"[]"), (200, b"no"),
        (200, b'{"hookSpecificOutput": {"hookEventName": "Stop"}}'), (200, b'{"hookSpecificOutput": {}}'),
        (200, b'{"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "please"}}'),
        (200, b'{"continue": true, "continue": true}'), (200, b"x" * 2_000_000),
    ]  # fmt: skip
    turns = iter(answers)
    with point(lambda _: next(turns)) as (url, _):
        for given_answer in answers:
            done = forward(url, client, event)
            assert denies(client, done), (given_answer[0], given_answer[1][:80], done.stdout, done.stderr)
            assert done.returncode == 2
    for address in (url, "unix:/nowhere", "http://192.0.2.1", "http://[", "file:///x", "", f"unix:{tmp_path}"):
        done = forward(address, client, event)
        assert done.returncode == 2, address
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("body", ["", "no", "[]", "{}", '{"hook_event_name": 5}', '{"hook_event_name": "PreToolUse"'])
@pytest.mark.parametrize("client", EVENTS)
def test_an_event_that_is_none_is_a_denial_and_nobody_is_asked(client: str, body: str) -> None:
    with pytest.raises(Unclear):
        FORMS[client].events(body.encode())


def test_the_time_limit_holds_for_an_answer_and_for_the_event_itself() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        done = forward(url, "gemini", EVENTS["gemini"], "--seconds", "0.5")
        assert denies("gemini", done)
        read, write = os.pipe()
        try:
            waiting = subprocess.run(
                [sys.executable, "-m", "policyloop", "hook", "forward", "--to", url, "--client", "cursor",
                 "--seconds", "0.5"],
                stdin=read, capture_output=True, text=True, env=environment(), timeout=60, check=False,
            )  # fmt: skip
        finally:
            os.close(read)
            os.close(write)
    assert denies("cursor", waiting)


@pytest.mark.parametrize(
    "arguments",
    [(), ("--to", "http://127.0.0.1:1"), ("--to", "x", "--client", "other"), ("--to", "x", "--client", "codex", "--y"),
     ("--to", "x", "--client", "codex", "--seconds", "1e9"), ("--to", "x", "--to", "y", "--client", "codex")],
)  # fmt: skip
def test_a_command_line_that_is_none_blocks(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "policyloop", "hook", "forward", *arguments],
        input="{}", capture_output=True, text=True, env=environment(), timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "Nothing can be decided" in done.stderr


def test_a_token_that_is_not_there_is_a_denial() -> None:
    with point(deciding("allow")) as (url, heard):
        done = forward(url, "codex", EVENTS["codex"], "--token-variable", "PL_TOKEN")
    assert denies("codex", done)
    assert heard == []


def test_a_turns_end_is_not_held_up_by_a_decision_point_that_is_gone() -> None:
    stop = {"session_id": "s", "cwd": "/app", "hook_event_name": "Stop", "stop_hook_active": False}
    done = forward("unix:/nowhere", "claude", stop)
    assert (done.returncode, done.stdout) == (1, "{}")


def test_it_starts_without_what_it_does_not_need() -> None:
    code = (
        "import sys; import policyloop.forward, policyloop.forward.post;"
        "print([m for m in sys.modules if m.split('.')[0] in"
        " ('typer', 'rich', 'pydantic', 'anthropic', 'yaml', 'starlette', 'asyncio', 'importlib.metadata')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True)
    assert done.stdout.strip() == "[]"


# --- what each agent's tools become


def told(client: str, event: dict[str, Any]) -> list[dict[str, Any]]:
    return [json.loads(each.body) for each in FORMS[client].events(json.dumps(event).encode())]


PATCH = """*** Begin Patch
*** Update File: src/a.py
@@
-x
+y
*** Add File: .env
+A=1
*** Delete File: b c
*** End Patch"""


@pytest.mark.parametrize(
    ("client", "event", "attribute", "item"),
    [
        ("codex", {"tool_name": "apply_patch", "tool_input": {"input": PATCH}}, "writes", "/app/.env"),
        ("codex", {"tool_name": "apply_patch", "tool_input": {"input": PATCH}}, "writes", "/app/src/a.py"),
        ("codex", {"tool_name": "apply_patch", "tool_input": {"input": PATCH}}, "deletes", "/app/b c"),
        ("codex", {"tool_name": "apply_patch", "tool_input": {"input": f"{PATCH}\n  *** Delete File: /etc/x\r\n"}},
         "deletes", "/etc/x"),
        ("codex", {"tool_name": "apply_patch", "tool_input": {"input": PATCH, "patch": "*** Add File: /etc/x"}},
         "writes", "/etc/x"),
        ("codex", {"tool_name": "shell", "tool_input": {"command": "ls", "cmd": "rm /etc/x"}}, "deletes", "/etc/x"),
        ("codex", {"tool_name": "shell", "tool_input": {"command": "rm x", "workdir": "/app", "cwd": "/etc"}},
         "deletes", "/etc/x"),
        ("cursor", {"hook_event_name": "preToolUse", "tool_name": "Delete", "tool_input": {"path": "/etc/x"}},
         "deletes", "/etc/x"),
        ("gemini", {"tool_name": "read_file", "tool_input": {"file_path": "/app/a", "absolute_path": "/etc/x"}},
         "reads", "/etc/x"),
        ("gemini", {"tool_name": "list_directory", "tool_input": {"dir_path": "/app", "path": "/etc"}},
         "lists", "/etc"),
        ("gemini", {"tool_name": "web_fetch", "tool_input": {"prompt": "https://a.org", "url": "https://b.org"}},
         "hosts", "b.org:443"),
        ("codex", {"tool_name": "apply_patch", "tool_input": {"input": "no"}}, "unknown", "unknown-tool"),
        ("codex", {"tool_name": "Bash", "tool_input": {"command": "cat .env"}}, "reads", "/app/.env"),
        ("codex", {"tool_name": "shell", "tool_input": {"command": ["cat", "a b"]}}, "reads", "/app/a b"),
        ("codex", {"tool_name": "shell", "tool_input": {"command": ["cat", "x"], "workdir": "/srv"}}, "reads",
         "/srv/x"),
        ("codex", {"tool_name": "new", "tool_input": {}}, "unknown", "unknown-tool"),
        ("cursor", {"hook_event_name": "beforeReadFile", "file_path": "/app/.env", "content": "A=1"}, "reads",
         "/app/.env"),
        ("cursor", {"hook_event_name": "beforeSubmitPrompt", "prompt": "x", "attachments": [
            {"type": "file", "file_path": "/app/.env"}]}, "reads", "/app/.env"),
        ("cursor", {"hook_event_name": "beforeMCPExecution", "tool_name": "write_file",
                    "tool_input": '{"path": "/etc/hosts"}'}, "writes", "/etc/hosts"),
        ("cursor", {"hook_event_name": "preToolUse", "tool_name": "Shell", "tool_input": {"command": "rm x"}},
         "deletes", "/app/x"),
        ("cursor", {"hook_event_name": "preToolUse", "tool_name": "Delete", "tool_input": {"file_path": "x"}},
         "deletes", "/app/x"),
        ("gemini", {"tool_name": "read_file", "tool_input": {"absolute_path": "/app/.env"}}, "reads", "/app/.env"),
        ("gemini", {"tool_name": "read_many_files", "tool_input": {"include": ["a", ".env"]}}, "reads", "/app/.env"),
        ("gemini", {"tool_name": "write_file", "tool_input": {"file_path": "x", "content": ""}}, "writes", "/app/x"),
        ("gemini", {"tool_name": "replace", "tool_input": {"file_path": "x"}}, "writes", "/app/x"),
        ("gemini", {"tool_name": "run_shell_command", "tool_input": {"command": "rm x", "directory": "/srv"}},
         "may_delete", "/srv/x"),
        ("gemini", {"tool_name": "web_fetch", "tool_input": {"prompt": "see https://example.org/x"}}, "hosts",
         "example.org:443"),
        ("gemini", {"tool_name": "x", "mcp_context": {"server_name": "fs", "tool_name": "read_file"},
                    "tool_input": {"path": "/app/.env"}}, "reads", "/app/.env"),
        ("gemini", {"tool_name": "save_memory", "tool_input": {"fact": "x"}}, "unknown", "unknown-tool"),
    ],
)  # fmt: skip
def test_what_a_tool_of_another_agent_would_do_is_seen(
    client: str, event: dict[str, Any], attribute: str, item: str
) -> None:
    name = {"codex": "PreToolUse", "gemini": "BeforeTool"}.get(client, "")
    calls = [
        call_of(read_event(json.dumps(each).encode()), Identity(), 0.0)
        for each in told(client, {"hook_event_name": name, "cwd": "/app", "session_id": "s", **event})
    ]
    assert item in [value for call in calls for value in getattr(effects_of(call), attribute)]
    assert "A=1" not in json.dumps([call.input for call in calls])


@given(
    st.sampled_from(sorted(EVENTS)),
    st.dictionaries(
        st.sampled_from(
            ["hook_event_name", "tool_name", "tool_input", "command", "cwd", "attachments", "mcp_context", "file_path"]
        ),
        st.none() | st.integers() | st.text(max_size=6) | st.lists(st.text(max_size=3), max_size=2)
        | st.dictionaries(st.sampled_from(["command", "include", "server_name", "x"]), st.text(max_size=3), max_size=2)
        | st.sampled_from(["BeforeTool", "PreToolUse", "preToolUse", "beforeReadFile", "shell", "apply_patch"]),
        max_size=5,
    ),
)  # fmt: skip
def test_whatever_an_event_holds_it_is_told_or_a_denial(client: str, event: dict[str, Any]) -> None:
    try:
        events = FORMS[client].events(json.dumps(event).encode())
    except Unclear:
        return
    assert events
    for each in events:
        assert json.loads(each.body)["hook_event_name"]
    words, code = FORMS[client].words(events[0].name, Answered("deny", "no"))
    assert json.loads(words) is not None
    assert code in (1, 2)
