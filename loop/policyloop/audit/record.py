"""One decision, as it is recorded: who asked for what, what was answered and why. Secrets are taken out before.

    {"agent": {"kind", "version"}, "call", "cwd", "decision": "allow" | "ask" | "deny", "effects": {...}, "event",
     "front", "id", "input": {...}, "latency_us", "mcp_server", "mode": "observe" | "enforce", "pdp_call",
     "permission_mode", "policy": {"id", "version", "commit"}, "reason", "reported": {...}, "rewritten", "rule",
     "session", "subagent", "time", "tool", "trouble", "version": 1, "who": {"subject", "roles", "verified"},
     "would_be"}

What a text field does not know is empty, and `null` stands for nothing that could be there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from policyloop.audit.canonical import canonical, sound
from policyloop.decide.answer import Mode
from policyloop.decide.decision import Effect
from policyloop.redact import redact, redact_value
from policyloop.shape import to_json

VERSION = 1
"""Of the record's form."""
MOST_TEXT = 100_000
"""Characters of one text in a record; of a longer one the beginning is kept, and how long it was."""

_OURS = frozenset(("allow", "ask", "deny", "observe", "enforce", "none", "unknown", "PreToolUse", "Bash", "Read"))
"""Words that are no secret, whatever the environment holds, and that stand in nearly every record."""
_PLAIN_INPUT = frozenset(
    (
        "command",
        "command_name",
        "cwd",
        "description",
        "file_path",
        "file_path_list",
        "files",
        "glob",
        "host",
        "load_reason",
        "memory_type",
        "notebook_path",
        "output_mode",
        "path",
        "paths",
        "pattern",
        "query",
        "skill",
        "source",
        "subagent_type",
        "type",
        "url",
    )
)
"""Inputs that say what a call reaches. All other texts are content, which is kept only where that was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Who asked, as verified: `subject` is `unknown` where nobody was."""

    subject: str = "unknown"
    roles: tuple[str, ...] = ()
    verified: str = "none"
    """How: certificate, token, key, header, none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """The program that runs the tools."""

    kind: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What decided: its id (`resource.PreToolUse.vdefault`), the digest of all policies, the commit they came from."""

    id: str = ""
    version: str = ""
    commit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One decision. `time` is RFC 3339 in UTC with six digits, so that texts sort as moments do."""

    id: str
    time: str
    event: str
    tool: str
    decision: Effect
    front: str = ""
    call: str = ""
    """The agent's own id of the call (`tool_use_id`), by which its session files are held against the record."""
    who: Who = field(default_factory=Who)
    reported: Mapping[str, str] = field(default_factory=dict)
    """What the client said of itself: never believed."""
    agent: Agent = field(default_factory=Agent)
    session: str = ""
    subagent: str = ""
    cwd: str = ""
    permission_mode: str = ""
    mcp_server: str = ""
    effects: Mapping[str, Any] = field(default_factory=dict)
    """What the call would do, as the policy saw it."""
    input: Mapping[str, Any] = field(default_factory=dict)
    rewritten: bool = False
    """Whether the tool was run with another input than it was called with."""
    reason: str = ""
    trouble: str = ""
    """Why this is no policy's decision but a fault."""
    rule: str = ""
    policy: Policy = field(default_factory=Policy)
    mode: Mode = "enforce"
    would_be: Effect | None = None
    """The decision that was not enforced, because of the mode, or because a rule of it is on trial."""
    latency_us: int = 0
    """Microseconds from the question to the answer."""
    pdp_call: str | None = None
    """The decision point's own id of the call, with which its log is joined."""
    version: int = VERSION


def moment(seconds: float) -> str:
    """Seconds since 1970 as the time of a record. A clock beyond what a date holds is its last moment, or its first."""
    try:
        at = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        at = datetime.max.replace(tzinfo=UTC) if seconds > 0 else datetime.min.replace(tzinfo=UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f").rjust(26, "0") + "Z"


def encoded(record: Record, *, keep_content: bool = False) -> bytes:
    """The record as canonical JSON, without secrets, and without content unless that is kept. It always has a form."""
    plain = to_json(replace(record, input={}, reported={}, effects={}))
    fields: dict[str, Any] = {**sound(plain), "effects": _bounded(record.effects)}
    kept = record.input if keep_content else _bounded(record.input, without_content)
    by_key = {"input": _taken_out(_bounded(kept)), "reported": _taken_out(_bounded(record.reported))}
    return canonical({**_taken_out_of_texts(fields), **by_key})


def _bounded(value: Any, through: Callable[[Any], Any] = sound) -> Any:
    """What a client nested deeper than this program can follow is not recorded, and says so."""
    try:
        return through(value)
    except RecursionError:
        return {"unrecorded": "nested too deep"}


def without_content(value: Any, name: str = "") -> Any:
    """An input in which texts that are content are replaced by how long they are: `{"characters": 12}`."""
    if isinstance(value, Mapping):
        return {key: without_content(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_content(item, name) for item in value]
    if isinstance(value, str) and name not in _PLAIN_INPUT:
        return {"characters": len(value)}
    return value


def _taken_out(value: Any) -> Any:
    """Without secrets, texts also by their key. What cannot be searched for them says so instead."""
    try:
        return _cut(redact_value(value))
    except (ValueError, RecursionError) as error:
        return {"unrecorded": redact(str(error)) if isinstance(error, ValueError) else "nested too deep"}


def _taken_out_of_texts(fields: dict[str, Any]) -> dict[str, Any]:
    """Without secrets; the keys are ours. Each text is searched once, however often it stands there."""
    texts: dict[str, None] = {}
    try:
        _gather(fields, texts)
        said = dict(zip(texts, redact_value(list(texts)), strict=True))
        return {name: _cut(_put_back(value, said)) for name, value in fields.items()}
    except (ValueError, RecursionError):
        return {name: _taken_out(value) for name, value in fields.items()}


def _gather(value: Any, texts: dict[str, None]) -> None:
    if isinstance(value, str):
        if value and value not in _OURS:
            texts[value] = None
    elif isinstance(value, dict):
        for item in value.values():
            _gather(item, texts)
    elif isinstance(value, list):
        for item in value:
            _gather(item, texts)


def _put_back(value: Any, said: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return said.get(value, value)
    if isinstance(value, dict):
        return {name: _put_back(item, said) for name, item in value.items()}
    if isinstance(value, list):
        return [_put_back(item, said) for item in value]
    return value


def _cut(value: Any) -> Any:
    """Texts of a bounded length. They are cut after secrets were taken out: half of one is not recognised."""
    if isinstance(value, str):
        if len(value) <= MOST_TEXT:
            return value
        return f"{value[:MOST_TEXT]}… ({len(value)} characters)"
    if isinstance(value, dict):
        return {name: _cut(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_cut(item) for item in value]
    return value
