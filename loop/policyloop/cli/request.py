"""What `policyloop run` and `policyloop demo` ask of a run."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a person asked of `policyloop run`."""

    words: str = ""
    policies: Path | None = None
    release: Path | None = None
    config: Path | None = None
    profile: str | None = None
    state: Path | None = None
    resume: str | None = None
    junit: Path | None = None
    spec: Path | None = None
    no_spec: bool = False
    answers: Path | None = None
    assume: bool = False
    yes: bool = False
    by: str | None = None
    interactive: bool = False
    flags: dict[str, dict[str, object]] = field(default_factory=dict)
