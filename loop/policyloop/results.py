"""What `check`, `guard` and `run` answer, and the JSON documents they publish (`policyloop schema NAME`)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from policyloop.access_report import AccessReport, Deciding, Reason
from policyloop.bundle import Bundle
from policyloop.errors import Exit
from policyloop.events import AskedQuestion, Attempted, Ended, RuleProof, Started, plain
from policyloop.findings import CompilerInfo, Report, Tally, Weakened
from policyloop.task import Usage, finding_to_json

if TYPE_CHECKING:
    from policyloop.spec import Gap, Spec


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
    def exit_code(self) -> Exit:
        """6 when tests are weaker than the baseline's, 3 when policies do not compile, 4 for tests alone, else 0."""
        return Exit.WEAKENED if self.weakened else self.report.exit_code

    @property
    def outcome(self) -> str:
        """`green`, `red` or `weakened`."""
        return {Exit.GREEN: "green", Exit.WEAKENED: "weakened"}.get(self.exit_code, "red")

    def to_json(self) -> dict[str, Any]:
        """The document of `check --format json`."""
        next_class = self.report.next_class
        return {
            "outcome": self.outcome,
            "exit_code": int(self.exit_code),
            "next_class": next_class.value if next_class else None,
            "findings": [finding_to_json(f) for f in self.report.findings],
            "assertions": assertions_to_json(self.report.tally, self.locked),
            "weakened": [asdict(w) for w in self.weakened],
            "luck": list(self.luck),
            "cerbos": asdict(self.report.compiler),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardResult:
    """The lock alone: `locked` assertions of the baseline, those that the candidate weakens, what a person released."""

    locked: int
    weakened: tuple[Weakened, ...]
    released: tuple[str, ...] = ()

    @property
    def exit_code(self) -> Exit:
        """0 kept, 6 weakened."""
        return Exit.WEAKENED if self.weakened else Exit.GREEN

    def to_json(self) -> dict[str, Any]:
        """The document of `guard --format json`."""
        return {
            "outcome": "weakened" if self.weakened else "kept",
            "exit_code": int(self.exit_code),
            "locked": self.locked,
            "weakened": [asdict(w) for w in self.weakened],
            "released": list(self.released),
        }


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
    def exit_code(self) -> Exit:
        """0 not wider, 7 wider, 5 where a person must look at what was not covered."""
        if self.access.wider:
            return Exit.WIDER
        return Exit.PERSON if self.access.uncovered and self.unproved != "report" else Exit.GREEN

    @property
    def outcome(self) -> str:
        """`kept`, `wider` or `person`."""
        return {Exit.WIDER: "wider", Exit.PERSON: "person"}.get(self.exit_code, "kept")

    def to_json(self) -> dict[str, Any]:
        """The document of `diff --format json`."""
        return {
            "outcome": self.outcome,
            "exit_code": int(self.exit_code),
            "old": self.old,
            "new": self.new,
            **access_to_json(self.access),
            "cerbos": asdict(self.cerbos),
        }


def access_to_json(access: AccessReport) -> dict[str, Any]:
    """What changed in access, as in `diff` and under `access` of `run`; no result where nothing was compared."""
    return {
        "result": access.result if access.skipped is None else None,
        "totals": asdict(access.count),
        "reasons": [_reason_to_json(one) for one in access.reasons],
        "rules": [{**asdict(one), "why": list(one.why)} for one in access.rules],
        "requests": access.requests,
        "complete": access.complete,
        "seed": access.seed,
        "moment": access.moment,
        "proofs": asdict(access.proofs) if access.proofs else None,
        "notes": list(access.notes),
        "skipped": access.skipped,
    }


def _reason_to_json(one: Reason) -> dict[str, Any]:
    return {
        "direction": one.direction,
        "resource": one.resource,
        "action": one.action,
        "roles": list(one.roles),
        "request": plain(one.request),
        "before": {"effect": one.before, **_deciding_to_json(one.was)},
        "after": {"effect": one.after, **_deciding_to_json(one.now_is)},
        "engine": one.engine,
        "strict": one.strict,
        "schemas": one.schemas,
        "now": one.now,
        "asked_for": one.asked_for,
    }


def _deciding_to_json(one: Deciding) -> dict[str, Any]:
    return {"policy": one.policy or None, "rule": one.rule or None, "file": one.file, "line": one.line}


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecResult:
    """A spec as it stands in the file `path`."""

    path: str
    spec: "Spec"

    def to_json(self) -> dict[str, Any]:
        """The document of `spec show --format json`."""
        return {
            "outcome": "shown",
            "exit_code": int(Exit.GREEN),
            "path": self.path,
            "confirmed": self.spec.is_confirmed,
            "digest": self.spec.digest,
            "spec": self.spec.plain(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecCheck:
    """A spec held against what makes one complete: every gap, in the order of its sections."""

    path: str
    spec: "Spec"
    gaps: tuple["Gap", ...]

    @property
    def outcome(self) -> str:
        """`complete`, `person` (a contradiction, or nothing but open questions) or `gaps`."""
        if not self.gaps:
            return "complete"
        open_only = all(gap.code == "open-question" for gap in self.gaps)
        return "person" if open_only or any(gap.contradiction for gap in self.gaps) else "gaps"

    @property
    def exit_code(self) -> Exit:
        """0 complete, 5 only a person can settle it, 2 something is missing."""
        return {"complete": Exit.GREEN, "person": Exit.PERSON}.get(self.outcome, Exit.USAGE)

    def to_json(self) -> dict[str, Any]:
        """The document of `spec check --format json`."""
        return {
            "outcome": self.outcome,
            "exit_code": int(self.exit_code),
            "path": self.path,
            "confirmed": self.spec.is_confirmed,
            "gaps": [asdict(gap) for gap in self.gaps],
        }


def run_to_json(started: Started, attempts: Sequence[Attempted], ended: Ended) -> dict[str, Any]:
    """The document of `run --format json`, and of `show --format json` for the same run."""
    return {
        "outcome": ended.ending.value,
        "exit_code": ended.exit_code,
        "stopped_by": ended.stopped_by,
        "message": ended.message,
        "run": started.run,
        "cycles": ended.cycles,
        "attempts": [_attempt_to_json(a) for a in attempts],
        "findings": [finding_to_json(f) for f in ended.findings],
        "diff": ended.diff,
        "files_changed": list(ended.files_changed),
        "patch": ended.patch,
        "released": list(ended.released),
        "spec": asdict(ended.spec) if ended.spec else None,
        "questions": [_question_to_json(q) for q in ended.questions],
        "assumptions": list(ended.assumptions),
        "changes": list(ended.changes),
        "contradictions": [asdict(c) for c in ended.contradictions],
        "access": access_to_json(ended.access) if ended.access else None,
        "rules": [_rule_to_json(r) for r in ended.rules],
        "assertions": assertions_to_json(ended.tally, ended.locked),
        "usage": usage_to_json(ended.spent.usage),
        "cerbos": asdict(started.compiler),
    }


def _question_to_json(question: AskedQuestion) -> dict[str, Any]:
    return {**asdict(question), "options": [asdict(option) for option in question.options]}


def _rule_to_json(rule: RuleProof) -> dict[str, Any]:
    decisions = [{**asdict(one), "assertions": [asdict(a) for a in one.assertions]} for one in rule.decisions]
    return {"rule": rule.rule, "file": rule.file, "line": rule.line, "tested": rule.tested, "decisions": decisions}


def _attempt_to_json(attempt: Attempted) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "stage": attempt.stage,
        "class": attempt.error_class.value if attempt.error_class else None,
        "findings": [finding_to_json(f) for f in attempt.findings],
        "edits": list(attempt.edits),
        "note": attempt.note,
        "refusal": attempt.refusal,
        "weakened": [asdict(w) for w in attempt.weakened],
        "dispute": asdict(attempt.dispute) if attempt.dispute else None,
        "progress": attempt.progress,
        "usage": usage_to_json(attempt.usage),
        "seconds": round(attempt.seconds, 3),
    }


def assertions_to_json(tally: Tally, locked: int) -> dict[str, int]:
    """Counts of the normal pass, and how many assertions the lock holds."""
    return {"ran": tally.ran, "passed": tally.passed, "skipped": tally.skipped, "locked": locked}


def usage_to_json(usage: Usage) -> dict[str, float]:
    """What model calls cost."""
    return {**asdict(usage), "usd": round(usage.usd, 6)}
