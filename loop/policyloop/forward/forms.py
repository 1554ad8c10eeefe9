"""What an agent tells its hooks as the events of Claude Code, and the answer in the agent's own form.

Claude's form was seen in the client. Those of Codex, Cursor and Gemini CLI follow their documentation of 2026-11; none
of the three was run here. Of a tool that is not known here the name stays as it is, and the policy decides: the starter
bundle allows no tool that it does not name.
"""

import json
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from policyloop.strict_json import read_strictly

Fields = Mapping[str, Any]

RECORDED = frozenset(
    (
        *("Stop", "SubagentStop", "SubagentStart", "SessionStart", "SessionEnd", "Notification", "PreCompact"),
        *("PostToolUse", "PostToolUseFailure", "PostToolBatch", "InstructionsLoaded", "MessageDisplay"),
        *("stop", "sessionStart", "sessionEnd", "afterShellExecution", "afterMCPExecution", "afterFileEdit"),
        *("afterAgentResponse", "afterAgentThought", "AfterTool", "AfterAgent", "AfterModel", "PreCompress"),
    )
)
"""Events to which nothing is decided: where the decision point is not heard, they go on, with an error that is shown. A
turn that can never end helps nobody. Of any other event, a new one too, the denial is said."""


class Unclear(Exception):
    """Nothing could be decided; the text, which the model is told, says why."""


@dataclass(frozen=True)
class Event:
    """One call as Claude Code would tell it. `name`: the agent's own name of its event."""

    name: str
    body: bytes


@dataclass(frozen=True)
class Answered:
    """What was decided. `said`: the answer as Claude Code would get it."""

    effect: str
    reason: str = ""
    said: str = "{}"

    @property
    def strength(self) -> int:
        """Of several answers the strictest holds."""
        return ("allow", "ask", "deny").index(self.effect)


@dataclass(frozen=True)
class Form:
    """How one agent speaks. `translate`: its event as one or more of Claude Code's; `say`: its words for an answer."""

    client: str
    translate: Callable[[Fields], list[Fields]]
    say: Callable[[str, Answered], Fields]
    asks: bool
    """Whether the agent can ask the person; where not, what would be asked about is denied."""

    def events(self, body: bytes) -> list[Event]:
        """The events in the agent's words, one or more. Raises `Unclear`."""
        fields = _decoded(body)
        name = _text(fields, "hook_event_name")
        if not name:
            raise Unclear("The hook's input has no hook_event_name, so nothing can be decided.")
        if self.client == "claude":
            return [Event(name, body)]
        told = self.translate(fields)
        if not told:
            raise Unclear("The hook's input names nothing that can be decided about.")
        common = {"session_id": _session(fields), "cwd": _text(fields, "cwd"), "agent": self.client}
        return [Event(name, json.dumps({**common, **each}).encode()) for each in told]

    def heard(self, event: Event, said: bytes) -> Answered:
        """The answer to an event. Raises `Unclear` for what is none: an empty one is no yes."""
        answer = _decoded(said)
        asked = json.loads(event.body)["hook_event_name"]
        specific = answer.get("hookSpecificOutput")
        effect, reason = "allow", ""
        if answer.get("decision") == "block" and isinstance(answer.get("reason"), str):
            effect, reason = "deny", answer["reason"]
        elif isinstance(specific, dict) and specific.get("hookEventName") == asked:
            effect, reason = _of_specific(specific)
        elif answer != {"continue": True}:
            raise Unclear("The decision point's answer is none to this call, so this is not allowed.")
        if effect == "ask" and not self.asks:
            effect, reason = "deny", f"{reason} (Nobody can be asked from here.)"
        text = said.decode()
        if self.client != "claude" and isinstance(specific, dict) and "updatedInput" in specific:
            # What a rule has rewritten is rewritten for Claude's tools; another agent would run what it has.
            effect, reason = "deny", "A rule would change this call, which cannot be done for this agent."
        return Answered(effect, reason, text)

    def words(self, event: str, answer: Answered) -> tuple[str, int]:
        """What is printed, and the exit code."""
        if event in RECORDED and answer.effect == "deny" and answer.said == "{}":
            return "{}", 1
        if self.client == "claude" and answer.said != "{}":
            return answer.said, 0
        return json.dumps(self.say(event, answer)), 2 if answer.effect == "deny" else 0


def _of_specific(specific: Fields) -> tuple[str, str]:
    decision = specific.get("decision")
    if isinstance(decision, dict) and decision.get("behavior") == "deny":
        return "deny", _text(decision, "message")
    effect = specific.get("permissionDecision", "allow")
    if effect not in ("allow", "ask", "deny"):
        raise Unclear("The decision point's answer is none to this call, so this is not allowed.")
    return effect, _text(specific, "permissionDecisionReason")


