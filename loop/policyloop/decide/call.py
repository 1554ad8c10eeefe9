"""A call: what an agent is about to do, as any front hands it over. Frozen; knows no HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Verified = Literal["certificate", "token", "key", "header", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who asks, and how that was verified. `reported` is what the client says of itself: recorded, never believed."""

    subject: str = "unknown"
    roles: tuple[str, ...] = ()
    verified: Verified = "none"
    claims: Mapping[str, Any] = field(default_factory=dict)
    reported: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call. Texts are empty where the front does not know; `received` is seconds since 1970."""

    event: str
    tool: str = ""
    input: Mapping[str, Any] = field(default_factory=dict)
    """As the client sent it: never trusted to have the right types."""
    id: str = ""
    front: str = ""
    agent: str = ""
    agent_version: str = ""
    session: str = ""
    subagent: str = ""
    cwd: str = ""
    home: str = ""
    """The caller's home directory, where a front on the same machine knows it."""
    mode: str = ""
    mcp_server: str = ""
    identity: Identity = field(default_factory=Identity)
    received: float = 0.0
