"""A decision as the answer to one of Claude Code's hooks. Built here alone: no text of a policy is passed through.

Always explicit, never an empty body: to the client (2.1.332) an empty answer is no decision, and the tool runs. An
answer that names another event than was asked about, or none, is invalid, and then only `onFailure: block` holds.
"""

from typing import Any, Literal

from policyloop.decide.decision import Decision

Mode = Literal["observe", "enforce"]

PERMISSIONS = frozenset({"PreToolUse", "PreSkillShellCommand"})
"""Events answered by a permission."""
BLOCKS = frozenset({"UserPromptSubmit", "UserPromptExpansion", "ConfigChange", "PostToolUse"})
"""Events that can only be stopped or left. PostToolUse comes when the tool has run: it tells, and withholds nothing."""
DECIDED = PERMISSIONS | BLOCKS | {"PermissionRequest"}
"""All events to which a decision makes a difference; every other one is recorded."""


def answer(event: str, decision: Decision, mode: Mode = "enforce") -> dict[str, Any]:
    """The JSON object to answer with. While observing, one that leaves everything to the client."""
    if mode == "observe" or event not in DECIDED:
        return nothing_decided(event)
    if event in PERMISSIONS:
        return _permission(event, decision)
    if event == "PermissionRequest":
        return _to_permission_request(decision)
    if decision.effect == "allow":
        return nothing_decided(event)
    # There is nobody to ask in the middle of these: what is not allowed outright is stopped.
    return {"decision": "block", "reason": decision.reason}


def nothing_decided(event: str) -> dict[str, Any]:
    """An answer that is one, and decides nothing: the client's own rules, and the person, go on."""
    if event in PERMISSIONS:
        return {"hookSpecificOutput": {"hookEventName": event}}
    return {"continue": True}


def _permission(event: str, decision: Decision) -> dict[str, Any]:
    said: dict[str, Any] = {"hookEventName": event}
    if decision.effect != "allow":
        said["permissionDecision"] = decision.effect
        said["permissionDecisionReason"] = decision.reason
    # An allow says no more: `permissionDecision: allow` would switch off what the user's own rules ask about.
    if decision.input is not None and decision.effect != "deny":
        said["updatedInput"] = dict(decision.input)
    return {"hookSpecificOutput": said}


def _to_permission_request(decision: Decision) -> dict[str, Any]:
    """Only a denial is ours to give: an allow leaves it to the person whom the client is about to ask."""
    if decision.effect != "deny":
        return nothing_decided("PermissionRequest")
    behavior = {"behavior": "deny", "message": decision.reason}
    return {"hookSpecificOutput": {"hookEventName": "PermissionRequest", "decision": behavior}}
