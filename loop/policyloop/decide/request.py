"""A call as the request that a Cerbos PDP is asked: `POST /api/check/resources`.

    kind = the event, action = the tool, principal = who was verified to ask

    R.attr.tool_input.*     as the client sent it
    R.attr.cwd, permission_mode, session, agent, subagent, mcp_server, prompt, file_path     texts, empty where unknown
    R.attr.on_trial         names of rules that are only tried: what says `!("its-name" in R.attr.on_trial)` is not met
    R.attr.effects.*        what the call would do (`policyloop.decide.effects`)

Every attribute is always there, so that a strict evaluation denies nothing by accident.
"""

from collections.abc import Sequence
from typing import Any

from policyloop.decide.call import Call, Identity
from policyloop.decide.effects import Effects

NO_ROLE = "unknown"
"""The role of who has none: Cerbos 0.55 takes no request without a role. A rule for every role (`*`) fits it too."""
ACTIONS = {
    "UserPromptSubmit": "send",
    "UserPromptExpansion": "send",
    "InstructionsLoaded": "load",
    "ConfigChange": "change",
    "SubagentStart": "start",
    "SessionStart": "start",
}
"""The actions of events that are about no tool; of any other such event it is `happen`."""
_OF_EVENTS = ("prompt", "file_path", "command_name", "source", "error")
"""What events without a tool's input say of themselves, each a text."""


def check_request(call: Call, effects: Effects, on_trial: Sequence[str] = ()) -> dict[str, Any]:
    """The body of the request, with one resource and one action."""
    return {
        "requestId": id_of(call),
        "includeMeta": True,
        "principal": _principal(call.identity),
        "resources": [{"resource": _resource(call, effects, on_trial), "actions": [action_of(call)]}],
    }


def action_of(call: Call) -> str:
    """The tool; for an event about none, what happens."""
    return call.tool or ACTIONS.get(call.event, "happen")


def id_of(call: Call) -> str:
    """The id of the request and of its resource."""
    return call.id or "call"


def _principal(identity: Identity) -> dict[str, Any]:
    # Cerbos refuses a role that is empty or stands there twice.
    roles = list(dict.fromkeys(role for role in identity.roles if role))
    return {
        "id": identity.subject or "unknown",
        "roles": roles or [NO_ROLE],
        "attr": {"verified": identity.verified, "claims": dict(identity.claims)},
    }


def _resource(call: Call, effects: Effects, on_trial: Sequence[str]) -> dict[str, Any]:
    about_tool = bool(call.tool)
    attributes: dict[str, Any] = {
        "tool_input": dict(call.input) if about_tool else {},
        "cwd": call.cwd,
        "permission_mode": call.mode,
        "session": call.session,
        "agent": call.agent,
        "subagent": call.subagent,
        "mcp_server": call.mcp_server,
        "on_trial": list(on_trial),
        "effects": effects.attributes(),
    }
    for name in _OF_EVENTS:
        said = "" if about_tool else call.input.get(name)
        attributes[name] = said if isinstance(said, str) else ""
    return {"kind": call.event, "id": id_of(call), "attr": attributes}
