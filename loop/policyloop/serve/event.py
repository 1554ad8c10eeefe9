"""A hook's event as the client sent it: read strictly, since who reads a text in another way than the client does
would decide about another call.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from policyloop.decide.call import Call, Identity
from policyloop.serve.own_events import OWN
from policyloop.serve.refused import Refused
from policyloop.strict_json import read_strictly

MOST_DEPTH = 100
"""Lists and objects within each other."""
MOST_NAME = 200
"""Characters of an event's or a tool's name, of an id."""

KNOWN = frozenset(
    [
        "PreToolUse",
        "PostToolUse",
        "PostToolUseFailure",
        "PostToolBatch",
        "Notification",
        "UserPromptSubmit",
        "UserPromptExpansion",
        "SessionStart",
        "SessionEnd",
        "Stop",
        "StopFailure",
        "SubagentStart",
        "SubagentStop",
        "PreCompact",
        "PostCompact",
        "PreModelSwitch",
        "PostModelSwitch",
        "PermissionRequest",
        "PermissionDenied",
        "Setup",
        "TeammateIdle",
        "TaskCreated",
        "TaskCompleted",
        "Elicitation",
        "ElicitationResult",
        "ConfigChange",
        "WorktreeCreate",
        "WorktreeRemove",
        "InstructionsLoaded",
        "CwdChanged",
        "FileChanged",
        "DirectoryAdded",
        "MessageDisplay",
        "PreSkillShellCommand",
    ]
)
"""The events of Claude Code 2.1.332."""
ABOUT_TOOLS = frozenset(
    ("PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionRequest", "PermissionDenied", "PreSkillShellCommand")
)
"""Events that are about one tool: without its name and its input they are malformed."""

_COMMON = frozenset(
    [
        "session_id",
        "transcript_path",
        "cwd",
        "prompt_id",
        "permission_mode",
        "hook_event_name",
        "agent_id",
        "agent_type",
        "effort",
        "tool_name",
        "tool_input",
        "tool_use_id",
        "mcp_server",
        "tool_response",
    ]
)
"""Fields that are no event's own; and what a tool has given back, which is content that nobody decides about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What was read. `flaw`: why nothing can be decided about it, in a sentence; empty otherwise."""

    name: str
    fields: Mapping[str, Any]
    flaw: str = ""


def read_event(body: bytes) -> Event:
    """The event in a body. Raises `Refused` for what names none."""
    given = _decoded(body)
    if not isinstance(given, dict):
        raise Refused(400, "The body is no JSON object.")
    name = given.get("hook_event_name")
    if not isinstance(name, str) or not name or len(name) > MOST_NAME or not name.isascii() or not name.isalnum():
        raise Refused(400, "The body has no hook_event_name.")
    if name in OWN:
        raise Refused(400, "The body's hook_event_name is one of the server's own.")
    return Event(name=name, fields=given, flaw=_flaw(name, given))


def call_of(event: Event, identity: Identity, received: float) -> Call:
    """The event as a call. Never raises: what has another type than it should is left out, and is a flaw before."""
    fields = event.fields
    tool = _text(fields, "tool_name")
    given = fields.get("tool_input")
    if tool:
        its_input = given if isinstance(given, Mapping) else {}
    else:
        its_input = {name: value for name, value in fields.items() if name not in _COMMON}
    if event.flaw:
        its_input = {}
    return Call(
        event=event.name,
        tool=tool,
        input=its_input,
        id=_text(fields, "tool_use_id"),
        front="claude-code",
        agent="claude-code",
        session=_text(fields, "session_id"),
        subagent=_text(fields, "agent_type") or _text(fields, "agent_id"),
        cwd=_text(fields, "cwd"),
        mode=_text(fields, "permission_mode"),
        mcp_server=_server(tool, fields.get("mcp_server")),
        identity=identity,
        received=received,
    )


def reported(fields: Mapping[str, Any]) -> dict[str, str]:
    """What of an event the client says of itself and nothing is decided by: which subagent, which prompt."""
    said = {"subagent_id": _text(fields, "agent_id"), "prompt_id": _text(fields, "prompt_id")}
    return {name: text for name, text in said.items() if text}


def _decoded(body: bytes) -> object:
    try:
        return read_strictly(body)
    except UnicodeDecodeError as error:
        raise Refused(400, f"The body is not UTF-8 at byte {error.start}.") from None
    except RecursionError:
        raise Refused(400, "The body is nested too deep.") from None
    except ValueError as error:
        raise Refused(400, f"The body is not JSON: {_short(str(error))}.") from None


def _flaw(name: str, given: Mapping[str, Any]) -> str:
    if _deeper(given, MOST_DEPTH):
        return "The call is nested too deep to be decided about."
    for field in ("tool_name", "session_id", "cwd", "tool_use_id", "agent_id", "agent_type", "permission_mode"):
        if field in given and not isinstance(given[field], str):
            return f"The call's {field} is no text."
    for field in ("tool_name", "tool_use_id"):
        if len(given.get(field, "")) > MOST_NAME:
            return f"The call's {field} is too long."
    about_tool = name in ABOUT_TOOLS or "tool_name" in given
    if about_tool and not given.get("tool_name"):
        return "The call names no tool."
    if about_tool and not isinstance(given.get("tool_input"), dict):
        return "The call's tool_input is no object."
    return ""


def _deeper(value: object, most: int) -> bool:
    """Whether something is nested deeper. Without recursion: that is what is asked about."""
    level = [value]
    for _ in range(most):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ())
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _text(fields: Mapping[str, Any], name: str) -> str:
    text = fields.get(name)
    return text if isinstance(text, str) else ""


def _server(tool: str, said: object) -> str:
    if isinstance(said, Mapping) and isinstance(said.get("name"), str):
        return str(said["name"])
    parts = tool.split("__", 2)
    return parts[1] if len(parts) == 3 and parts[0] == "mcp" else ""


def _short(text: str) -> str:
    return text if len(text) <= 120 else text[:119] + "…"
