"""A rule that allows is gone."""

from collections.abc import Iterator

from policyloop.access.mutate.operator import Edit, Operator, Subject, rule_words
from policyloop.access.source.splice import without_item


def _removed(subject: Subject) -> Iterator[Edit]:
    for rule in subject.policy.rules:
        if not rule.denies:
            place = rule.place
            splice = without_item(subject.text, place.key, place.node, place.index)
            yield Edit(rule_words(rule), rule.node, f"{rule.name} was removed", splice)


OPERATOR = Operator(name="rule-removed", in_policy=_removed)
