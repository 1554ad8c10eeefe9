"""Every check, a file each. A file that lies here and names its `CHECK` is one: no list has to be kept."""

import importlib
import pkgutil
from collections.abc import Mapping

from policyloop.access.lint.check import Check
from policyloop.access.lint.hole import Level


def _check_of(module: str) -> Check:
    check = importlib.import_module(f"{__name__}.{module}").CHECK
    assert isinstance(check, Check), module
    return check


CHECKS: tuple[Check, ...] = tuple(_check_of(module.name) for module in pkgutil.iter_modules(__path__))
"""In the alphabetical order of their files."""

CODES: Mapping[str, Level] = {code.name: code.level for check in CHECKS for code in check.codes}
"""Every code and its level."""
