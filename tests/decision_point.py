"""The real server in a process of its own, and events as Claude Code sends them."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claude_client import person

JSON = {"content-type": "application/json"}


@dataclass
class Server:
    """A server that runs. `project` is where it was started; the record is in it."""

    project: Path
    home: Path
    process: "subprocess.Popen[str]"
    host: str
    port: int

    def send(
        self, body: bytes, headers: Mapping[str, str] = JSON, path: str = "/ext/claude", method: str = "POST"
    ) -> tuple[int, bytes]:
        """Status and body of the answer, over a connection of its own."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def ask(self, event: Mapping[str, Any], **headers: str) -> dict[str, Any]:
        """The answer to an event, which is one."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        status, said = self.send(json.dumps(event).encode(), {**JSON, **named})
        assert status == 200, said
        return json.loads(said)

    def get(self, path: str) -> tuple[int, str]:
        """As a supervisor asks."""
        status, said = self.send(b"", {}, path, "GET")
        return status, said.decode()

    def metric(self, name: str) -> float:
        """A number of /metrics, labels as they are written there; 0 where there is none."""
        for line in self.get("/metrics")[1].splitlines():
            if line.startswith(name + " "):
                return float(line.rsplit(" ", 1)[1])
        return 0.0

    def stop(self) -> str:
        """Politely. Its log lines."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=60)
        assert self.process.returncode == 0, self.log()
        return self.log()

    def log(self) -> str:
        """What it has said on standard error."""
        return (self.project / "server.log").read_text()

    def kill(self) -> None:
        """At once."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate(timeout=60)

    def records(self, *more: str) -> list[dict[str, Any]]:
        """The records of the store, oldest first."""
        done = self.policyloop("audit", "search", "--format", "json", "--limit", "100000", *more)
        assert done.returncode == 0, done.stderr
        return [entry["record"] for entry in reversed(json.loads(done.stdout)["entries"])]

    def verify(self) -> str:
        """What `audit verify` says of a log that is whole."""
        done = self.policyloop("audit", "verify", "--index")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def policyloop(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return command(self.project, self.home, *arguments)


def command(project: Path, home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """`policyloop` as the person who runs the server types it."""
    return subprocess.run(
        [sys.executable, "-m", "policyloop", *arguments],
        cwd=project,
        env=person(home),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def started(folder: Path, *arguments: str, config: str | None = None, listen: str = "127.0.0.1:0") -> Server:
    """A server in `folder`/project that answers, by default on a port of its own."""
    project, home = folder / "project", folder / "home"
    project.mkdir(parents=True, exist_ok=True)
    home.mkdir(exist_ok=True)
    if config is not None:
        (project / "policyloop.yaml").write_text(config)
        assert command(project, home, "agree", "--yes").returncode == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "policyloop", "serve", "--listen", listen, *arguments],
        cwd=project,
        env={**person(home), "POLICYLOOP_DEBUG": "1"},
        stdout=subprocess.PIPE,
        stderr=(project / "server.log").open("a"),
        text=True,
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    assert first.startswith(("http", "unix:")), (first, (project / "server.log").read_text()[-3000:])
    host, _, port = first.split()[0].rpartition("//")[2].rpartition(":")
    return Server(project, home, process, host, int(port) if port.isdigit() else 0)


@contextmanager
def serving(folder: Path, *arguments: str, config: str | None = None) -> Iterator[Server]:
    server = started(folder, *arguments, config=config)
    try:
        yield server
    finally:
        server.kill()


def until(true: Any, seconds: float = 30) -> None:
    """Wait for something that becomes so."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not become so"
        time.sleep(0.05)


def event(name: str = "PreToolUse", tool: str = "", **more: Any) -> dict[str, Any]:
    """As the client sends it."""
    common: dict[str, Any] = {
        "session_id": "5b3c6a1e-0000-4000-8000-000000000001",
        "transcript_path": "/home/alex/.claude/projects/-app/5b3c6a1e.jsonl",
        "cwd": "/app",
        "permission_mode": "default",
        "hook_event_name": name,
    }
    if tool:
        common |= {"tool_name": tool, "tool_use_id": f"toolu_{os.urandom(6).hex()}"}
    return common | more


def bash(command_line: str, **more: Any) -> dict[str, Any]:
    """A call of Bash, before it runs."""
    return event("PreToolUse", "Bash", tool_input={"command": command_line}, **more)


def read(path: str, **more: Any) -> dict[str, Any]:
    """A call of Read, before it runs."""
    return event("PreToolUse", "Read", tool_input={"file_path": path}, **more)


def lets_go(answer: Mapping[str, Any]) -> bool:
    """Whether the client goes on as its own rules have it."""
    return answer in ({"continue": True}, {"hookSpecificOutput": {"hookEventName": "PreToolUse"}})


def denial(answer: Mapping[str, Any]) -> str:
    """The reason of a denial."""
    said = answer["hookSpecificOutput"]
    assert (said["hookEventName"], said["permissionDecision"]) == ("PreToolUse", "deny"), answer
    return str(said["permissionDecisionReason"])
