"""Changed policies of which less is known than of others: those that could not be read, and those that are luck."""

from collections.abc import Iterator

from policyloop.access.ask.luck import confused_in
from policyloop.access.source import unread
from policyloop.access.source.alike import in_words
from policyloop.access_report import ChangedRule
from policyloop.bundle import Bundle


def unreadable(old: Bundle, new: Bundle) -> Iterator[ChangedRule]:
    """Policies that changed and that are not read, or not with certainty: their rules were not searched one by one."""
    changed = old.changed(new)
    places = {place.file: place for bundle in (old, new) for place in unread(bundle) if place.file in changed}
    for file, place in sorted(places.items()):
        why = (f"its rules were not all searched one by one: {place}",)
        yield ChangedRule(file=file, line=None, rule="", change="changed", wider="uncovered", why=why)


def by_luck(old: Bundle, new: Bundle) -> tuple[list[ChangedRule], list[str]]:
    """Rules that Cerbos takes for each other: what was answered of them is luck.

    Those of which a policy changed, and of the others a sentence each.
    """
    changed = old.changed(new)
    rules: list[ChangedRule] = []
    beside: list[str] = []
    for group in confused_in(new):
        words = in_words(group)
        at = next((rule.place for rule in group if rule.place.file in changed), None)
        if at is None:
            beside.append(words)
            continue
        name = at.rule.partition(" of ")[0]
        rules.append(
            ChangedRule(file=at.file, line=at.line, rule=name, change="changed", wider="uncovered", why=(words,))
        )
    return rules, beside
