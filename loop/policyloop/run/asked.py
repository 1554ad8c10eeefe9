"""What `policyloop run` and `policyloop demo` ask of a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person asked of `policyloop run`: each field is the option of that name."""

    words: str = ""
    policies: Path | None = None
    release: Path | None = None
    keep: bool = False
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
    flags: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Settings that stand above the configuration file's: section, then name, then value; None where none was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the person said on the command line about the spec."""

    answers: Mapping[str, str]
    """The id of a question -> the id of an option, or words."""
    assume: bool = False
    yes: bool = False
    """Whether it counts as a person's yes: under an agent `--yes` does not."""
    by: str | None = None
