"""One term of an `&&`, or one part of an `all`, `any` or `none`, is gone."""

from collections.abc import Iterator

from policyloop.access.mutate.expressions import terms_of, tokens
from policyloop.access.mutate.operator import Edit, Operator, Rewrite, Subject
from policyloop.access.source.policies import OPERATORS, Listed
from policyloop.access.source.splice import without_item


def _in_expression(expression: str) -> Iterator[Rewrite]:
    terms = terms_of(tokens(expression))
    for start, end in terms:
        rest = [expression[a:b].strip() for a, b in terms if a != start]
        gone = expression[start:end].strip()
        yield Rewrite(f"`{gone}` was dropped", " && ".join(rest))


def _in_policy(subject: Subject) -> Iterator[Edit]:
    for where, condition in subject.conditions():
        for node in condition.below():
            for operator in OPERATORS:
                parts = node.at(operator)
                pair = parts.pair("of") if parts is not None else None
                if pair is None or pair[1].shape != "list" or len(pair[1].items) < 2:
                    continue
                for index in range(len(pair[1].items)):
                    part = Listed(*pair, index)
                    words = f"part {index + 1} of `{operator}` was dropped"
                    yield Edit(where, part.item, words, without_item(subject.text, part.key, part.node, index))


OPERATOR = Operator(name="term-dropped", in_policy=_in_policy, in_expression=_in_expression)
