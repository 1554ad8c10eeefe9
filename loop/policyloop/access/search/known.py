"""What is known of each changed rule once everything was asked: shown, proved, searched, or not covered."""

from collections.abc import Collection, Sequence
from typing import Literal

from policyloop.access.search.hunt import Hunted
from policyloop.access.universe.changes import Change, covers, readable
from policyloop.access_report import ChangedRule, Deciding, Reason

Proved = Collection[tuple[str, str]]
"""Kinds and actions for which every question that was put to the solver was proved."""
_MOST_WHY = 4
_RANK = ("shown", "uncovered", "searched", "proved")
_What = Literal["shown", "proved", "searched", "uncovered"]


def known_of(
    hunted: Sequence[Hunted], reasons: Sequence[Reason], proved: Proved, cut: Collection[int]
) -> tuple[ChangedRule, ...]:
    """What is known of each rule that is not the same in both bundles, in their order; a rule that can apply in several
    ways is as well known as the least known of these, unless a request that gets in was shown.
    """
    found: dict[tuple[str, str, int], ChangedRule] = {}
    for number, one in enumerate(hunted):
        rule = _known(one, reasons, proved, cut=number in cut)
        key = (rule.file, rule.rule, rule.line or 0)
        other = found.get(key)
        if other is None or _RANK.index(rule.wider) < _RANK.index(other.wider):
            found[key] = rule
    return tuple(found.values())


def _known(one: Hunted, reasons: Sequence[Reason], proved: Proved, *, cut: bool) -> ChangedRule:
    change = one.change
    wider: _What = "searched"
    why: tuple[str, ...] = ()
    if any(reason.wider and _touches(reason, change) for reason in reasons):
        wider = "shown"
    elif not _can_widen(change):
        wider = "proved" if _all_proved(change, proved) else "searched"
    elif _all_proved(change, proved):
        wider = "proved"
    else:
        told = any(_touches(reason, change) for reason in reasons)
        open_ = [text for text in one.open if not (told and text.startswith("none of "))]
        if cut:
            open_.append("not all requests about it fitted into the bound")
        if not all(map(readable, (change.before, change.after))):
            open_.append("its condition could not be read")
        wider, why = ("uncovered", tuple(dict.fromkeys(open_))[:_MOST_WHY]) if open_ else ("searched", ())
    goal = change.goal
    kind: Literal["added", "changed", "removed"] = (
        "added" if change.old is None else "removed" if change.new is None else "changed"
    )
    return ChangedRule(file=goal.file, line=goal.line, rule=goal.rule, change=kind, wider=wider, why=why)


def _can_widen(change: Change) -> bool:
    """Whether it could let anybody in: a new or changed ALLOW, a changed DENY or one that is gone."""
    return any(not goal.denies for goal in (change.new,) if goal) or any(goal.denies for goal in (change.old,) if goal)


def _touches(reason: Reason, change: Change) -> bool:
    """Whether one of the two rules that decide a change in access is this one."""
    if reason.action and not covers(change.actions, reason.action):
        return False
    places = {(goal.file, goal.line) for goal in change.sides}
    return any(_at(deciding) in places for deciding in (reason.was, reason.now_is))


def _at(deciding: Deciding) -> tuple[str | None, int | None]:
    return deciding.file, deciding.line


def _all_proved(change: Change, proved: Proved) -> bool:
    """Whether the solver proved all that was asked about everything the rule is about."""
    kind = change.goal.kind
    if "*" in kind:
        return False
    return bool(change.actions) and all((kind, action) in proved for action in change.actions)
