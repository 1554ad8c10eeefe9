"""The decision point as a process: what it takes, what it refuses, and what it says of both."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_logs import filled, secrets_in
from decision_point import JSON, Server, bash, command, denial, event, lets_go, read, serving, until
from policyloop.audit.keys import known_signer
from policyloop.decide.call import Identity
from policyloop.serve.body import MOST_BODY
from policyloop.serve.event import KNOWN, call_of, read_event
from policyloop.serve.own_events import OWN
from policyloop.serve.refused import Refused

POLICIES = """\
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: PreToolUse
  version: default
  rules:
    - {name: engineers, actions: ["*"], roles: [engineer], effect: EFFECT_ALLOW}
    - {name: readers, actions: [Read], roles: [marketing], effect: EFFECT_ALLOW}
    - name: secrets
      actions: [Read, Bash]
      roles: ["*"]
      effect: EFFECT_DENY
      condition: {match: {expr: 'R.attr.effects.reads.exists(p, p.endsWith("/.env.production"))'}}
      output: {when: {ruleActivated: '"Production secrets stay closed."'}}
    - name: no-compilers
      actions: [Bash]
      roles: ["*"]
      effect: EFFECT_DENY
      condition:
        match:
          all:
            of:
              - expr: '!("no-compilers" in R.attr.on_trial)'
              - expr: '"gcc" in R.attr.effects.programs'
      output: {when: {ruleActivated: '"Nothing is compiled here."'}}
    - name: broken-output
      actions: [Bash]
      roles: [engineer]
      effect: EFFECT_ALLOW
      condition: {match: {expr: 'R.attr.tool_input.command == "broken"'}}
      output: {when: {ruleActivated: 'R.attr.nothing.of.the.kind'}}
"""
ENFORCING = """\
serve:
  mode: enforce
  on_trial: [{trial}]
  pdp: {{policies: tool-policies}}
  identity: {{headers: {{trusted: [127.0.0.1]}}}}