# --- events


def _tool(name: str, given: Fields, **more: Any) -> Fields:
    return {"hook_event_name": "PreToolUse", "tool_name": name, "tool_input": given, **more}


_CODEX = {"shell": "Bash", "local_shell": "Bash", "exec_command": "Bash", "shell_command": "Bash", "Bash": "Bash"}
_PATCHED = re.compile(r"(?m)^[ \t]*\*\*\* (Add|Update|Delete) File: (.+?)\s*$|^[ \t]*\*\*\* Move to: (.+?)\s*$")


def _codex(fields: Fields) -> list[Fields]:
    event, tool = _text(fields, "hook_event_name"), _text(fields, "tool_name")
    if event == "UserPromptSubmit":
        return [{"hook_event_name": event, "prompt": _text(fields, "prompt")}]
    if not tool:
        return [{"hook_event_name": event}]
    given = _input(fields.get("tool_input"))
    about = {"hook_event_name": event}
    if tool in _CODEX:
        places = _several(given, "workdir", "cwd") or [""]
        return [
            {**_tool("Bash", command), **about, **({"cwd": place} if place else {})}
            for command in _commands(given)
            for place in places
        ]
    if tool == "apply_patch":
        return [{**each, **about} for each in _patch(given)]
    return [{**_tool(tool, given), **about}]


def _several(given: Fields, *names: str) -> list[Any]:
    """What stands under any of these names: which of two a version of an agent takes is not known, so both are told."""
    return [given[name] for name in names if given.get(name)]


def _commands(given: Fields) -> list[Fields]:
    """Commands as texts of shell: of a list of words, the words, which no shell would split."""
    commands: list[Fields] = []
    for command in _several(given, "command", "cmd") or [None]:
        listed = isinstance(command, list) and all(isinstance(word, str) for word in command)
        commands.append({"command": shlex.join(command) if listed else command})
    return commands


def _patch(given: Fields) -> list[Fields]:
    text = "\n".join(part for part in _several(given, "input", "patch", "command") if isinstance(part, str))
    calls: list[Fields] = []
    for what, path, moved in _PATCHED.findall(text):
        if what == "Delete":
            calls.append(_tool("Bash", {"command": f"rm -- {shlex.quote(path)}"}))
        elif what == "Update":
            calls.append(_tool("Edit", {"file_path": path, "old_string": "", "new_string": ""}))
        else:
            calls.append(_tool("Write", {"file_path": path or moved, "content": ""}))
    # What cannot be read as a patch stays a tool of this name, which a policy knows or not.
    return calls or [_tool("apply_patch", given)]


_CURSOR = {
    "Shell": "Bash",
    "Read": "Read",
    "Write": "Write",
    "Edit": "Edit",
    "Grep": "Grep",
    "Glob": "Glob",
    "LS": "LS",
}


def _cursor(fields: Fields) -> list[Fields]:
    event = _text(fields, "hook_event_name")
    match event:
        case "beforeShellExecution":
            return [_tool("Bash", {"command": fields.get("command")})]
        case "beforeReadFile":
            files = [fields.get("file_path"), *_attached(fields)]
            return [_tool("Read", {"file_path": path}) for path in files]
        case "beforeSubmitPrompt":
            prompt = {"hook_event_name": "UserPromptSubmit", "prompt": _text(fields, "prompt")}
            return [prompt, *(_tool("Read", {"file_path": path}) for path in _attached(fields))]
        case "beforeMCPExecution":
            # Cursor says no name of the server, only where it is.
            return [_tool(f"mcp__unnamed__{_text(fields, 'tool_name')}", _input(fields.get("tool_input")))]
        case "preToolUse":
            tool = _text(fields, "tool_name")
            if tool == "Delete":
                paths = _several(_input(fields.get("tool_input")), "file_path", "path", "target_file")
                return [_tool("Bash", {"command": f"rm -- {shlex.quote(str(path))}"}) for path in paths]
            return [_tool(_CURSOR.get(tool, tool), _input(fields.get("tool_input")))]
    return [{"hook_event_name": _plain(event)}]


def _attached(fields: Fields) -> list[Any]:
    attached = fields.get("attachments")
    entries = attached if isinstance(attached, list) else []
    return [entry.get("file_path", entry.get("filePath")) for entry in entries if isinstance(entry, dict)]


