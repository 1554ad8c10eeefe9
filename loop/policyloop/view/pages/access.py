"""The page of `diff`, and what changed in access in the words that every page shares."""

import json
from collections.abc import Iterator
from functools import partial

from policyloop.access_report import AccessReport, ChangedRule, Deciding, Reason
from policyloop.documents.access import diff_document
from policyloop.effects import WORDS
from policyloop.printing import one_line
from policyloop.results import DiffResult
from policyloop.shape import to_json
from policyloop.view.blocks import Alarm, Block, Item, Line, Mark, Page, Tone, Verdict
from policyloop.view.words import plural

_ENGINES = {"decisions": "asked of the PDP", "clock": "asked of the compiler's engine", "proof": "found by the solver"}
_MOST_REQUEST = 600
MOST_UNCOVERED = 20
"""The most rules of which it is told why they were not covered; the others are named on one line."""
_MARKS: dict[str, Mark] = {"kept": "good", "wider": "bad", "person": "bad"}


def diff_page(result: DiffResult) -> Page:
    """Access under two bundles was compared."""
    mark = _MARKS[result.outcome]
    return Page(
        title="policyloop diff",
        blocks=tuple(access_blocks(result.access, "", result.new)),
        verdict=Verdict(result.outcome, diff_line(result), mark),
        document=partial(diff_document, result),
    )


def access_blocks(access: AccessReport, policies: str = "", folder: str | None = None) -> Iterator[Block]:
    """Each change with the request that shows it, then what else is to be known.

    `policies` stands before the names of files, `folder` (by default the same) before those of annotations.
    """
    folder = policies if folder is None else folder
    for reason in access.reasons:
        yield _changed(reason, policies, folder)
    uncovered = access.uncovered
    for rule in uncovered[:MOST_UNCOVERED]:
        line = uncovered_line(rule, policies)
        title = "access/not-covered"
        alarm = Alarm(level="warning", title=title, text=line, file=f"{folder}/{rule.file}", line=rule.line)
        yield Item(text=line, tone="warn", alarm=alarm)
    if len(uncovered) > MOST_UNCOVERED:
        left = ", ".join(_rule_place(rule, policies) for rule in uncovered[MOST_UNCOVERED:])
        yield Line(one_line(f"NOT COVERED either: {left}", 2000), "warn")
    for note in access.notes:
        yield Line(one_line(note), "quiet")
    for why in access.proofs.because if access.proofs else ():
        yield Line(f"not proved, because {one_line(why)}", "quiet")


def _changed(reason: Reason, policies: str, folder: str) -> Item:
    tone: Tone = "note" if not reason.wider else "bad" if reason.asked_for is None else "warn"
    line, shown = reason_line(reason, policies), f"shown by: {request_line(reason)}"
    at = reason.lets_in
    file = f"{folder}/{at.file}" if at.file and reason.wider else ""
    alarm = Alarm(
        level="error" if tone == "bad" else "notice",
        title=f"access/{reason.direction}",
        text=f"{line}\n{shown}",
        file=file,
        line=at.line if file else None,
    )
    return Item(text=line, tone=tone, details=(shown,), alarm=alarm)


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
