"""One run of `cerbos compile`, and what it takes to make one. The runners in `policyloop.validators` keep to this."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from policyloop.bundle import Bundle
from policyloop.findings import CompilerInfo

MAX_OUTPUT_BYTES = 64 * 1_048_576
"""The most of one stream that is kept; a compiler that writes more is ended."""


class Trouble(Enum):
    """Why a run of the compiler says nothing that can be believed: it went beyond one of our limits."""

    TIMEOUT = "timeout"
    FLOOD = "flood"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompilerRun:
    """What one `cerbos compile --output json` left behind. `exit_code` is None when it was ended by us."""

    exit_code: int | None
    stdout: bytes
    stderr: str
    seconds: float
    trouble: Trouble | None = None


class Staged(Protocol):
    """A bundle laid out where the compiler can read it."""

    def compile(self, *, strict: bool = False, verbose: bool = False, filters: Sequence[str] = ()) -> CompilerRun:
        """Run `cerbos compile --output json`, with `--strict-evaluation`, `--verbose`, `--test-filter` as asked.

        May be called from two threads at once. Never raises for what the compiler does; raises `Unavailable` when
        the engine or the binary is gone.
        """
        ...


class Runner(Protocol):
    """A way to run the pinned compiler."""

    info: CompilerInfo

    def stage(self, bundle: Bundle) -> AbstractContextManager[Staged]:
        """Lay `bundle` out for any number of compiles. The person's own files are never what the compiler reads."""
        ...

    def close(self) -> None: ...


def compile_arguments(directory: str, *, strict: bool, verbose: bool, filters: Sequence[str]) -> list[str]:
    """The command line after the binary's name."""
    flags = ["--strict-evaluation"] * strict + ["--verbose"] * verbose
    return ["compile", "--output=json", "--no-color", *flags, *(f"--test-filter={f}" for f in filters), directory]