_GEMINI = {
    "run_shell_command": "Bash",
    "read_file": "Read",
    "write_file": "Write",
    "replace": "Edit",
    "list_directory": "LS",
    "glob": "Glob",
    "grep_search": "Grep",
    "search_file_content": "Grep",
    "web_fetch": "WebFetch",
    "google_web_search": "WebSearch",
    "write_todos": "TodoWrite",
}


def _gemini(fields: Fields) -> list[Fields]:
    event, tool = _text(fields, "hook_event_name"), _text(fields, "tool_name")
    if event == "BeforeAgent":
        return [{"hook_event_name": "UserPromptSubmit", "prompt": _text(fields, "prompt")}]
    if event != "BeforeTool":
        return [{"hook_event_name": _plain(event)}]
    given = _input(fields.get("tool_input"))
    context = fields.get("mcp_context")
    if isinstance(context, dict):
        server = _text(context, "server_name")
        named = f"mcp__{server or 'unnamed'}__{_text(context, 'tool_name') or tool}"
        return [_tool(named, given, mcp_server={"name": server})]
    if tool == "read_many_files":
        paths = [path for key in ("include", "paths") for path in _list(given.get(key))]
        return [_tool("Read", {"file_path": path}) for path in paths]
    own = _GEMINI.get(tool, tool)
    places = _several(given, "dir_path", "directory")
    if own in ("Read", "Write", "Edit"):
        paths = _several(given, "file_path", "absolute_path", "path") or [""]
        return [_tool(own, {**given, "file_path": path}) for path in paths]
    if own in ("LS", "Glob", "Grep"):
        return [_tool(own, {**given, "path": path}) for path in [*places, *_several(given, "path")] or ["."]]
    if own == "WebFetch":
        urls = re.findall(r"https?://[^\s\"'<>)]+", _text(given, "prompt")) + _several(given, "url")
        return [_tool(own, {"url": url, "prompt": ""}) for url in urls or [""]]
    if own == "Bash" and places:
        command = _text(given, "command")
        return [_tool(own, {"command": f"cd {shlex.quote(str(place))} && {command}"}) for place in places]
    return [_tool(own, given)]


# --- answers


def _as_claude(event: str, answer: Answered) -> Fields:
    if event in ("PreToolUse", "PreSkillShellCommand"):
        said = {"hookEventName": event}
        if answer.effect != "allow":
            said |= {"permissionDecision": answer.effect, "permissionDecisionReason": answer.reason}
        return {"hookSpecificOutput": said}
    if event == "PermissionRequest":
        denied = {"behavior": "deny", "message": answer.reason}
        return {
            "hookSpecificOutput": {"hookEventName": event, **({"decision": denied} if answer.effect == "deny" else {})}
        }
    return {"continue": True} if answer.effect == "allow" else {"decision": "block", "reason": answer.reason}


def _as_cursor(event: str, answer: Answered) -> Fields:
    if event == "beforeSubmitPrompt":
        return {
            "continue": answer.effect == "allow",
            **({} if answer.effect == "allow" else {"user_message": answer.reason}),
        }
    words = {"user_message": answer.reason, "agent_message": answer.reason} if answer.reason else {}
    return {"permission": answer.effect, **words}


def _as_gemini(_: str, answer: Answered) -> Fields:
    return {} if answer.effect == "allow" else {"decision": "deny", "reason": answer.reason}


FORMS: Mapping[str, Form] = {
    "claude": Form("claude", lambda fields: [fields], _as_claude, asks=True),
    "codex": Form("codex", _codex, _as_claude, asks=False),
    "cursor": Form("cursor", _cursor, _as_cursor, asks=True),
    "gemini": Form("gemini", _gemini, _as_gemini, asks=False),
}


# --- reading


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        value = read_strictly(body)
    except (ValueError, RecursionError):
        raise Unclear("What should be decided about is no JSON, so this is not allowed.") from None
    if not isinstance(value, dict):
        raise Unclear("What should be decided about is no object, so this is not allowed.")
    return value


def _input(given: object) -> dict[str, Any]:
    """A tool's input, which some agents tell as a text of JSON. Raises `Unclear` for what is none."""
    if isinstance(given, str):
        return _decoded(given.encode())
    if isinstance(given, dict):
        return given
    raise Unclear("The tool's input is no object, so nothing can be decided.")


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value] if isinstance(value, str) else []


def _session(fields: Fields) -> str:
    return _text(fields, "session_id") or _text(fields, "conversation_id")


def _plain(event: str) -> str:
    """An event of another agent's own: it is recorded under its name."""
    return "".join(letter for letter in event if letter.isascii() and letter.isalnum()) or "Unknown"
