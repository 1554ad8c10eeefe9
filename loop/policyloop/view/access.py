"""What changed in access as lines, which every view for people shares. Everything is redacted before it is cut."""

import json
from collections.abc import Iterator

from policyloop.access_report import AccessReport, ChangedRule, Deciding, Reason
from policyloop.effects import WORDS
from policyloop.printing import one_line
from policyloop.results import DiffResult
from policyloop.shape import to_json
from policyloop.view.words import plural

_ENGINES = {"decisions": "asked of the PDP", "clock": "asked of the compiler's engine", "proof": "found by the solver"}
_MOST_REQUEST = 600
MOST_UNCOVERED = 20
"""The most rules of which it is told why they were not covered; the others are named on one line."""


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
    before, after = effect_word(one.before) + _by(one.was, policies), effect_word(one.after) + _by(one.now_is, policies)
    return f"{before} before, {after} now"


def effect_word(effect: str) -> str:
    """`allowed`; an effect that is unknown here, of a ledger that is not ours, in its own word."""
    return WORDS.get(effect, one_line(effect))


def _by(at: Deciding, policies: str) -> str:
    if not at.rule:
        return "" if at.policy else " (no policy)"
    where = f"{policies}/{at.file}" if policies else at.file
    return f" by {one_line(at.rule)} ({one_line(where or '?')}:{at.line})"


def request_line(one: Reason) -> str:
    """The witness as JSON on one line, and who said so."""
    at = f" at {one.now}" if one.now else ""
    how = [*(["strict evaluation"] if one.strict else []), *(["schemas enforced"] if one.schemas == "reject" else [])]
    request = one_line(json.dumps(to_json(one.request), ensure_ascii=False), _MOST_REQUEST)
    return f"{request}{at} ({', '.join([_ENGINES.get(one.engine, one_line(one.engine)), *how])})"


def access_line(access: AccessReport) -> str:
    """What was asked, and what came of it, on one line."""
    if access.skipped is not None:
        return f"NOT compared: {one_line(access.skipped, 1000)}"
    count = access.count
    parts = [f"{access.result}: {count.wider} wider, {count.narrower} narrower"]
    if count.accepted:
        parts.append(f"{count.accepted} wider as asked for")
    if access.uncovered:
        parts.append(f"{plural(len(access.uncovered), 'changed rule')} NOT covered")
    searched = sum(one.wider == "searched" for one in access.rules)
    if searched:
        parts.append(f"{plural(searched, 'changed rule')} searched, not proved")
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
    yield from beside_lines(access, policies)


def beside_lines(access: AccessReport, policies: str = "") -> Iterator[str]:
    """What is to be known beside the changes: rules that were not covered, what was left out, what is not proved."""
    uncovered = access.uncovered
    for rule in uncovered[:MOST_UNCOVERED]:
        yield uncovered_line(rule, policies)
    if len(uncovered) > MOST_UNCOVERED:
        left = ", ".join(_rule_place(rule, policies) for rule in uncovered[MOST_UNCOVERED:])
        yield one_line(f"NOT COVERED either: {left}", 2000)
    for note in access.notes:
        yield one_line(note)
    for why in access.proofs.because if access.proofs else ():
        yield f"not proved, because {one_line(why)}"


def uncovered_line(rule: ChangedRule, policies: str = "") -> str:
    """`NOT COVERED: rule-001 (policies/doc.yaml:6) was changed: no request made ... true`."""
    why = one_line("; ".join(rule.why) or "nothing is known", 800)
    return f"NOT COVERED: {_rule_place(rule, policies)} was {rule.change}, and whom it lets in is not known: {why}"


def _rule_place(rule: ChangedRule, policies: str) -> str:
    where = f"{policies}/{rule.file}" if policies else rule.file
    place = f"{one_line(where)}:{rule.line}" if rule.line is not None else one_line(where)
    return f"{one_line(rule.rule)} ({place})" if rule.rule else place


def diff_line(result: DiffResult) -> str:
    """The summary, and what was compared with what."""
    info = result.cerbos
    between = f"{one_line(result.old)} -> {one_line(result.new)}"
    return f"{between}: {access_line(result.access)}; Cerbos {info.version} ({info.runner})"
