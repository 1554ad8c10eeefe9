"""A rule, or a variable, holds where its expression does not."""

from collections.abc import Iterator

from policyloop.access.mutate.expressions import negated
from policyloop.access.mutate.operator import Edit, Operator, Subject, rule_words
from policyloop.access.source.policies import Expression
from policyloop.access.source.splice import rewritten


def _negated(subject: Subject) -> Iterator[Edit]:
    expressions: list[tuple[str, Expression]] = []
    for rule in subject.policy.rules:
        expressions += [(rule_words(rule), leaf) for leaf in rule.conditions]
    expressions += [(f"variable {variable.of}", variable) for variable in subject.policy.variables]
    for where, leaf in expressions:
        words = f"`{leaf.text.strip()}` was negated"
        yield Edit(where, leaf.node, words, rewritten(subject.text, leaf.node, negated(leaf.text)))


OPERATOR = Operator(name="condition-negated", in_policy=_negated)
