"""What `check`, `guard`, `diff` and `spec` answer: the views say it, and `policyloop.documents` publishes it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from policyloop.access_report import AccessReport
from policyloop.bundle import Bundle
from policyloop.errors import Exit
from policyloop.findings import CompilerInfo, Report, Weakened

if TYPE_CHECKING:
    from policyloop.specification import Gap, Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One validation, explained. `locked` counts the assertions of the baseline, 0 without one."""

    policies: str
    bundle: Bundle
    report: Report
    locked: int = 0
    weakened: tuple[Weakened, ...] = ()
    luck: tuple[str, ...] = ()
    """Why a test that passes may be luck, a sentence each."""

    @property
    def exit_code(self) -> Literal[Exit.GREEN, Exit.COMPILE, Exit.TESTS, Exit.WEAKENED, Exit.ENVIRONMENT]:
        """6 when tests are weaker than the baseline's, else as the report has it."""
        return Exit.WEAKENED if self.weakened else self.report.exit_code

    @property
    def outcome(self) -> Literal["green", "red", "weakened"]:
        """In a word."""
        if self.weakened:
            return "weakened"
        return "green" if self.report.green else "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardResult:
    """The lock alone: `locked` assertions of the baseline, those that the candidate weakens, what a person released."""

    locked: int
    weakened: tuple[Weakened, ...]
    released: tuple[str, ...] = ()

    @property
    def exit_code(self) -> Literal[Exit.GREEN, Exit.WEAKENED]:
        """0 kept, 6 weakened."""
        return Exit.WEAKENED if self.weakened else Exit.GREEN

    @property
    def outcome(self) -> Literal["kept", "weakened"]:
        """In a word."""
        return "weakened" if self.weakened else "kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffResult:
    """Access under two bundles, by the names that they were given with."""

    old: str
    new: str
    access: AccessReport
    cerbos: CompilerInfo
    unproved: Literal["report", "ask", "fail"] = "report"
    """What to do about changed rules that were not covered: to tell them, or to leave them to a person."""

    @property
    def exit_code(self) -> Literal[Exit.GREEN, Exit.PERSON, Exit.WIDER]:
        """0 not wider, 7 wider, 5 where a person must look at what was not covered."""
        if self.access.wider:
            return Exit.WIDER
        return Exit.PERSON if self.access.uncovered and self.unproved != "report" else Exit.GREEN

    @property
    def outcome(self) -> Literal["kept", "wider", "person"]:
        """In a word."""
        if self.access.wider:
            return "wider"
        return "person" if self.exit_code is Exit.PERSON else "kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecResult:
    """A spec as it stands in the file `path`. `changes`: what is new or other in it than before, if that is known."""

    path: str
    spec: "Spec"
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecCheck:
    """A spec held against what makes one complete: every gap, in the order of its sections."""

    path: str
    spec: "Spec"
    gaps: tuple["Gap", ...]
    notes: tuple[str, ...] = ()
    """What is no gap and a person should know: releases that let nothing go."""

    @property
    def outcome(self) -> Literal["complete", "person", "gaps"]:
        """`person`: there is a contradiction, or nothing is left but open questions."""
        if not self.gaps:
            return "complete"
        open_only = all(gap.code == "open-question" for gap in self.gaps)
        return "person" if open_only or any(gap.contradiction for gap in self.gaps) else "gaps"

    @property
    def exit_code(self) -> Literal[Exit.GREEN, Exit.USAGE, Exit.PERSON]:
        """0 complete, 5 only a person can settle it, 2 something is missing."""
        match self.outcome:
            case "complete":
                return Exit.GREEN
            case "person":
                return Exit.PERSON
        return Exit.USAGE
