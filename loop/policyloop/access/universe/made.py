"""Requests made of values for some of their fields."""

import re
from collections.abc import Collection
from typing import Any

from policyloop.access.ask.request import Principal, Resource
from policyloop.access.universe.domains import SOMEBODY
from policyloop.access.universe.fields import ABSENT, ROLES, WHO, Assignment, Path, placed
from policyloop.access.universe.goals import Goal
from policyloop.access.universe.values import OTHER

SOMETHING = "r1"
"""The id of what is asked for, where no condition names one."""
_STAND_IN = re.compile(r"e\d+\Z")
_VERSION: Path = ("P", "policyVersion")
_SCOPE: Path = ("P", "scope")


def principal_of(
    goal: Goal, roles: Collection[str], one: Assignment, base: dict[str, Any], scope: str = ""
) -> Principal:
    """Who asks, so that `goal` can apply: with these roles, or with those that `one` wants and at least one of them."""
    name = one.get(WHO, goal.principal or SOMEBODY)
    who = str(name) if name is not ABSENT and name not in (None, "", [], {}) else SOMEBODY
    version = "" if goal.version == "default" or not goal.principal else goal.version
    return Principal(
        who,
        tuple(sorted(_roles(roles, one.get(ROLES)))),
        placed(base, one, ("P", "attr")),
        _text(one.get(_VERSION), version),
        _text(one.get(_SCOPE), scope),
    )


def resource_of(kind: str, one: Assignment, base: dict[str, Any], version: str, scope: str) -> Resource:
    """What is asked for."""
    name = one.get(("R", "id"), SOMETHING)
    return Resource(
        kind, name if isinstance(name, str) and name else SOMETHING, placed(base, one, ("R", "attr")), version, scope
    )


def _roles(roles: Collection[str], wanted: object) -> Collection[str]:
    held = [role for role in wanted if isinstance(role, str) and role] if isinstance(wanted, list | tuple) else []
    if not held or set(held) & set(roles):
        return set(held or roles)
    # As many as are wanted: a role takes the place of one that stands for any.
    spare = [role for role in held if role == OTHER or _STAND_IN.match(role)]
    return (set(held) - set(spare[: len(roles)])) | set(roles)


def _text(value: object, otherwise: str) -> str:
    """A version or a scope; the PDP takes letters, digits, dots, dashes and underscores."""
    return value if isinstance(value, str) and re.fullmatch(r"[\w.-]*", value) else otherwise
