"""The document of a command that cannot begin."""

from dataclasses import dataclass
from typing import Literal

from policyloop.errors import Exit
from policyloop.next_command import Next

ErrorExit = Literal[Exit.FAULT, Exit.USAGE, Exit.PERSON, Exit.ENVIRONMENT, Exit.INTERRUPTED]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorDocument:
    """What any command with `--format json` prints when it cannot begin."""

    outcome: Literal["error"] = "error"
    exit_code: ErrorExit
    message: str
    next: tuple[Next, ...] = ()
    """What can be typed now."""
