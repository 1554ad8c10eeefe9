"""The document of `doctor`."""

from dataclasses import dataclass
from typing import Literal

from policyloop.errors import Exit
from policyloop.validators.probe import Diagnosis, Found


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorDocument:
    """What `policyloop doctor --format json` prints."""

    outcome: Literal["ready", "missing"]
    exit_code: Literal[Exit.GREEN, Exit.ENVIRONMENT]
    found: tuple[Found, ...]


def doctor_document(diagnosis: Diagnosis) -> DoctorDocument:
    """What is here and what is missing."""
    if diagnosis.usable:
        return DoctorDocument(outcome="ready", exit_code=Exit.GREEN, found=diagnosis.found)
    return DoctorDocument(outcome="missing", exit_code=Exit.ENVIRONMENT, found=diagnosis.found)
