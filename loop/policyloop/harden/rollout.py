"""Managed settings that have a decision point asked before every tool call, as Linux, macOS and Windows take them.

Of the keys, seen in the clients 2.1.329 and 2.1.332 (`tests/test_rollout_client.py` sees it again): only managed hooks
hold under `--bare`, `--safe-mode`, `disableAllHooks` and bypass mode; `onFailure: block` closes what fails, and clients
before 2.1.295 do not know it; a URL that is not in `allowedHttpHookUrls` is not asked, which closes too. SessionStart
and Setup are not sent over HTTP.
"""

import ipaddress
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from policyloop.decide.answer import DECIDED
from policyloop.errors import UsageError
from policyloop.harden.rules import EVERY_TOOL, MINIMUM_VERSION

PATH: Final = "/v1/hooks/claude-code"
"""Where a decision point listens when its URL names no path."""
SECONDS: Final = 10
"""A hook's time limit: twice the one within which the server answers in any case."""
OF_TOOLS: Final = ("PreToolUse", "PermissionRequest", "PostToolUse", "PostToolUseFailure", "PreSkillShellCommand")
OTHERS: Final = (
    *("UserPromptSubmit", "UserPromptExpansion", "ConfigChange", "InstructionsLoaded", "SubagentStart"),
    *("SubagentStop", "Stop", "SessionEnd"),
)
"""Events that are about no tool."""


def settings(url: str, *, token_variable: str = "") -> dict[str, Any]:
    """The managed settings. `token_variable`: the environment variable of an agent that holds its bearer token.

    Raises `UsageError` for a URL that will not do.
    """
    address = _address(url)
    headers = {"x-claude-user": "${USER}"}
    variables = ["USER"]
    if token_variable:
        headers["authorization"] = f"Bearer ${{{token_variable}}}"
        variables.append(token_variable)
    hook = {"type": "http", "url": address, "timeout": SECONDS, "headers": headers, "allowedEnvVars": variables}
    return {
        "requiredMinimumVersion": MINIMUM_VERSION,
        "allowManagedHooksOnly": True,
        "disableAllHooks": False,
        "allowedHttpHookUrls": [address],
        "httpHookAllowedEnvVars": variables,
        "permissions": {"disableBypassPermissionsMode": "disable", "disableAutoMode": "disable"},
        "hooks": {event: [_group(event, hook)] for event in (*OF_TOOLS, *OTHERS)},
    }


def _group(event: str, hook: Mapping[str, Any]) -> dict[str, Any]:
    # An event that is only recorded stops nothing when nobody answers: a blocked Stop would make an agent go on.
    handler = {**hook, "onFailure": "block" if event in DECIDED else "continue"}
    return {**({"matcher": EVERY_TOOL} if event in OF_TOOLS else {}), "hooks": [handler]}


def _address(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise _no_address(url) from None
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment or "*" in url:
        raise _no_address(url)
    if parts.username is not None or parts.password is not None:
        raise UsageError(
            "The URL of --decision-point holds a name or a password, which everybody on the machine could read.",
            "Name the variable that holds an agent's token: --token-variable NAME",
        )
    if parts.scheme == "http" and not _is_loopback(host):
        raise UsageError(
            f"{url} is not encrypted: whoever is on the way could answer in its place.",
            "Give an https:// URL; http:// is for 127.0.0.1 alone.",
        )
    return parts._replace(path=PATH if parts.path in ("", "/") else parts.path).geturl()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _no_address(url: str) -> UsageError:
    return UsageError(
        f"{url} is no address of a decision point.",
        "Give its URL, such as --decision-point https://decide.example.org:3594",
    )


def lacking(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What managed settings lack, and what in them undoes the roll-out: the key, and words for a person."""
    return [*_lacking(found, wanted, ""), *_beside(found, wanted)]


def _lacking(found: Mapping[str, Any], wanted: Mapping[str, Any], above: str) -> list[tuple[str, str]]:
    lacks: list[tuple[str, str]] = []
    for key, value in wanted.items():
        name = f"{above}{key}"
        there = found.get(key)
        if isinstance(value, Mapping) and isinstance(there, Mapping):
            lacks += _lacking(there, value, f"{name}.")
        elif key == "requiredMinimumVersion" and isinstance(there, str) and _version(there) >= _version(str(value)):
            continue
        elif json.dumps(there, sort_keys=True) != json.dumps(value, sort_keys=True):
            lacks.append((name, "is missing" if key not in found else "is another"))
    return lacks


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")) if all(part.isdigit() for part in text.split(".")) else ()


def _beside(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Hooks of other events are asked beside ours, and run with the rights of the managed settings."""
    hooks = found.get("hooks")
    others = sorted(set(hooks) - set(wanted["hooks"])) if isinstance(hooks, Mapping) else []
    return [(f"hooks.{event}", "is none of the decision point's") for event in others]


def with_wanted(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that were there with what is wanted in its place; what is not spoken of stays."""
    whole = dict(found)
    for key, value in wanted.items():
        there = whole.get(key)
        if key == "requiredMinimumVersion" and isinstance(there, str) and _version(there) >= _version(str(value)):
            continue
        is_both = isinstance(value, Mapping) and isinstance(there, Mapping)
        whole[key] = {**there, **value} if is_both else value  # type: ignore[dict-item]
    return whole
