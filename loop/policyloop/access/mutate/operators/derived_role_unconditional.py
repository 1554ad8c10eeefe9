"""A derived role holds without its condition."""

from collections.abc import Iterator

from policyloop.access.mutate.operator import Edit, Operator, Subject, definition_words
from policyloop.access.source.splice import without_pair


def _dropped(subject: Subject) -> Iterator[Edit]:
    for definition in subject.policy.definitions:
        pair = definition.node.pair("condition")
        if pair is not None:
            splice = without_pair(subject.text, definition.node, *pair)
            yield Edit(definition_words(definition), pair[0], "its condition was dropped", splice)


OPERATOR = Operator(name="derived-role-unconditional", in_policy=_dropped)