"""
ENGINEER = {"x_claude_user": "alex", "x_claude_user_roles": "engineer"}
MARKETING = {"x_claude_user": "mia", "x_claude_user_roles": "marketing"}

pytestmark = pytest.mark.compiler


@pytest.fixture(scope="module")
def observer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("observer"), "--observe") as server:
        yield server


@pytest.fixture(scope="module")
def enforcer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("enforcer")
    (folder / "project" / "tool-policies").mkdir(parents=True)
    (folder / "project" / "tool-policies" / "tools.yaml").write_text(POLICIES)
    with serving(folder, config=ENFORCING.format(trial="no-compilers")) as server:
        yield server


def test_observing_needs_no_policy_lets_everything_go_and_records_it(observer: Server) -> None:
    for name in sorted(KNOWN | {"AnythingNew"}):
        answer = observer.ask(event(name, "Bash" if "Tool" in name else "", tool_input={"command": f"rm -rf {name}"}))
        assert answer in ({"continue": True}, {"hookSpecificOutput": {"hookEventName": name}}), name
    for path in ("/ext/claude", "/v1/hooks/claude-code"):
        status, said = observer.send(json.dumps(bash("sudo rm -rf /srv")).encode(), path=path)
        assert (status, lets_go(json.loads(said))) == (200, True)
    records = observer.records()
    assert {record["event"] for record in records} >= KNOWN | {"AnythingNew", "ServerStart"}
    last = records[-1]
    assert (last["decision"], last["mode"], last["tool"]) == ("allow", "observe", "Bash")
    assert last["effects"]["deletes"] == ["/srv"]
    assert last["who"] == {"subject": "unknown", "roles": [], "verified": "none"}


BAD: list[tuple[str, bytes, int]] = [
    ("nothing", b"", 400),
    ("no JSON", b'{"hook_event_name": "PreToolUse"', 400),
    ("binary", bytes(range(256)) * 40, 400),
    ("UTF-16", json.dumps(bash("ls")).encode("utf-16"), 400),
    ("a list", b"[]", 400),
    ("a number with too many digits", b'{"hook_event_name":"PreToolUse","x":' + b"9" * 9_000 + b"}", 400),
    ("no event", b'{"tool_name": "Bash"}', 400),
    ("an event that is none", b'{"hook_event_name": ["PreToolUse"]}', 400),
    ("a made-up event", b'{"hook_event_name": "Pre\\u0000ToolUse"}', 400),
    *(
        (f"{name}, which is ours", json.dumps(bash("ls") | {"hook_event_name": name}).encode(), 400)
        for name in sorted(OWN)
    ),
    ("a key twice", b'{"hook_event_name":"PreToolUse","hook_event_name":"Stop"}', 400),
    ("a tool twice", b'{"hook_event_name":"PreToolUse","tool_input":{"command":"ls","command":"rm -rf /"}}', 400),
    ("NaN", b'{"hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"x":NaN}}', 400),
    ("deep beyond reading", b'{"hook_event_name":"PreToolUse","x":' + b"[" * 200_000 + b"]" * 200_000 + b"}", 400),
    ("10 MB", b'{"x":"' + b"a" * 10_000_000 + b'"}', 413),
    ("more than it may be", b'{"x":"' + b"a" * MOST_BODY + b'"}', 413),
]
FLAWED: list[tuple[str, dict[str, Any]]] = [
    ("no tool", event("PreToolUse", tool_input={})),
    ("no input", event("PreToolUse", "Bash")),
    ("an input that is a list", event("PreToolUse", "Bash", tool_input=["ls"])),
    ("an input that is a text", event("PreToolUse", "Bash", tool_input="ls")),
    ("a tool that is a list", event("PreToolUse", "x") | {"tool_name": ["Bash"]}),
    ("a directory that is a number", bash("ls") | {"cwd": 1}),
    ("a name without end", event("PreToolUse", "B" * 10_000, tool_input={})),
    ("a command that is a list", event("PreToolUse", "Bash", tool_input={"command": ["ls"]})),
    ("half a character", bash("ls \ud800")),
    ("a number beyond all", event("PreToolUse", "Bash", tool_input={"command": "ls", "x": 1e308 * 10})),
]
DEEP = '{"hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"x":' + "[" * 150 + "]" * 150 + "}}"


def test_what_is_no_event_is_refused_and_recorded(enforcer: Server) -> None:
    before = len(enforcer.records())
    for name, body, status in BAD:
        told, said = enforcer.send(body)
        assert told == status, name
        assert json.loads(said)["error"].endswith("."), name
    records = enforcer.records()[before:]
    assert [(record["event"], record["decision"]) for record in records] == [("Unreadable", "deny")] * len(BAD)
    assert all(record["trouble"] for record in records)


def test_a_flawed_call_is_denied_in_the_hooks_own_form(enforcer: Server) -> None:
    for name, flawed in FLAWED:
        body = json.dumps(flawed).replace("Infinity", "1e999").encode()
        status, said = enforcer.send(body, {**JSON, "x-claude-user": "alex", "x-claude-user-roles": "engineer"})
        answer = json.loads(said)
        if name == "a command that is a list":
            # Nothing is known of what it would do; who may do anything, may do that.
            assert (status, lets_go(answer)) == (200, True)
            continue
        assert (status, bool(denial(answer))) == (200, True), name
    assert "nested too deep" in denial(json.loads(enforcer.send(DEEP.encode())[1]))


def test_while_observing_nothing_that_comes_blocks_a_client(observer: Server) -> None:
    for name, body, _ in BAD:
        status, said = observer.send(body)
        assert (status, json.loads(said)) == (200, {"continue": True}), name
    for name, flawed in FLAWED:
        assert lets_go(json.loads(observer.send(json.dumps(flawed).replace("Infinity", "1e999").encode())[1])), name


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "text/plain"}, 415),
        ({}, 415),
        ({**JSON, "content-encoding": "gzip"}, 415),
        ({**JSON, "origin": "https://example.org"}, 403),
    ],
)
def test_who_is_no_client_of_an_agent_is_refused(enforcer: Server, headers: dict[str, str], status: int) -> None:
    assert enforcer.send(json.dumps(bash("ls")).encode(), headers)[0] == status


def test_only_the_addresses_that_are_there_answer(enforcer: Server) -> None:
    assert enforcer.send(b"{}", path="/")[0] == 404
    assert enforcer.send(b"", {}, "/ext/claude", "GET")[0] == 405


def test_what_the_policies_say_is_answered(enforcer: Server) -> None:
    assert lets_go(enforcer.ask(bash("git status"), **ENGINEER))
    assert denial(enforcer.ask(bash("cat x/../.env.production"), **ENGINEER)) == "Production secrets stay closed."
    assert lets_go(enforcer.ask(read("/app/a.txt"), **MARKETING))
    assert denial(enforcer.ask(bash("git status"), **MARKETING))
    assert denial(enforcer.ask(bash("git status")))
    assert denial(enforcer.ask(bash("broken"), **ENGINEER))
    record = enforcer.records()[-1]
    assert record["who"] == {"subject": "alex", "roles": ["engineer"], "verified": "header"}
    assert "#broken-output" in record["trouble"]
    assert record["pdp_call"]
    assert record["policy"]["version"]


def test_a_rule_on_trial_is_recorded_and_does_not_deny(enforcer: Server) -> None:
    assert lets_go(enforcer.ask(bash("gcc a.c"), **ENGINEER))
    record = enforcer.records()[-1]
    assert (record["decision"], record["would_be"], record["mode"]) == ("allow", "deny", "enforce")
    assert record["rule"].endswith("#no-compilers")
    # Another denial beside it holds all the same.
    assert denial(enforcer.ask(bash("gcc $(cat .env.production)"), **ENGINEER)) == "Production secrets stay closed."


def test_an_event_that_nobody_knows_is_an_error_unless_a_policy_allows_it(enforcer: Server) -> None:
    status, said = enforcer.send(json.dumps(event("PreEverything")).encode())
    assert (status, "does not know" in json.loads(said)["error"]) == (422, True)
    assert enforcer.records()[-1]["decision"] == "deny"


def test_what_a_client_says_of_where_it_comes_from_makes_nobody(enforcer: Server) -> None:
    for headers in (
        {"x-forwarded-for": "127.0.0.1"},
        {"x-claude-user": "alex"},
        {"x-claude-user-roles": "engineer"},
    ):
        _, said = enforcer.send(json.dumps(bash("ls")).encode(), {**JSON, **headers})
        assert denial(json.loads(said)), headers


def test_headers_are_believed_from_nowhere_unless_the_configuration_says_so(observer: Server) -> None:
    observer.ask(bash("ls"), **ENGINEER)
    record = observer.records()[-1]
    assert record["who"]["subject"] == "unknown"
    assert record["reported"]["x-claude-user"] == "alex"


def test_a_replayed_event_is_decided_and_recorded_again(enforcer: Server) -> None:
    given = bash("cat .env.production")
    first, second = enforcer.ask(given, **ENGINEER), enforcer.ask(given, **ENGINEER)
    assert denial(first) == denial(second)
    one, other = enforcer.records()[-2:]
    assert one["call"] == other["call"]
    assert one["id"] != other["id"]


def test_a_thousand_connections_hinder_nobody(enforcer: Server) -> None:
    idle = [socket.create_connection((enforcer.host, enforcer.port)) for _ in range(1_000)]
    try:
        for number, connection in enumerate(idle):
            connection.sendall(b"POST /ext/claude HTTP/1.1\r\nhost: x\r\n" if number % 2 else b"")
        assert lets_go(enforcer.ask(bash("git status"), **ENGINEER))
        assert denial(enforcer.ask(bash("git status")))
    finally:
        for connection in idle:
            connection.close()
    assert enforcer.get("/healthz")[0] == 200


HEAD = b"POST /ext/claude HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"


def raw(server: Server, *parts: bytes, pause: float = 0.0) -> bytes:
    """What comes back over a connection of which the parts are sent one after the other."""
    with socket.create_connection((server.host, server.port), timeout=30) as connection:
        for part in parts:
            try:
                connection.sendall(part)
            except OSError:
                break
            time.sleep(pause)
        return received(connection)


def received(connection: socket.socket) -> bytes:
    """All that comes until the other side ends."""
    said = b""
    try:
        while more := connection.recv(65_536):
            said += more
    except OSError:
        pass
    return said


def test_what_does_not_end_is_ended(enforcer: Server) -> None:
    done: dict[str, bytes] = {}

    def tried(name: str, *parts: bytes) -> None:
        done[name] = raw(enforcer, *parts)

    endless = [b"10000\r\n" + b"a" * 65_536 + b"\r\n"] * 200
    cases = {
        "a body that stops": [HEAD + b"content-length: 100\r\n\r\n{"],
        "chunks without end": [HEAD + b"transfer-encoding: chunked\r\n\r\n", *endless],
        "a head without end": [b"GET / HTTP/1.1\r\nx: " + b"a" * 200_000],
        "two lengths": [HEAD + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{} "],
        "length and chunks": [HEAD + b"content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"],
        "no HTTP": [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 10],
    }
    threads = [threading.Thread(target=tried, args=(name, *parts)) for name, parts in cases.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert b" 408 " in done["a body that stops"].split(b"\r\n")[0]
    assert done["chunks without end"].split()[1] in (b"408", b"413")
    for name in cases:
        assert b"200 OK" not in done.get(name, b"no answer"), name
    assert lets_go(enforcer.ask(bash("git status"), **ENGINEER))


def test_the_log_is_json_whatever_comes(tmp_path: Path) -> None:
    with serving(tmp_path, "--observe") as server:
        raw(server, b"\x16\x03\x01 no HTTP at all\r\n\r\n")
        raw(server, HEAD + b"content-length: 2\r\n\r\n{}", b"GARBAGE / HTTP/9\r\n\r\n")
        server.send(b"\xff\xfe" * 10)
        server.ask(event("PreToolUse", "\x1b[31mBash\n::error::x", tool_input={"command": "ls"}))
        said = server.stop()
        lines = [json.loads(line) for line in said.splitlines()]
        assert {line["what"] for line in lines} == {"started", "library", "refused", "decision", "stopped"}
        assert "\x1b" not in said


def signer_line(place: Path) -> str:
    signer = known_signer(secrets_in(place))
    assert signer is not None
    return signer.verifier().line()


def test_what_is_older_than_it_must_be_kept_is_taken_out_by_the_server(tmp_path: Path) -> None:
    """By whole segments; the log says so itself, and what is left still verifies."""
    place = tmp_path / "project" / ".policyloop"
    place.mkdir(parents=True)
    filled(place, 1_100)
    config = "serve: {audit: {key: .policyloop/secrets/key, keep: {decisions: 1d}}}\n"
    with serving(tmp_path, config=config) as server:
        until(lambda: any(told["event"] == "AuditPrune" for told in server.records("--since", "1h")))
        server.stop()
        done = server.policyloop("audit", "verify", "--key", signer_line(place))
        assert (done.returncode, "1024 pruned" in done.stdout) == (0, True), done.stdout


def test_a_stop_answers_what_is_in_flight_and_closes_the_log(tmp_path: Path) -> None:
    with serving(tmp_path, "--observe") as server:
        body = json.dumps(bash("echo in flight")).encode()
        with socket.create_connection((server.host, server.port), timeout=30) as connection:
            connection.sendall(HEAD + b"content-length: %d\r\n\r\n" % len(body) + body[:20])
            until(lambda: server.get("/healthz")[0] == 200)
            server.process.terminate()
            time.sleep(0.3)
            connection.sendall(body[20:])
            assert b"hookSpecificOutput" in received(connection)
        server.process.wait(30)
        assert server.process.returncode == 0, server.log()
        assert "without" not in server.verify()
        names = [record["event"] for record in server.records()]
        assert names == ["ServerStart", "PreToolUse", "ServerStop"]
        assert all(json.loads(line)["level"] == "info" for line in server.log().splitlines())


def test_who_is_asked_whether_it_is_ready_says_what_stands_in_the_way(enforcer: Server) -> None:
    status, said = enforcer.get("/readyz")
    ready = json.loads(said)
    assert (status, ready["ready"], ready["mode"], ready["pdp"]["serving"]) == (200, True, "enforce", True)
    assert denial(enforcer.ask(bash("ls")))
    assert enforcer.metric('policyloop_decisions_total{decision="deny",event="PreToolUse",mode="enforce"}') > 0


def test_a_secret_stands_neither_in_the_record_nor_in_the_log(observer: Server) -> None:
    secret = "ghp_" + "a1B2" * 9
    observer.ask(bash(f"curl -H 'authorization: token {secret}' https://example.org"))
    observer.ask(event("PreToolUse", "Write", tool_input={"file_path": "/app/a", "content": "a word of content"}))
    said = json.dumps(observer.records()[-2:])
    assert secret not in said
    assert "a word of content" not in said
    assert "characters" in said
    until(lambda: '"tool": "Write"' in observer.log())
    assert secret not in observer.log()
    assert "example.org" not in observer.log()


@pytest.mark.parametrize(
    ("config", "code", "words"),
    [
        ("serve: {mode: enforce}\n", 2, "no policy to enforce"),
        ("serve: {mod: enforce}\n", 2, "unknown key serve.mod"),
        ("serve: {pdp: {polices: x}}\n", 2, "unknown key serve.pdp.polices"),
        ("serve: {audit: {keep: {decisons: 1d}}}\n", 2, "unknown key serve.audit.keep.decisons"),
        ("serve: {audit: {anchors: [{fil: x}]}}\n", 2, "unknown key serve.audit.anchors.fil"),
        ("serve: {pdp: {policies: a, address: b}}\n", 2, "one of policies, config and address"),
        ("serve: {listen: nowhere}\n", 2, "no address to listen on"),
        ("serve: {audit: {keep: {decisions: ever}}}\n", 2, "is no moment"),
        ("serve: {tls: {certificate: a.pem, key: b.pem}}\n", 2, "serve.tls"),
        ("serve: {pdp: {address: 'http://127.0.0.1:1'}}\n", 5, "nobody agreed to"),
        ("serve: {identity: {headers: {trusted: [127.0.0.1]}}}\n", 5, "nobody agreed to"),
        ("serve: {audit: {anchors: [{command: ./tell}]}}\n", 5, "nobody agreed to"),
        ("serve: {identity: {headers: {trusted: [everybody]}}}\n", 5, "nobody agreed to"),
    ],
)
def test_a_configuration_that_will_not_do_is_told(tmp_path: Path, config: str, code: int, words: str) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "policyloop.yaml").write_text(config)
    done = command(tmp_path / "project", tmp_path / "home", "serve")
    assert (done.returncode, words in done.stderr) == (code, True), done.stderr
    assert not (tmp_path / "project" / ".policyloop").exists()


def test_two_servers_on_one_store_are_one_too_many(observer: Server, tmp_path: Path) -> None:
    done = command(observer.project, observer.home, "serve", "--observe", "--listen", "127.0.0.1:0")
    assert (done.returncode, "Another process writes" in done.stderr) == (8, True), done.stderr
    (tmp_path / "project").mkdir()
    place = f"{observer.host}:{observer.port}"
    done = command(tmp_path / "project", tmp_path / "home", "serve", "--observe", "--listen", place)
    assert (done.returncode, "cannot be listened on" in done.stderr) == (8, True), done.stderr


PARTS = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
FIELDS = tuple(sorted(event("x", "y", tool_input={})))


@settings(max_examples=200, deadline=None)
@given(
    name=st.sampled_from(sorted(KNOWN)) | PARTS,
    changed=st.dictionaries(st.sampled_from(FIELDS), PARTS, max_size=4),
)
def test_whatever_stands_in_an_event_is_a_call_or_refused(name: Any, changed: dict[str, Any]) -> None:
    given_event = event("x", "Bash", tool_input={"command": "ls"}) | changed | {"hook_event_name": name}
    try:
        heard = read_event(json.dumps(given_event).encode())
    except Refused:
        return
    call = call_of(heard, Identity(), 0.0)
    for text in (call.event, call.tool, call.id, call.session, call.cwd, call.mode, call.subagent, call.mcp_server):
        assert isinstance(text, str)
    assert heard.flaw or not call.tool or call.input == given_event["tool_input"]
