"""A project with an open session, and the questions that an agent's harness asks about it."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from command import DOCS, Done, environment, lay, policyloop
from published_schemas import hold_to_schema

CLAUDE = "5f0c1a52-6a35-4c3f-9a52-0d8f3b9f6f11"
OTHER = "0b7f4f5e-1111-4222-8333-944444444444"


@dataclass(frozen=True)
class Room:
    """A project whose policies lie in `policies`; sessions are kept in a folder of its own."""

    folder: Path

    @classmethod
    def made(cls, folder: Path, files: Mapping[str, str] = DOCS) -> "Room":
        room = cls(folder)
        lay(files, room.policies)
        return room

    @property
    def project(self) -> Path:
        """In a folder of its own: a policy directory that is the project itself makes that one a project."""
        return self.folder / "work" / "project"

    @property
    def policies(self) -> Path:
        return self.project / "policies"

    @property
    def home(self) -> Path:
        return self.folder / "state" / "policyloop"

    @property
    def env(self) -> dict[str, str]:
        return {"XDG_STATE_HOME": str(self.folder / "state")}

    def start(self, *more: object, claude: str | None = CLAUDE) -> Done:
        bound = ["--claude-session", claude] if claude else []
        options = ["--policies", self.policies, "--runner", "native", "--format", "json", *bound]
        return self.checked(policyloop("session", "start", *options, *more, cwd=self.project, env=self.env))

    def session(self, command: str, *more: object, claude: str | None = None) -> Done:
        bound = ["--claude-session", claude] if claude else []
        options = ["--policies", self.policies, "--format", "json", *bound]
        return self.checked(policyloop("session", command, *options, *more, cwd=self.project, env=self.env))

    def step(self, *more: object) -> Done:
        return self.session("step", *more)

    def checked(self, done: Done) -> Done:
        """Every document is what its schema says, and says the exit code."""
        if done.out:
            name = "error" if done.json.get("outcome") == "error" else "session"
            hold_to_schema(done.json, name)
            assert done.json["exit_code"] == done.code
        return done

    def ask(self, tool: str, given: Mapping[str, Any], *, claude: str = CLAUDE, **more: object) -> Done:
        """What the hook answers before a tool runs."""
        question = {
            "session_id": claude,
            "cwd": str(self.project),
            "permission_mode": "default",
            "hook_event_name": "PreToolUse",
            "tool_name": tool,
            "tool_input": dict(given),
            **more,
        }
        return self.hook("pre-tool-use", json.dumps(question))

    def stop(self, claude: str = CLAUDE, **more: object) -> Done:
        """What the hook answers before a turn ends."""
        asked = {"session_id": claude, "hook_event_name": "Stop", "stop_hook_active": False, **more}
        return self.hook("stop", json.dumps(asked))

    def at_rest(self, **more: object) -> Done:
        """The same, of a turn after which nothing can speak but a person."""
        return self.stop(**{"cwd": str(self.project), "background_tasks": [], "session_crons": [], **more})

    def prompt(self, words: str = "Thank you.", *, env: Mapping[str, str] | None = None, **more: object) -> Done:
        """What the hook answers to a prompt, in a client at a terminal."""
        asked = {"session_id": CLAUDE, "hook_event_name": "UserPromptSubmit", "cwd": str(self.project)}
        attended = {"CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ATTENDED": "1", **(env or {})}
        return self.hook("user-prompt-submit", json.dumps({**asked, "prompt": words, **more}), attended)

    def hook(self, event: str, question: str | bytes, env: Mapping[str, str] | None = None) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "policyloop", "hook", event],
            cwd=self.project,
            env=environment(**self.env, **(env or {})),
            input=question.encode() if isinstance(question, str) else question,
            capture_output=True,
            timeout=120,
            check=False,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def decision(done: Done) -> str | None:
    """`deny`, `ask`, or None for no decision."""
    assert (done.code, done.err) == (0, ""), done
    return said(done).get("permissionDecision")


def said(done: Done) -> dict[str, Any]:
    """What the hook answered before a tool; empty when it answered nothing."""
    return done.json["hookSpecificOutput"] if done.out else {}
