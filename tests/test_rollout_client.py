"""The real client with the file for Linux in the place of its managed settings: it asks, whatever the user sets."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from claude_client import Claude, Session, bash, say, trust
from command import lay, policyloop
from namespaces import managed_folder
from policyloop.decide.answer import answer
from policyloop.decide.decision import Decision

REASON = "Ask the people who own this."


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    heard: list[tuple[dict[str, Any], dict[str, str]]]

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        event = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.heard.append((event, {name.lower(): value for name, value in self.headers.items()}))
        name = event["hook_event_name"]
        denied = name == "PreToolUse" and "secret" in json.dumps(event.get("tool_input"))
        said = json.dumps(answer(name, Decision(effect="deny" if denied else "allow", reason=REASON))).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)


@contextmanager
def hook_server() -> Iterator[tuple[str, list[tuple[dict[str, Any], dict[str, str]]]]]:
    """Its URL, and the events that it heard with their headers."""
    handler = type("Handler", (_Handler,), {"heard": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", handler.heard  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def played(claude: Claude, room: Path, url: str, *arguments: str) -> Session:
    """A session under these managed settings, of a user who allows everything and switches hooks off."""
    prefix = managed_folder(room / "managed")
    written = policyloop(
        "harden", "--managed", "--decision-point", url, "--token-variable", "PL_TOKEN", "--yes",
        "--out", room / "managed" / "managed-settings.json",
    )  # fmt: skip
    assert written.code == 0, written.err
    project, home = room / "project", room / "home"
    theirs = {"disableAllHooks": True, "allowedHttpHookUrls": [], "permissions": {"allow": ["Bash(*)"]}}
    lay({".claude/settings.json": json.dumps(theirs), "note.txt": "a word from disk\n", "secret": "xyzzy\n"}, project)
    lay({".claude/settings.json": json.dumps(theirs)}, home)
    trust(home, project)
    return claude.session(
        [[bash("cat secret")], [bash("cat note.txt")], [say("done")]],
        prompt="go", project=project, home=home, arguments=arguments, prefix=prefix,
        environment={"PL_TOKEN": "made-up", "USER": "alex", "IS_SANDBOX": "1"},
    )  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [(), ("--bare",), ("--safe-mode",), ("--dangerously-skip-permissions",), ("--setting-sources", "")],
    ids=["plain", "bare", "safe-mode", "bypass", "no-sources"],
)
def test_it_is_asked_before_each_call_whatever_the_user_sets(
    arguments: tuple[str, ...], claude: Claude, tmp_path: Path
) -> None:
    with hook_server() as (url, heard):
        done = played(claude, tmp_path, url, *arguments)
    asked = [(event, headers) for event, headers in heard if event["hook_event_name"] == "PreToolUse"]
    assert [event["tool_input"]["command"] for event, _ in asked] == ["cat secret", "cat note.txt"], done.err
    assert all(headers["authorization"] == "Bearer made-up" for _, headers in asked)
    assert all(headers["x-claude-user"] == "alex" for _, headers in asked)
    assert all("xyzzy" not in each.text for each in done.heard)
    assert REASON in done.told[0].text
    assert done.told[0].error


def test_a_decision_point_that_is_gone_lets_nothing_through_and_the_session_ends(
    claude: Claude, tmp_path: Path
) -> None:
    with hook_server() as (url, _):
        pass
    done = played(claude, tmp_path, url, "--dangerously-skip-permissions")
    assert done.code is not None
    assert all("xyzzy" not in each.text and "a word from disk" not in each.text for each in done.heard)
