"""The document of `lint`."""

from dataclasses import dataclass
from typing import Annotated, Literal, cast

from policyloop.access.lint import CODES, FailOn, Hole, Level, LintResult, Shown
from policyloop.documents.access import Effect, RequestJson, request_json
from policyloop.errors import Exit
from policyloop.findings import CompilerInfo
from policyloop.shape import Count, OneOf


@dataclass(frozen=True, slots=True, kw_only=True)
class HoleWitnessDocument:
    """A request that shows it, its moment, the answer, and who gave that answer."""

    request: RequestJson
    now: str
    effect: Effect
    because: str
    confirmed_by: Literal["engine", "server"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HoleDocument:
    """One thing that compiles and that people rarely mean. Lines and columns count from 1."""

    level: Level
    code: Annotated[str, OneOf(tuple(CODES))]
    file: str
    line: Count | None
    column: Count | None
    message: str
    excerpt: str | None
    why: tuple[str, ...]
    witness: HoleWitnessDocument | None
    asked: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class LintDocument:
    """What `policyloop lint --format json` prints; for a bundle that does not compile, what `check` prints."""

    outcome: Literal["clean", "holes"]
    exit_code: Literal[Exit.GREEN, Exit.TESTS]
    fail_on: FailOn
    findings: tuple[HoleDocument, ...]
    asked: Count
    unasked: tuple[str, ...]
    """What was not looked at."""
    cerbos: CompilerInfo


def lint_document(result: LintResult) -> LintDocument:
    """Everything that was found."""
    return LintDocument(
        outcome=result.outcome,
        exit_code=result.exit_code,
        fail_on=result.fail_on,
        findings=tuple(_hole(hole) for hole in result.holes),
        asked=result.asked,
        unasked=result.unasked,
        cerbos=result.compiler,
    )


def _hole(hole: Hole) -> HoleDocument:
    return HoleDocument(
        level=hole.level,
        code=hole.code,
        file=hole.file,
        line=hole.line,
        column=hole.column,
        message=hole.message,
        excerpt=hole.excerpt,
        why=hole.why,
        witness=_witness(hole.witness) if hole.witness else None,
        asked=hole.asked,
    )


def _witness(shown: Shown) -> HoleWitnessDocument:
    return HoleWitnessDocument(
        request=request_json(shown.question.request.to_json()),
        now=shown.question.now,
        effect=cast("Effect", shown.effect),
        because=shown.because,
        confirmed_by=shown.confirmed_by,
    )
