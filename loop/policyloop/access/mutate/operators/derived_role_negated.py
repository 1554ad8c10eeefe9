"""A derived role holds where its condition does not."""

from collections.abc import Iterator

from policyloop.access.mutate.expressions import negated
from policyloop.access.mutate.operator import Edit, Operator, Subject, definition_words
from policyloop.access.source.splice import rewritten


def _negated(subject: Subject) -> Iterator[Edit]:
    for definition in subject.policy.definitions:
        for leaf in definition.conditions:
            words = f"`{leaf.text.strip()}` was negated"
            splice = rewritten(subject.text, leaf.node, negated(leaf.text))
            yield Edit(definition_words(definition), leaf.node, words, splice)


OPERATOR = Operator(name="derived-role-negated", in_policy=_negated)
