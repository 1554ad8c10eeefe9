"""What changed in access as lines, which every view for people shares. Everything is redacted before it is cut."""

import json
from collections.abc import Iterator

from policyloop.events import plain
from policyloop.results import DiffResult
from policyloop.view.words import one_line, plural
from policyloop.widened import AccessReport, Deciding, Reason

EFFECTS = {"EFFECT_ALLOW": "allowed", "EFFECT_DENY": "denied"}
_ENGINES = {"decisions": "asked of the PDP", "clock": "asked of the compiler's engine", "proof": "found by the solver"}
_MOST_REQUEST = 600


def reason_line(one: Reason, policies: str = "") -> str:
    """`WIDER: user may read doc: denied before, allowed by rule-001 (policies/doc.yaml:6)`."""
    word = (
        one.direction.upper() if one.asked_for is None else f"{one.direction}, asked for by {one_line(one.asked_for)}"
    )
    may = "may" if one.wider else "may no longer"
    roles = one_line(" + ".join(one.roles))
    return f"{word}: {roles} {may} {one_line(one.action)} {one_line(one.resource)}: {sides_line(one, policies)}"


def sides_line(one: Reason, policies: str = "") -> str:
    """`denied before, allowed by rule-001 (policies/doc.yaml:6) now`."""
    before, after = EFFECTS[one.before] + _by(one.was, policies), EFFECTS[one.after] + _by(one.now_is, policies)
    return f"{before} before, {after} now"


def _by(at: Deciding, policies: str) -> str:
    if not at.rule:
        return "" if at.policy else " (no policy)"
    where = f"{policies}/{at.file}" if policies else at.file
    return f" by {one_line(at.rule)} ({one_line(where or '?')}:{at.line})"


def request_line(one: Reason) -> str:
    """The witness as JSON on one line, and who said so."""
    at = f" at {one.now}" if one.now else ""
    how = [*(["strict evaluation"] if one.strict else []), *(["schemas enforced"] if one.schemas == "reject" else [])]
    request = one_line(json.dumps(plain(one.request), ensure_ascii=False), _MOST_REQUEST)
    return f"{request}{at} ({', '.join([_ENGINES[one.engine], *how])})"


def access_line(access: AccessReport) -> str:
    """What was asked, and what came of it, on one line."""
    if access.skipped is not None:
        return f"NOT compared: {one_line(access.skipped, 1000)}"
    wider, accepted = len(access.wider), sum(one.wider and one.asked_for is not None for one in access.reasons)
    parts = [f"{access.result}: {wider} wider, {len(access.narrower)} narrower"]
    if accepted:
        parts.append(f"{accepted} wider as asked for")
    parts.append(f"{plural(access.requests, 'request')} asked, seed {access.seed}")
    if not access.complete:
        parts.append("more were worth asking than the bound allows")
    if access.proofs:
        proofs = access.proofs
        parts.append(f"proved that nothing gets in for {proofs.proved} questions, {proofs.unproved} not proved")
    return "; ".join(parts)


def access_lines(access: AccessReport, policies: str = "") -> Iterator[str]:
    """Each change and its witness, then what else is to be known. The summary is `access_line`."""
    for one in access.reasons:
        yield reason_line(one, policies)
        yield f"  shown by: {request_line(one)}"
    for note in access.notes:
        yield one_line(note)
    for why in access.proofs.because if access.proofs else ():
        yield f"not proved, because {one_line(why)}"


def diff_line(result: DiffResult) -> str:
    """The summary, and what was compared with what."""
    info = result.cerbos
    between = f"{one_line(result.old)} -> {one_line(result.new)}"
    return f"{between}: {access_line(result.access)}; Cerbos {info.version} ({info.runner})"
