"""An entry as an event of OCSF 1.9, with the profiles `ai_operation` and `record_integrity`.

A denial is a Detection Finding (2004); else a shell's call is Process Activity (1007), a file tool's File System
Activity (1001), and all others are API Activity (6003). What OCSF has no place for stands in `unmapped`.
"""

from datetime import datetime
from hashlib import sha256
from typing import Any

from policyloop.audit.canonical import canonical
from policyloop.audit.entry import Entry, places_of
from policyloop.audit.tree import leaf_hash

VERSION = "1.9.0"
"""Of OCSF."""
FINDING = 2004
_SHELLS = frozenset(("Bash", "PowerShell"))
_FILES = {"Read": 2, "Glob": 2, "Grep": 2, "Edit": 3, "MultiEdit": 3, "NotebookEdit": 3, "Write": 1}
"""File tools, and the number of their activity: 1 create, 2 read, 3 update."""
_SEVERITY = {"allow": 1, "ask": 2, "deny": 3}
_STATUS = {"allow": "allowed", "ask": "left to the user", "deny": "denied"}


class Events:
    """The events of one export, each of which refers to the one before."""

    def __init__(self, keys: dict[str, str]) -> None:
        """`keys`: the public key of each log."""
        self._keys = keys
        self._before: dict[str, dict[str, Any]] = {}

    def event(self, entry: Entry) -> dict[str, Any]:
        """The event, with its attestation."""
        record = entry.record()
        made = _base(entry, record)
        made.update(_of_class(record))
        # A finding has no room for the agent but beside its evidence.
        if made["class_uid"] != FINDING:
            made["ai_agent"] = _agent(record)
            made["metadata"]["profiles"].append("ai_operation")
        made["type_uid"] = made["class_uid"] * 100 + made["activity_id"]
        return self._attested(made, entry)

    def _attested(self, event: dict[str, Any], entry: Entry) -> dict[str, Any]:
        """The fingerprint is over the whole event but itself, so that it holds for who has the export alone."""
        attestation: dict[str, Any] = {
            "uid": f"{entry.log}#{entry.seq}",
            "chain_uid": entry.log,
            "authority_uid": self._keys.get(entry.log, ""),
        }
        if entry.log in self._before:
            attestation["prev_event"] = self._before[entry.log]
        event["attestation_list"] = [attestation]
        fingerprint = {
            "algorithm": "SHA-256",
            "algorithm_id": 3,
            "encoding": "Hex",
            "encoding_id": 1,
            "serialization": "JCS",
            "serialization_id": 2,
            "value": sha256(canonical(event)).hexdigest(),
        }
        attestation["fingerprint"] = fingerprint
        self._before[entry.log] = {
            "uid": event["metadata"]["uid"],
            "type_uid": event["type_uid"],
            "fingerprint": fingerprint,
        }
        return event


def _base(entry: Entry, record: dict[str, Any]) -> dict[str, Any]:
    decision = str(record.get("decision", ""))
    return {
        "time": _milliseconds(str(record.get("time", ""))),
        "severity_id": _SEVERITY.get(decision, 0),
        "status_id": 99,
        "status": _STATUS.get(decision, "unknown"),
        "status_detail": str(record.get("reason", "")),
        "message": f"{record.get('tool') or record.get('event')}: {_STATUS.get(decision, 'unknown')}",
        "metadata": {
            "uid": str(record.get("id") or f"{entry.log}#{entry.seq}"),
            "version": VERSION,
            "profiles": ["record_integrity"],
            "product": {"name": "policyloop", "vendor_name": "policyloop"},
            "log_name": entry.log,
            "sequence": entry.seq,
            "correlation_uid": str(record.get("session", "")),
        },
        "unmapped": {"record": record, "leaf": leaf_hash(entry.body).hex()},
    }


def _of_class(record: dict[str, Any]) -> dict[str, Any]:
    tool = str(record.get("tool", ""))
    if record.get("decision") == "deny":
        return _finding(record)
    if tool in _SHELLS:
        return _process(record)
    if tool in _FILES:
        return _file(record, _FILES[tool])
    return _api(record)


def _process(record: dict[str, Any]) -> dict[str, Any]:
    command = str(_object(record.get("input")).get("command", ""))
    programs = _object(record.get("effects")).get("programs")
    name = str(programs[0]) if isinstance(programs, list) and programs else str(record.get("tool"))
    return {
        "category_uid": 1,
        "class_uid": 1007,
        "activity_id": 1,
        "actor": _actor(record),
        "device": _DEVICE,
        "process": {
            "uid": str(record.get("id", "")),
            "name": name,
            "cmd_line": command,
            "working_directory": str(record.get("cwd", "")),
        },
    }


def _file(record: dict[str, Any], activity: int) -> dict[str, Any]:
    places = places_of(record)
    path = places[-1] if places else str(record.get("cwd") or "unknown")
    return {
        "category_uid": 1,
        "class_uid": 1001,
        "activity_id": activity,
        "actor": _actor(record),
        "device": _DEVICE,
        "file": {"name": path.rsplit("/", 1)[-1] or path, "path": path, "type_id": 0},
    }


def _api(record: dict[str, Any]) -> dict[str, Any]:
    server = str(record.get("mcp_server") or record.get("front") or "")
    return {
        "category_uid": 6,
        "class_uid": 6003,
        "activity_id": 99,
        "activity_name": str(record.get("event", "")),
        "actor": _actor(record),
        "api": {"operation": str(record.get("tool") or record.get("event") or "unknown"), "service": {"name": server}},
        "src_endpoint": {"uid": str(record.get("session") or "unknown")},
    }


def _finding(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "category_uid": 2,
        "class_uid": FINDING,
        "activity_id": 1,
        "finding_info": {
            "uid": str(record.get("id", "")),
            "title": f"{record.get('tool') or record.get('event')} denied",
            "desc": str(record.get("reason", "")),
            "types": [str(record.get("rule") or "denied")],
        },
        "evidences": [{"actor": _actor(record), "ai_agent": _agent(record)}],
    }


_DEVICE = {"type_id": 0, "uid": "unknown"}
"""A decision point does not know the machine of the agent but by what that says itself."""


def _actor(record: dict[str, Any]) -> dict[str, Any]:
    who = _object(record.get("who"))
    roles = who.get("roles")
    user: dict[str, Any] = {"uid": str(who.get("subject", "unknown")), "name": str(who.get("subject", "unknown"))}
    if isinstance(roles, list) and roles:
        user["groups"] = [{"name": str(role)} for role in roles]
    return {"user": user, "session": {"uid": str(record.get("session", ""))}}


def _agent(record: dict[str, Any]) -> dict[str, Any]:
    agent = _object(record.get("agent"))
    return {
        "name": str(agent.get("kind") or "unknown"),
        "version": str(agent.get("version", "")),
        "instance_uid": str(record.get("subagent") or record.get("session") or "unknown"),
    }


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _milliseconds(time: str) -> int:
    try:
        return int(datetime.fromisoformat(time).timestamp() * 1000)
    except (ValueError, OverflowError):
        return 0
