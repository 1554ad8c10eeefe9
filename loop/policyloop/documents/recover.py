"""The document of `recover`."""

from dataclasses import dataclass
from typing import Literal

from policyloop.errors import Exit


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverDocument:
    """What `policyloop recover --format json` prints. `files_changed`: what the write-back wrote."""

    outcome: Literal["recovered", "nothing"]
    exit_code: Literal[Exit.GREEN] = Exit.GREEN
    files_changed: tuple[str, ...]
