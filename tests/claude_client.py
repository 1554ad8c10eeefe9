"""The real Claude Code client, with a model that is a script: only the Messages API on loopback is made up.

In a test, with the fixture `claude`:

    done = claude.session(
        [[use("Bash", command="ls")], [say("There is one file.")]],
        prompt="What is here?", project=folder, home=tmp_path / "home", arguments=["--allowedTools", "Bash(ls)"],
    )
    done.told            # what the model was told about each of its calls
    done.result          # the JSON document of `claude -p --output-format json`

The client gets a home of its own and a bare environment; a key is made up here, and no request leaves the machine.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from messages_api import Answer, MessagesApi, Request, answer
from npm_tools import npm_folder
from policyloop.validators import pinned
from policyloop.validators.pinned import cached_binary

VERSION = "2.1.329"
"""Of the npm package `@anthropic-ai/claude-code`."""


KEY = "made-up"
"""The key that the client is given; the client remembers a key by its last 20 characters."""


@dataclass(frozen=True)
class Say:
    """The model writes this text."""

    text: str


@dataclass(frozen=True)
class Use:
    """The model calls a tool."""

    tool: str
    input: Mapping[str, Any]


Block = Say | Use
Turn = Sequence[Block] | Callable[["Heard"], Sequence[Block]]
"""What the model does at one turn: fixed, or made up from what it has heard (called in the server's thread)."""


def say(text: str) -> Say:
    """The model writes `text`."""
    return Say(text)


def use(tool: str, **given: Any) -> Use:
    """The model calls `tool`."""
    return Use(tool, given)


def bash(command: str) -> Use:
    """The model calls Bash."""
    return use("Bash", command=command, description="run a command")


@dataclass(frozen=True)
class Told:
    """What the model was told about one of its calls. `error`: the call was refused or failed."""

    tool: str
    input: Mapping[str, Any]
    error: bool
    text: str


@dataclass(frozen=True)
class Heard:
    """What stands in one request to the model."""

    request: Request

    @property
    def tools(self) -> list[str]:
        """The names of the tools that the model may call."""
        return [tool["name"] for tool in self.request.body.get("tools") or []]

    @property
    def turn(self) -> int:
        """How many times the model has spoken in this conversation."""
        return sum(message["role"] == "assistant" for message in self.request.body["messages"])

    @property
    def told(self) -> list[Told]:
        """The results of its calls, in order."""
        calls: dict[str, Any] = {}
        results = []
        for message in self.request.body["messages"]:
            for block in message["content"] if isinstance(message["content"], list) else ():
                if block["type"] == "tool_use":
                    calls[block["id"]] = block
                elif block["type"] == "tool_result":
                    call = calls[block["tool_use_id"]]
                    error = bool(block.get("is_error"))
                    results.append(Told(call["name"], call["input"], error, _text(block.get("content"))))
        return results

    @property
    def text(self) -> str:
        """Every word that the model was sent: system prompt, what users and hooks said, results of calls."""
        body = self.request.body
        said = [_text(message["content"]) for message in body["messages"] if message["role"] != "assistant"]
        return "\n".join([_text(body.get("system")), *said])


def _text(content: Any) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    return "\n".join(block.get("text") or _text(block.get("content")) for block in content)


@dataclass(frozen=True)
class Session:
    """How `claude -p` ended. `heard`: every request of the model's conversations, in order."""

    code: int
    out: str
    err: str
    heard: Sequence[Heard]

    @property
    def result(self) -> dict[str, Any]:
        """The one JSON document on standard output."""
        return json.loads(self.out)

    @property
    def told(self) -> list[Told]:
        """What the model was told about each of its calls."""
        return self.heard[-1].told if self.heard else []

    @property
    def text(self) -> str:
        """Every word that the model was sent."""
        return self.heard[-1].text if self.heard else ""


class Claude:
    """An installed client."""

    def __init__(self, program: Path) -> None:
        self.program = program

    def session(
        self,
        turns: Sequence[Turn],
        *,
        prompt: str,
        project: Path,
        home: Path,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
        timeout: float = 300,
    ) -> Session:
        """Run `claude -p PROMPT` in `project`. Turn n of the model is `turns[n]`; after the last it says no more.

        Which turn it is follows from the conversation, so that a request sent twice is answered alike. A request that
        offers no tool (a title, a summary) is answered with a word and is no turn. `prefix` is put before the command.
        """
        heard: list[Heard] = []
        with MessagesApi(script(turns, heard)) as api:
            done = self.command(
                *("-p", prompt, "--output-format", "json", *arguments),
                project=project,
                home=home,
                environment={"ANTHROPIC_BASE_URL": api.url, "ANTHROPIC_API_KEY": KEY, **(environment or {})},
                prefix=prefix,
                timeout=timeout,
            )
        return Session(done.returncode, done.stdout, done.stderr, heard)

    def command(
        self,
        *arguments: str,
        project: Path,
        home: Path,
        environment: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
        timeout: float = 300,
    ) -> subprocess.CompletedProcess[str]:
        """Run `claude ARGUMENTS` in `project`, such as `doctor` or `plugin validate`, without any model."""
        home.mkdir(parents=True, exist_ok=True)
        return subprocess.run(
            [*prefix, str(self.program), *arguments],
            cwd=project,
            env={**bare(home), **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )


def script(turns: Sequence[Turn], heard: list[Heard]) -> Callable[[Request], Answer]:
    """The model: what it says at each turn; what it hears is added to `heard`."""

    def answered(request: Request) -> Answer:
        now = Heard(request)
        if not now.tools:
            return answer(text="Policies")
        heard.append(now)
        turn = turns[now.turn] if now.turn < len(turns) else [say("(the script is at its end)")]
        return _spoken(turn(now) if callable(turn) else turn)

    return answered


def person(home: Path) -> dict[str, str]:
    """The environment of a person's shell: the `policyloop` under test first on PATH, the compiler, their own home."""
    keep = {name: os.environ[name] for name in ("DOCKER_HOST", "LANG", "POLICYLOOP_CERBOS") if name in os.environ}
    return {
        "POLICYLOOP_CERBOS": str(cached_binary(pinned.VERSION)),
        **keep,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "NO_COLOR": "1",
    }


def bare(home: Path) -> dict[str, str]:
    """The environment of a client, which talks to nobody: a person's, and what tells the client so.

    A command of policyloop that finds a variable of the client's takes itself to run under it.
    """
    return {
        **person(home),
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_ERROR_REPORTING": "1",
        "DISABLE_TELEMETRY": "1",
    }


def trust(home: Path, project: Path) -> None:
    """As after a person's first start of the client in a folder: they have said yes to it, and to the made-up key.

    Only in a folder that is trusted the client loads plugins.
    """
    home.mkdir(parents=True, exist_ok=True)
    done = {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}
    state = {
        "hasCompletedOnboarding": True,
        "theme": "dark",
        "customApiKeyResponses": {"approved": [KEY], "rejected": []},
        "projects": {str(project): done},
    }
    (home / ".claude.json").write_text(json.dumps(state))


def install() -> Claude:
    """The pinned client from policyloop's cache directory; fetched by npm the first time. Raises `Unavailable`."""
    return Claude(npm_folder(f"claude-code-{VERSION}", f"@anthropic-ai/claude-code@{VERSION}") / "claude")


def _spoken(blocks: Sequence[Block]) -> Answer:
    text = "\n".join(block.text for block in blocks if isinstance(block, Say)) or None
    return answer(text=text, calls=[(block.tool, block.input) for block in blocks if isinstance(block, Use)])
