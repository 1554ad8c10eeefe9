"""`<` became `<=`, and its like: the value at the very edge falls on the other side."""

from policyloop.access.mutate.expressions import signs_replaced
from policyloop.access.mutate.operator import Operator, Rewrite

_OTHER = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}


def _moved(expression: str) -> list[Rewrite]:
    return signs_replaced(expression, _OTHER)


OPERATOR = Operator(name="boundary", in_expression=_moved)
