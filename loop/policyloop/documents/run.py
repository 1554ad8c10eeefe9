"""The document of `run`, which `show` prints for the same run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

from policyloop.documents.access import AccessDocument, access_document
from policyloop.documents.judged import AssertionsDocument, assertions_document
from policyloop.errors import Exit
from policyloop.events import (
    Against,
    AskedQuestion,
    Attempted,
    DecisionProof,
    Ended,
    LookedFor,
    RuleProof,
    SpecUsed,
    Started,
    Unsaid,
)
from policyloop.findings import CompilerInfo, ErrorClass, FindingDocument, Weakened, finding_document
from policyloop.next_command import Next
from policyloop.outcome import Ending
from policyloop.protocol import DisputeJson, EditJson, dispute_to_json
from policyloop.shape import Amount, Count
from policyloop.task import Stage
from policyloop.usage import Usage

RunExit = Literal[
    Exit.GREEN,
    Exit.USAGE,
    Exit.COMPILE,
    Exit.TESTS,
    Exit.PERSON,
    Exit.WEAKENED,
    Exit.WIDER,
    Exit.ENVIRONMENT,
    Exit.INTERRUPTED,
]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageDocument:
    """What model calls cost."""

    input_tokens: Count
    output_tokens: Count
    cache_read_tokens: Count
    cache_write_tokens: Count
    usd: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptDocument:
    """One turn of the loop. `class` is null when there was nothing to fix but the request."""

    number: Count
    stage: Stage
    class_: ErrorClass | None
    findings: tuple[FindingDocument, ...]
    edits: tuple[EditJson, ...]
    note: str
    refusal: str | None
    weakened: tuple[Weakened, ...]
    dispute: DisputeJson | None
    progress: bool
    usage: UsageDocument
    seconds: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleProofDocument:
    """A rule of the spec: where it lives, and what tests it."""

    rule: str
    file: str | None
    line: Count | None
    tested: bool
    decisions: tuple[DecisionProof, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDocument:
    """What `policyloop run --format json` prints."""

    outcome: Ending
    exit_code: RunExit
    stopped_by: str | None
    message: str
    run: str
    cycles: Count
    attempts: tuple[AttemptDocument, ...]
    findings: tuple[FindingDocument, ...]
    diff: str
    files_changed: tuple[str, ...]
    patch: str | None
    released: tuple[str, ...]
    spec: SpecUsed | None
    questions: tuple[AskedQuestion, ...]
    assumptions: tuple[str, ...]
    changes: tuple[str, ...]
    """What the run changed in a spec that was there, in sentences."""
    contradictions: tuple[Against, ...]
    access: AccessDocument | None
    unsaid: tuple[Unsaid, ...]
    """What no decision of the spec says, in plain words; at most five."""
    looked_for: LookedFor | None
    """How it was looked for; null where it was not."""
    rules: tuple[RuleProofDocument, ...]
    assertions: AssertionsDocument
    usage: UsageDocument
    cerbos: CompilerInfo
    next: tuple[Next, ...]
    """What a person can type now, whole commands."""


def run_document(started: Started, attempts: Sequence[Attempted], ended: Ended) -> RunDocument:
    """A run that has ended."""
    return RunDocument(
        outcome=ended.ending,
        exit_code=cast("RunExit", ended.exit_code),  # an int, from a ledger
        stopped_by=ended.stopped_by,
        message=ended.message,
        run=started.run,
        cycles=ended.cycles,
        attempts=tuple(_attempt(attempt) for attempt in attempts),
        findings=tuple(finding_document(finding) for finding in ended.findings),
        diff=ended.diff,
        files_changed=ended.files_changed,
        patch=ended.patch,
        released=ended.released,
        spec=ended.spec,
        questions=ended.questions,
        assumptions=ended.assumptions,
        changes=ended.changes,
        contradictions=ended.contradictions,
        access=access_document(ended.access) if ended.access else None,
        unsaid=ended.unsaid,
        looked_for=ended.looked_for,
        rules=tuple(_rule(rule) for rule in ended.rules),
        assertions=assertions_document(ended.tally, ended.locked),
        usage=_usage(ended.spent.usage),
        cerbos=started.compiler,
        next=ended.next,
    )


def _attempt(attempt: Attempted) -> AttemptDocument:
    return AttemptDocument(
        number=attempt.number,
        stage=attempt.stage,
        class_=attempt.error_class,
        findings=tuple(finding_document(finding) for finding in attempt.findings),
        edits=cast("tuple[EditJson, ...]", attempt.edits),
        note=attempt.note,
        refusal=attempt.refusal,
        weakened=attempt.weakened,
        dispute=dispute_to_json(attempt.dispute) if attempt.dispute else None,
        progress=attempt.progress,
        usage=_usage(attempt.usage),
        seconds=round(attempt.seconds, 3),
    )


def _rule(rule: RuleProof) -> RuleProofDocument:
    return RuleProofDocument(
        rule=rule.rule, file=rule.file, line=rule.line, tested=rule.tested, decisions=rule.decisions
    )


def _usage(usage: Usage) -> UsageDocument:
    return UsageDocument(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        usd=round(usage.usd, 6),
    )
