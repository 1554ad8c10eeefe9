"""The document of `mutate`."""

from dataclasses import dataclass, field
from typing import Literal, cast

from policyloop.access.mutate import MutateResult
from policyloop.access.mutate.mutants import Mutant
from policyloop.access.mutate.result import Survivor
from policyloop.access.mutate.search import Witness
from policyloop.documents.access import Effect, RequestJson, request_json
from policyloop.errors import Exit
from policyloop.findings import CompilerInfo
from policyloop.shape import SPREAD, Count


@dataclass(frozen=True, slots=True, kw_only=True)
class MutantDocument:
    """A mutant that is no bundle."""

    operator: str
    file: str
    line: Count
    where: str
    change: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MutantWitnessDocument:
    """The request that shows it, its moment, and what the bundle and the mutant say."""

    request: RequestJson
    now: str
    strict: bool
    effect: Effect
    mutated: Effect


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivorDocument:
    """A mutant that no test noticed. Without a witness: proved to be like the original, or not told apart."""

    mutant: MutantDocument = field(metadata=SPREAD)
    witness: MutantWitnessDocument | None
    alike: Literal["proved", "asked"] | None
    asked: Count
    proved: Count
    """For so many principals with an action no resource whatsoever tells them apart."""
    test: str | None
    """A suite with the test that would have noticed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MutantsDocument:
    """How many there were."""

    made: Count
    killed: Count
    survived: Count
    """Unnoticed, and a request shows it."""
    untold: Count
    """Unnoticed, and no request that was asked shows it; they count as well."""
    proved: Count
    """Proved to be like the original; they do not count."""
    invalid: Count
    untried: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class MutateDocument:
    """What `policyloop mutate --format json` prints; for a bundle that is not green, what `check` prints."""

    outcome: Literal["done", "below", "cut off"]
    exit_code: Literal[Exit.GREEN, Exit.TESTS, Exit.ENVIRONMENT, Exit.INTERRUPTED]
    score: Count | None
    """Killed, in percent of all but the invalid and those proved to be alike."""
    min_score: Count | None
    cut_off: str | None
    """Why not all was done; what is told is then about those that were tried."""
    mutants: MutantsDocument
    survivors: tuple[SurvivorDocument, ...]
    invalid: tuple[MutantDocument, ...]
    unread: tuple[str, ...]
    """Where a policy was not read with certainty, so that mutants may be missing."""
    seed: Count
    cerbos: CompilerInfo


def mutate_document(result: MutateResult) -> MutateDocument:
    """How many mutants were noticed, and those that were not."""
    return MutateDocument(
        outcome=result.outcome,
        exit_code=result.exit_code,
        score=result.score,
        min_score=result.min_score,
        cut_off=result.cut_off.because if result.cut_off else None,
        mutants=MutantsDocument(
            made=result.made,
            killed=result.killed,
            survived=len(result.shown),
            untold=len(result.untold),
            proved=len(result.proved),
            invalid=len(result.invalid),
            untried=result.made - result.tried,
        ),
        survivors=tuple(_survivor(survivor) for survivor in result.survivors),
        invalid=tuple(_mutant(mutant) for mutant in result.invalid),
        unread=result.unread,
        seed=result.seed,
        cerbos=result.compiler,
    )


def _mutant(mutant: Mutant) -> MutantDocument:
    return MutantDocument(
        operator=mutant.operator, file=mutant.file, line=mutant.line, where=mutant.where, change=mutant.words
    )


def _survivor(survivor: Survivor) -> SurvivorDocument:
    return SurvivorDocument(
        mutant=_mutant(survivor.mutant),
        witness=_witness(survivor.witness) if survivor.witness else None,
        alike=survivor.alike,
        asked=survivor.asked,
        proved=survivor.proved,
        test=survivor.test,
    )


def _witness(witness: Witness) -> MutantWitnessDocument:
    return MutantWitnessDocument(
        request=request_json(witness.question.request.to_json()),
        now=witness.question.now,
        strict=witness.strict,
        effect=cast("Effect", witness.effect),
        mutated=cast("Effect", witness.mutated),
    )
