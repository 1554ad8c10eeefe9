"""The document of a command that cannot begin."""

from dataclasses import dataclass
from typing import Literal

from policyloop.errors import Exit

ErrorExit = Literal[Exit.FAULT, Exit.USAGE, Exit.PERSON, Exit.ENVIRONMENT, Exit.INTERRUPTED]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorDocument:
    """What any command with `--format json` prints when it cannot begin."""

    outcome: Literal["error"] = "error"
    exit_code: ErrorExit
    message: str
