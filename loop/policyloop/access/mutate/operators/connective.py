"""`&&` became `||`, or the other way round."""

from policyloop.access.mutate.expressions import signs_replaced
from policyloop.access.mutate.operator import Operator, Rewrite


def _swapped(expression: str) -> list[Rewrite]:
    return signs_replaced(expression, {"&&": "||", "||": "&&"})


OPERATOR = Operator(name="connective", in_expression=_swapped)
