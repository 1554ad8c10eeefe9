"""The page of `diff`, and what changed in access in the words that every page shares."""

from collections.abc import Iterator, Sequence
from functools import partial

from policyloop.access_report import AccessReport, ChangedRule, Deciding, Reason
from policyloop.documents.access import diff_document
from policyloop.effects import WORDS
from policyloop.printing import one_line
from policyloop.results import DiffResult
from policyloop.view.blocks import Alarm, Block, Item, Line, Mark, Page, Tone, Verdict
from policyloop.view.pages.request import request_words
from policyloop.view.words import plural

_ENGINES = {"decisions": "asked of the PDP", "clock": "asked of the compiler's engine", "proof": "found by the solver"}
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
    yield from (_changed(group, policies, folder) for group in _grouped(access.reasons))
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


def _grouped(reasons: Sequence[Reason]) -> list[list[Reason]]:
    """Changes that the same rule makes, in the order of the first of each."""
    groups: dict[object, list[Reason]] = {}
    for reason in reasons:
        at = reason.lets_in
        rule = (at.policy, at.file, at.rule, at.line)
        groups.setdefault((reason.direction, reason.asked_for, rule, reason.resource), []).append(reason)
    return list(groups.values())


def _changed(group: Sequence[Reason], policies: str, folder: str) -> Item:
    first = group[0]
    tone: Tone = "note" if not first.wider else "bad" if first.asked_for is None else "warn"
    line = reason_line(first, policies) if len(group) == 1 else group_line(group, policies)
    shown = f"shown by: {request_line(first)}"
    at = first.lets_in
    file = f"{folder}/{at.file}" if at.file and first.wider else ""
    alarm = Alarm(
        level="error" if tone == "bad" else "notice",
        title=f"access/{first.direction}",
        text=f"{line}\n{shown}",
        file=file,
        line=at.line if file else None,
    )
    return Item(text=line, tone=tone, details=(shown,), alarm=alarm)


def group_line(group: Sequence[Reason], policies: str = "") -> str:
    """`WIDER: rule-001 (policies/doc.yaml:6) now also lets in user, finance: read, write doc (8 changes)`."""
    first = group[0]
    roles = ", ".join(dict.fromkeys(one_line(" + ".join(reason.roles)) for reason in group))
    actions = ", ".join(dict.fromkeys(one_line(reason.action) for reason in group))
    lets = "now also lets in" if first.wider else "no longer lets in"
    rule = _by(first.lets_in, policies).removeprefix(" by ") if first.lets_in.rule else "a change"
    return f"{_direction(first)}: {rule} {lets} {roles}: {actions} {one_line(first.resource)} ({len(group)} changes)"


def _direction(reason: Reason) -> str:
    if reason.asked_for is None:
        return reason.direction.upper()
    return f"{reason.direction}, asked for by {one_line(reason.asked_for)}"


def reason_line(one: Reason, policies: str = "") -> str:
    """`WIDER: user may read doc: denied before, allowed by rule-001 (policies/doc.yaml:6)`."""
    may = "may" if one.wider else "may no longer"
    roles = one_line(" + ".join(one.roles))
    return (
        f"{_direction(one)}: {roles} {may} {one_line(one.action)} {one_line(one.resource)}: {sides_line(one, policies)}"
    )


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
    """The witness, and who said so."""
    how = [*(["strict evaluation"] if one.strict else []), *(["schemas enforced"] if one.schemas == "reject" else [])]
    return (
        f"{request_words(one.request, one.now)} ({', '.join([_ENGINES.get(one.engine, one_line(one.engine)), *how])})"
    )


def access_line(access: AccessReport) -> str:
    """What was asked, and what came of it, on one line."""
    if access.skipped is not None:
        return f"NOT compared: {one_line(access.skipped, 1000)}"
    count = access.count
    parts = [f"not asked for: {count.wider} wider"] if count.wider else []
    if count.accepted:
        parts.append(f"asked for: {count.accepted} wider")
    parts.append(
        f"{count.narrower} narrower" if count.wider or count.accepted else f"0 wider, {count.narrower} narrower"
    )
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
