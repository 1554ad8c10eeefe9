"""The documents of `spec show` and `spec check`, and what the answers to a run's questions look like."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from annotated_types import MinLen

from policyloop.errors import Exit
from policyloop.results import SpecCheck, SpecResult
from policyloop.shape import Given
from policyloop.specification import Gap, spec_schema

Answers = Annotated[
    Mapping[str, Annotated[str, MinLen(1)]],
    "What `--answers FILE` holds: the id of a question, and the id of an option or an answer in words.",
]


def _form() -> dict[str, Any]:
    """The schema of a spec, without its heading."""
    whole = spec_schema()
    return {name: whole[name] for name in ("type", "properties", "required", "additionalProperties", "$defs")}


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecShowDocument:
    """What `policyloop spec show --format json` prints."""

    outcome: Literal["shown"] = "shown"
    exit_code: Literal[Exit.GREEN] = Exit.GREEN
    path: str
    confirmed: bool
    digest: str
    spec: Annotated[Mapping[str, Any], Given(_form)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecCheckDocument:
    """What `policyloop spec check --format json` prints."""

    outcome: Literal["complete", "person", "gaps"]
    exit_code: Literal[Exit.GREEN, Exit.USAGE, Exit.PERSON]
    path: str
    confirmed: bool
    gaps: tuple[Gap, ...]
    notes: tuple[str, ...]
    """Releases that let nothing go."""


def spec_document(result: SpecResult) -> SpecShowDocument:
    """A spec, whole."""
    spec = result.spec
    return SpecShowDocument(path=result.path, confirmed=spec.is_confirmed, digest=spec.digest, spec=spec.plain())


def spec_check_document(result: SpecCheck) -> SpecCheckDocument:
    """The gaps of a spec."""
    return SpecCheckDocument(
        outcome=result.outcome,
        exit_code=result.exit_code,
        path=result.path,
        confirmed=result.spec.is_confirmed,
        gaps=result.gaps,
        notes=result.notes,
    )
