"""A rule is about every action."""

from collections.abc import Iterator

from policyloop.access.mutate.operator import Edit, Operator, Subject, rule_words
from policyloop.access.source.splice import as_list, rewritten

_KEYS = ("actions", "allowActions", "action")
"""Of a rule of a resource policy, of a role policy, of a principal policy."""


def _widened(subject: Subject) -> Iterator[Edit]:
    for rule in subject.policy.rules:
        for name in _KEYS:
            pair = rule.node.pair(name)
            if pair is None:
                continue
            key, value = pair
            if value.shape == "scalar":
                splice = rewritten(subject.text, value, "*")
            else:
                splice = as_list(subject.text, key, value, ["*"])
            yield Edit(rule_words(rule), key, "its actions became `*`", splice)


OPERATOR = Operator(name="actions-widened", in_policy=_widened)
