"""The document of `harden`."""

from dataclasses import dataclass
from typing import Literal

from policyloop.errors import Exit
from policyloop.harden.drift import Drift
from policyloop.harden.plan import Hardened


@dataclass(frozen=True, slots=True, kw_only=True)
class HardenDocument:
    """What `policyloop harden --format json` prints."""

    outcome: Literal["in place", "hardened", "drift", "person"]
    exit_code: Literal[Exit.GREEN, Exit.FAULT, Exit.PERSON]
    path: str
    managed: bool
    written: bool
    diff: str
    """What is to be written, or was."""
    drift: tuple[Drift, ...]


def harden_document(result: Hardened) -> HardenDocument:
    """How `harden` ended."""
    return HardenDocument(
        outcome=result.outcome,
        exit_code=result.exit_code,
        path=result.plan.where.name,
        managed=result.plan.managed,
        written=result.written,
        diff=result.plan.diff,
        drift=result.drift,
    )
