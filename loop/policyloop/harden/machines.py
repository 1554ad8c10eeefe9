"""Managed settings in the form of each system: a JSON file, a configuration profile, a registry file. And back.

Source of the places: Linux's file by the client 2.1.329 (run); the registry key and its value by the client's code; the
preference domain of macOS by the client's documentation. Neither of these two was run.
"""

import json
import plistlib
import re
import uuid
from collections.abc import Mapping
from typing import Any
from xml.parsers.expat import ExpatError

from policyloop.errors import UsageError
from policyloop.harden.document import parse
from policyloop.machine import Machine

DOMAIN = "com.anthropic.claudecode"
"""The preference domain of the client on macOS."""
KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\ClaudeCode"
"""Only an administrator may write there; what stands below HKEY_CURRENT_USER would be the user's own."""
VALUE = "Settings"
_HEAD = "Windows Registry Editor Version 5.00"
_NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")


def written(settings: Mapping[str, Any], machine: Machine) -> bytes:
    """The file for a machine: for Linux `managed-settings.json`, else `.mobileconfig` or `.reg`."""
    match machine:
        case Machine.LINUX:
            return (json.dumps(settings, indent=2, ensure_ascii=False) + "\n").encode()
        case Machine.MACOS:
            return plistlib.dumps(_profile(settings), sort_keys=False)
    text = json.dumps(settings, separators=(",", ":"), ensure_ascii=True)
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    # The registry editor takes this version as UTF-16 with a mark and Windows's ends of lines.
    return f'\ufeff{_HEAD}\r\n\r\n[{KEY}]\r\n"{VALUE}"="{quoted}"\r\n'.encode("utf-16-le")


def read(data: bytes, machine: Machine, name: str) -> dict[str, Any]:
    """The settings in such a file. Raises `UsageError` for what is none."""
    match machine:
        case Machine.LINUX:
            return _json(_text(data, "utf-8-sig", name), name)
        case Machine.MACOS:
            return _from_profile(data, name)
    text = _text(data, "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", name)
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith(";")]
    value = re.fullmatch(rf'"{VALUE}"="((?:[^"\\]|\\.)*)"', lines[2]) if len(lines) == 3 else None
    if value is None or lines[0] != _HEAD or lines[1].lower() != f"[{KEY}]".lower():
        raise UsageError(
            f"{name} is no registry file that sets {VALUE} below {KEY} and nothing else.", "Write it anew."
        )
    return _json(re.sub(r"\\(.)", r"\1", value[1]), name)


def _profile(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A profile that an MDM installs for all users of a Mac. Its ids follow from its content's domain alone, so that a
    newer one takes its place.
    """
    own = {
        "PayloadType": DOMAIN,
        "PayloadVersion": 1,
        "PayloadIdentifier": f"policyloop.decision-point.{DOMAIN}",
        "PayloadUUID": str(uuid.uuid5(_NAMESPACE, f"policyloop/{DOMAIN}")).upper(),
        "PayloadDisplayName": "Claude Code",
    }
    return {
        "PayloadType": "Configuration",
        "PayloadVersion": 1,
        "PayloadIdentifier": "policyloop.decision-point",
        "PayloadUUID": str(uuid.uuid5(_NAMESPACE, "policyloop/decision-point")).upper(),
        "PayloadDisplayName": "Decision point for Claude Code",
        "PayloadDescription": "Each tool call is decided by the decision point of your organisation.",
        "PayloadScope": "System",
        "PayloadRemovalDisallowed": True,
        "PayloadContent": [{**settings, **own}],
    }


def _from_profile(data: bytes, name: str) -> dict[str, Any]:
    try:
        profile = plistlib.loads(data)
    except (ExpatError, ValueError, TypeError, LookupError, RecursionError, OverflowError):
        raise UsageError(f"{name} is no configuration profile.", "Write it anew.") from None
    match profile:
        case {
            "PayloadType": "Configuration",
            "PayloadScope": "System",
            "PayloadRemovalDisallowed": True,
            "PayloadContent": [{"PayloadType": kind, **found}],
        } if kind == DOMAIN:
            return {str(key): value for key, value in found.items() if not str(key).startswith("Payload")}
    raise UsageError(
        f"{name} is no configuration profile for {DOMAIN} alone, for all users, that they cannot take out.",
        "Write it anew.",
    )


def _text(data: bytes, encoding: str, name: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is no text at byte {error.start}.", "Write it anew.") from None


def _json(text: str, name: str) -> dict[str, Any]:
    """As the client reads it: no comments, no key twice."""
    return dict(parse(text, name).data)
