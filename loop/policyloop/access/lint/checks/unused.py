"""Imports, derived roles, variables and constants that nothing uses."""

import re
from collections.abc import Iterator

from policyloop.access.cel import Name, NotCel, Select, parse, walk
from policyloop.access.lint.check import Check, Target
from policyloop.access.lint.hole import Code, Hole, hole
from policyloop.access.source import Policy
from policyloop.bundle import Bundle

IMPORT = Code("import-unused", "note")
DERIVED_ROLE = Code("derived-role-unused", "note")
VARIABLE = Code("variable-unused", "note")
CONSTANT = Code("constant-unused", "note")

_ROLES = "effectiveDerivedRoles"
_VARIABLES, _CONSTANTS = ("V", "variables"), ("C", "constants")


def _unused(target: Target) -> Iterator[Hole]:
    bundle, policies = target.bundle, target.policies
    texts = [one.text for policy in policies for one in policy.expressions()]
    seen = set().union(*map(_named, texts)) if texts else set()
    by_name = any(_ROLES in text for text in texts)
    used = {role for policy in policies for rule in policy.rules for role in rule.derived_roles}
    sets = {policy.name: {one.name for one in policy.definitions} for policy in policies if policy.what == "derived"}
    for policy in policies:
        if not by_name:
            yield from _imports(bundle, policy, sets)
            for one in policy.definitions:
                if one.name not in used:
                    message = f"no rule uses the derived role {one.name}"
                    yield hole(bundle, DERIVED_ROLE, policy.file, one.node, message)
        for variable in policy.variables:
            if ("V", variable.of) not in seen:
                message = f"no expression uses the variable {variable.of}"
                yield hole(bundle, VARIABLE, policy.file, variable.node, message)
        for key, _ in policy.constants:
            if ("C", key.text) not in seen:
                message = f"no expression uses the constant {key.text}"
                yield hole(bundle, CONSTANT, policy.file, key, message)


def _imports(bundle: Bundle, policy: Policy, sets: dict[str, set[str]]) -> Iterator[Hole]:
    used = {role for rule in policy.rules for role in rule.derived_roles}
    for item in policy.body.listed("importDerivedRoles"):
        if item.text in sets and not used & sets[item.text]:
            message = f"{policy.name} imports the derived roles {item.text}, and no rule uses any of them"
            yield hole(bundle, IMPORT, policy.file, item, message)


def _named(expression: str) -> set[tuple[str, str]]:
    """The variables (`V`) and constants (`C`) that an expression names; all that it may, when it cannot be read."""
    try:
        root = parse(expression)
    except NotCel:
        words = set(re.findall(r"\w+", expression))
        return {(which, word) for which in "VC" for word in words}
    named = [
        (node.of.name, node.field) for node in walk(root) if isinstance(node, Select) and isinstance(node.of, Name)
    ]
    return {("V" if of in _VARIABLES else "C", field) for of, field in named if of in (*_VARIABLES, *_CONSTANTS)}


CHECK = Check(codes=(IMPORT, DERIVED_ROLE, VARIABLE, CONSTANT), written=_unused)
