"""How a PDP is configured, and how that is told to it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from policyloop.access.ask.request import MAX_BATCH
from policyloop.validators.pinned import IMAGE, VERSION
from policyloop.validators.select import RunnerName

MOST_REQUEST_BYTES = 16 * 1_048_576
"""The most of one request; Cerbos takes 4 MiB unless it is told otherwise, and one tool call can be as long."""
Schemas = Literal["none", "reject"]

READER = "policyloop"
"""Name and password with which a server says how it reads its own policies. No secret: whoever reaches the server's
private socket may ask it everything anyway, and its store cannot be written."""
_READER_HASH = "JDJiJDA0JHBvbGljeWxvb3ByZWFkc2l0c2VsZi54UXZTclByZ0ZIdVZTUTduOVdGZ3lCWnNsbTFaV2U2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Which PDP, and how it decides.

    `strict`: a condition that ends in an error denies; otherwise its rule does nothing, as is the PDP's default.
    `schemas`: `reject` denies what a JSON Schema of the bundle does not take, as `cerbos compile` does in tests; a PDP
    that is not told otherwise does not look at them (`none`). `globals` are the `G` of conditions. `timeout_seconds`
    is for the start, and for each call. `readable`: it also says how it reads its policies, through its admin API.
    `decision_log`: the file to which it logs its decisions, none where that is empty.
    """

    runner: RunnerName = "auto"
    version: str = VERSION
    image: str = IMAGE
    timeout_seconds: float = 60.0
    strict: bool = False
    schemas: Schemas = "none"
    globals: Mapping[str, Any] = field(default_factory=dict)
    lenient_scope_search: bool = False
    readable: bool = True
    decision_log: str = ""


def server_config(settings: Settings, *, policies: str, http: str, grpc: str) -> str:
    """The server's configuration file: nothing is sent anywhere, nothing is watched, tokens are read, not verified."""
    return json.dumps(
        {
            "server": {
                "httpListenAddr": http,
                "grpcListenAddr": grpc,
                "metricsEnabled": False,
                "apiExplorerEnabled": False,
                "adminAPI": _admin(settings),
                "advanced": {"grpc": {"maxRecvMsgSizeBytes": MOST_REQUEST_BYTES}},
                "requestLimits": {"maxActionsPerResource": MAX_BATCH, "maxResourcesPerRequest": MAX_BATCH},
            },
            "storage": {"driver": "disk", "disk": {"directory": policies, "watchForChanges": False}},
            "telemetry": {"disabled": True},
            "audit": _audit(settings.decision_log),
            "schema": {"enforcement": settings.schemas},
            "auxData": {"jwt": {"disableVerification": True}},
            "engine": {
                "strictEvaluation": settings.strict,
                "lenientScopeSearch": settings.lenient_scope_search,
                "globals": dict(settings.globals),
                "celErrorLogLevel": "none",
            },
        }
    )


def _admin(settings: Settings) -> dict[str, Any]:
    if not settings.readable:
        return {"enabled": False}
    return {"enabled": True, "adminCredentials": {"username": READER, "passwordHash": _READER_HASH}}


def _audit(path: str) -> dict[str, Any]:
    if not path:
        return {"enabled": False}
    kinds = {"accessLogsEnabled": False, "decisionLogsEnabled": True}
    return {"enabled": True, "backend": "file", **kinds, "file": {"path": path}}
