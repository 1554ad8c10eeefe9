"""Every operator, a file each. A file that lies here and names its `OPERATOR` is one: no list has to be kept."""

import importlib
import pkgutil
from collections.abc import Mapping

from policyloop.access.mutate.operator import Operator


def _operator_of(module: str) -> Operator:
    operator = importlib.import_module(f"{__name__}.{module}").OPERATOR
    assert isinstance(operator, Operator), module
    return operator


_ALL = [_operator_of(module.name) for module in pkgutil.iter_modules(__path__)]

OPERATORS: Mapping[str, Operator] = {operator.name: operator for operator in _ALL}
"""By name, in the alphabetical order of their files."""
