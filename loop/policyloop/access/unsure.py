"""Changed policies of which less is known than of others: those that could not be read, and those that are luck."""

from collections.abc import Iterator

from policyloop.access.source import policies_of, unread
from policyloop.access.source.alike import Kept, in_words, luck_in, taken_for_each_other
from policyloop.bundle import Bundle
from policyloop.widened import ChangedRule


def unreadable(old: Bundle, new: Bundle) -> Iterator[ChangedRule]:
    """Policies that changed and that are not read, or not with certainty: their rules were not searched one by one."""
    changed = old.changed(new)
    places = {place.file: place for bundle in (old, new) for place in unread(bundle) if place.file in changed}
    for file, place in sorted(places.items()):
        why = (f"its rules were not all searched one by one: {place}",)
        yield ChangedRule(file=file, line=None, rule="", change="changed", wider="uncovered", why=why)


def by_luck(old: Bundle, new: Bundle) -> Iterator[ChangedRule]:
    """Rules that Cerbos takes for each other, of which the policy of one changed: what was answered of them is luck."""
    changed = old.changed(new)
    for group in _groups(new):
        at = next((rule.place for rule in group if rule.place.file in changed), None)
        if at is not None:
            name = at.rule.partition(" of ")[0]
            why = (in_words(group),)
            yield ChangedRule(file=at.file, line=at.line, rule=name, change="changed", wider="uncovered", why=why)


def luck_beside(old: Bundle, new: Bundle) -> list[str]:
    """The same of policies that did not change, a sentence each."""
    changed = old.changed(new)
    return [in_words(group) for group in _groups(new) if not any(rule.place.file in changed for rule in group)]


def _groups(bundle: Bundle) -> list[tuple[Kept, ...]]:
    return taken_for_each_other(policies_of(bundle)) if luck_in(bundle) else []
