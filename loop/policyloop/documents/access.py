"""The document of `diff`, and what changed in access as it stands in the document of a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NotRequired, TypedDict, cast

from policyloop.access_report import AccessReport, ChangedRule, Deciding, Direction, Engine, Proofs, Reason, Totals
from policyloop.errors import Exit
from policyloop.findings import CompilerInfo
from policyloop.results import DiffResult
from policyloop.shape import SPREAD, Count, to_json

Effect = Literal["EFFECT_ALLOW", "EFFECT_DENY"]


class PrincipalJson(TypedDict):
    """Who asks."""

    id: str
    roles: list[str]
    attr: NotRequired[Mapping[str, Any]]
    policyVersion: NotRequired[str]
    scope: NotRequired[str]


class ResourceJson(TypedDict):
    """What is asked for."""

    kind: str
    id: str
    attr: NotRequired[Mapping[str, Any]]
    policyVersion: NotRequired[str]
    scope: NotRequired[str]


class AuxDataJson(TypedDict):
    """The claims of a token."""

    jwt: Mapping[str, Any]


class RequestJson(TypedDict):
    """What the PDP is asked, as it takes it."""

    principal: PrincipalJson
    resource: ResourceJson
    action: str
    auxData: NotRequired[AuxDataJson]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedDocument:
    """A decision, and the rule that made it."""

    effect: Effect
    policy: str | None
    rule: str | None
    file: str | None
    line: Count | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonDocument:
    """One change in access, with the smallest request found that shows it, confirmed on both PDPs."""

    direction: Direction
    resource: str
    action: str
    roles: tuple[str, ...]
    request: RequestJson
    before: DecidedDocument
    """The decision before, and the rule that made it."""
    after: DecidedDocument
    """The decision after, and the rule that makes it."""
    engine: Engine
    strict: bool
    schemas: Literal["none", "reject"]
    now: str | None
    """The moment at which it shows, where that is not now."""
    asked_for: str | None
    """The rule that accepts it: of the spec, or named by a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessDocument:
    """What changed in access, compared once after green."""

    result: Literal["PASS", "FAIL"] | None
    totals: Totals
    reasons: tuple[ReasonDocument, ...]
    rules: tuple[ChangedRule, ...]
    requests: Count
    """How many requests both bundles answered."""
    complete: bool
    """Whether all that were planned fitted into the bound."""
    seed: int
    moment: str
    proofs: Proofs | None
    notes: tuple[str, ...]
    skipped: str | None
    """Why nothing was compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffDocument:
    """What `policyloop diff --format json` prints; for a bundle that does not compile, what `check` prints."""

    outcome: Literal["kept", "wider", "person"]
    exit_code: Literal[Exit.GREEN, Exit.PERSON, Exit.WIDER]
    old: str
    new: str
    access: AccessDocument = field(metadata=SPREAD)
    cerbos: CompilerInfo


def diff_document(result: DiffResult) -> DiffDocument:
    """Access under two bundles."""
    return DiffDocument(
        outcome=result.outcome,
        exit_code=result.exit_code,
        old=result.old,
        new=result.new,
        access=access_document(result.access),
        cerbos=result.cerbos,
    )


def access_document(access: AccessReport) -> AccessDocument:
    """What changed in access; no result where nothing was compared."""
    return AccessDocument(
        result=access.result if access.skipped is None else None,
        totals=access.count,
        reasons=tuple(_reason(reason) for reason in access.reasons),
        rules=access.rules,
        requests=access.requests,
        complete=access.complete,
        seed=access.seed,
        moment=access.moment,
        proofs=access.proofs,
        notes=access.notes,
        skipped=access.skipped,
    )


def request_json(request: object) -> RequestJson:
    """A request that is JSON already: as `Request.to_json` wrote it, or a ledger kept it."""
    return cast("RequestJson", to_json(request))


def _reason(reason: Reason) -> ReasonDocument:
    return ReasonDocument(
        direction=reason.direction,
        resource=reason.resource,
        action=reason.action,
        roles=reason.roles,
        request=request_json(reason.request),
        before=_decided(reason.before, reason.was),
        after=_decided(reason.after, reason.now_is),
        engine=reason.engine,
        strict=reason.strict,
        schemas=reason.schemas,
        now=reason.now,
        asked_for=reason.asked_for,
    )


def _decided(effect: str, deciding: Deciding) -> DecidedDocument:
    return DecidedDocument(
        effect=cast("Effect", effect),
        policy=deciding.policy or None,
        rule=deciding.rule or None,
        file=deciding.file,
        line=deciding.line,
    )
