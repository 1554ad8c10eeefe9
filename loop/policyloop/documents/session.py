"""The document of `session`."""

from dataclasses import dataclass
from typing import Literal, cast

from policyloop import budget as budgets
from policyloop.documents.judged import AssertionsDocument, assertions_document
from policyloop.errors import Exit
from policyloop.events import RuleProof
from policyloop.findings import ErrorClass, FindingDocument, Weakened, finding_document
from policyloop.session.answer import Answer
from policyloop.shape import Amount, Count

NextAction = Literal["FIX", "REFUSED", "GREEN", "STOP"]
Phase = Literal["open", "green", "accepted", "stopped", "ended"]
SessionExit = Literal[Exit.GREEN, Exit.USAGE, Exit.COMPILE, Exit.TESTS, Exit.PERSON, Exit.WEAKENED, Exit.ENVIRONMENT]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleDocument:
    """A rule of the spec: where it lives, and whether all of its assertions passed."""

    rule: str
    file: str | None
    line: Count | None
    tested: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftDocument:
    """What is left of each budget. Tokens and dollars are the agent's own, and not counted here."""

    attempts: Count
    cycles: Count
    refusals: Count
    seconds: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDocument:
    """What `policyloop session start, step, status, restore` and `end` print with `--format json`."""

    next: NextAction
    """The one thing to do now: mend the findings; take back what is refused; nothing more; report to the person."""
    message: str
    exit_code: SessionExit
    session: str
    phase: Phase
    policies: str
    spec: str | None
    request: str
    claude_session: str | None
    class_: ErrorClass | None
    """The class of all `findings`."""
    findings: tuple[FindingDocument, ...]
    more: Count
    """Findings of the class that are not spelled out."""
    refusal: str | None
    weakened: tuple[Weakened, ...]
    look_at: tuple[str, ...]
    """Files that matter to the findings, nearest first."""
    left: LeftDocument
    assertions: AssertionsDocument
    stopped_by: str | None
    released: tuple[str, ...]
    files_changed: tuple[str, ...]
    """Between the person's bundle and the one that was judged last."""
    changed_since: tuple[str, ...]
    """Between that and the directory as it is now."""
    restored: tuple[str, ...]
    assumptions: tuple[str, ...]
    rules: tuple[RuleDocument, ...]
    record: str
    """The folder with the session's ledger and snapshots."""


def session_document(answer: Answer) -> SessionDocument:
    """One answer of a session."""
    return SessionDocument(
        next=cast("NextAction", answer.next),
        message=answer.message,
        exit_code=cast("SessionExit", answer.exit_code),
        session=answer.session,
        phase=cast("Phase", answer.phase),
        policies=answer.policies,
        spec=answer.spec,
        request=answer.request,
        claude_session=answer.claude,
        class_=answer.error_class,
        findings=tuple(finding_document(finding) for finding in answer.findings),
        more=answer.more,
        refusal=answer.refusal,
        weakened=answer.weakened,
        look_at=answer.look_at,
        left=_left(answer),
        assertions=assertions_document(answer.tally, answer.locked),
        stopped_by=answer.stopped_by,
        released=answer.released,
        files_changed=answer.files_changed,
        changed_since=answer.changed_since,
        restored=answer.restored,
        assumptions=answer.assumptions,
        rules=tuple(_rule(rule) for rule in answer.rules),
        record=answer.record,
    )


def _left(answer: Answer) -> LeftDocument:
    left = budgets.left(answer.budget, answer.spent)
    return LeftDocument(
        attempts=left.attempts,
        cycles=left.cycles,
        refusals=max(0, answer.budget.refusals - answer.spent.refusals),
        seconds=round(left.seconds, 1),
    )


def _rule(rule: RuleProof) -> RuleDocument:
    return RuleDocument(rule=rule.rule, file=rule.file, line=rule.line, tested=rule.tested)
