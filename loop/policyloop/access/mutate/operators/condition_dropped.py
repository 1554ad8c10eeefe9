"""A rule holds without its condition."""

from collections.abc import Iterator

from policyloop.access.mutate.operator import Edit, Operator, Subject, rule_words
from policyloop.access.source.splice import without_pair


def _dropped(subject: Subject) -> Iterator[Edit]:
    for rule in subject.policy.rules:
        pair = rule.node.pair("condition")
        if pair is not None:
            splice = without_pair(subject.text, rule.node, *pair)
            yield Edit(rule_words(rule), pair[0], "its condition was dropped", splice)


OPERATOR = Operator(name="condition-dropped", in_policy=_dropped)
