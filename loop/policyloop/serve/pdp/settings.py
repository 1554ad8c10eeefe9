"""Which PDP the decision point asks: one over a directory, one with a configuration of its own, one that runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from policyloop.access.pdp.settings import Settings
from policyloop.validators.pinned import IMAGE, VERSION
from policyloop.validators.select import RunnerName


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How it is asked. `seconds` is the time limit of a call, `connections` the most that are open at once.

    `batch`: the most requests of one principal that become one call; 1 for none. `reply_bytes`: the most of a reply.
    `probe_seconds`: how often its health is looked at.
    """

    seconds: float = 2.0
    connections: int = 8
    batch: int = 50
    reply_bytes: int = 8 * 1_048_576
    probe_seconds: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDirectory:
    """We start the pinned Cerbos over copies of `policies`, each of which compiled and passed its tests.

    `strict`: a condition that ends in an error denies. `schemas`: `reject` denies what a JSON Schema of the bundle does
    not take, as the compiler's tests do. `decision_log`: a file to which Cerbos's own decision log goes, natively only.
    `look_seconds`: how often the directory is looked at; `start_seconds`: how long a compile and a start may each take.
    """

    policies: Path
    runner: RunnerName = "native"
    version: str = VERSION
    image: str = IMAGE
    strict: bool = True
    schemas: Literal["none", "reject"] = "reject"
    globals: Mapping[str, Any] = field(default_factory=dict)
    decision_log: Path | None = None
    look_seconds: float = 0.5
    start_seconds: float = 60.0
    asking: Asking = field(default_factory=Asking)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationFile:
    """We start the pinned Cerbos binary with its own configuration file; only where it listens is ours.

    `environment`: names of variables that Cerbos is given besides those that its stores are known to read.
    """

    config: Path
    version: str = VERSION
    environment: tuple[str, ...] = ()
    start_seconds: float = 60.0
    asking: Asking = field(default_factory=Asking)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningPdp:
    """A PDP that runs: `unix:/run/cerbos.sock`, `http://127.0.0.1:3592`, or `https://` with the CA's file (PEM)."""

    address: str
    ca: Path | None = None
    asking: Asking = field(default_factory=Asking)


PdpSettings = PolicyDirectory | ConfigurationFile | RunningPdp


def server_settings(settings: PolicyDirectory) -> Settings:
    """How the PDP is told to decide."""
    log = settings.decision_log
    return Settings(
        runner="docker" if settings.runner == "docker" else "native",
        version=settings.version,
        image=settings.image,
        timeout_seconds=settings.start_seconds,
        strict=settings.strict,
        schemas=settings.schemas,
        globals=settings.globals,
        readable=False,
        decision_log=str(log.absolute()) if log else "",
    )
