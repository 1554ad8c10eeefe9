"""`==` became `!=`, or the other way round, in an expression of several parts."""

from policyloop.access.mutate.expressions import signs_replaced, tokens
from policyloop.access.mutate.operator import Operator, Rewrite


def _swapped(expression: str) -> list[Rewrite]:
    # Of a comparison alone that is its negation, which `condition-negated` makes already.
    if not any(word.kind == "sign" and word.text in ("&&", "||", "?") for word in tokens(expression)):
        return []
    return signs_replaced(expression, {"==": "!=", "!=": "=="})


OPERATOR = Operator(name="equality", in_expression=_swapped)
