"""What can be seen in the texts alone: what is never used, never enforced, never tested."""

import re
from collections.abc import Iterator, Sequence

from policyloop.access.cel import Name, NotCel, Select, parse, walk
from policyloop.access.lint.hole import Hole, hole
from policyloop.access.source import Node, Policy, tree
from policyloop.access.source.alike import in_words, taken_for_each_other
from policyloop.bundle import Bundle
from policyloop.guard import Lock
from policyloop.guard.canon import decode
from policyloop.guard.demand import DENY
from policyloop.layout import Kind, kind

_ROLES = "effectiveDerivedRoles"
_VARIABLES, _CONSTANTS = ("V", "variables"), ("C", "constants")


def unused(bundle: Bundle, policies: Sequence[Policy]) -> Iterator[Hole]:
    """Imports, derived roles, variables and constants that nothing uses."""
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
                    yield hole(bundle, "derived-role-unused", policy.file, one.node, message)
        for variable in policy.variables:
            if ("V", variable.of) not in seen:
                message = f"no expression uses the variable {variable.of}"
                yield hole(bundle, "variable-unused", policy.file, variable.node, message)
        for key, _ in policy.constants:
            if ("C", key.text) not in seen:
                message = f"no expression uses the constant {key.text}"
                yield hole(bundle, "constant-unused", policy.file, key, message)


def _imports(bundle: Bundle, policy: Policy, sets: dict[str, set[str]]) -> Iterator[Hole]:
    used = {role for rule in policy.rules for role in rule.derived_roles}
    for item in policy.body.listed("importDerivedRoles"):
        if item.text in sets and not used & sets[item.text]:
            message = f"{policy.name} imports the derived roles {item.text}, and no rule uses any of them"
            yield hole(bundle, "import-unused", policy.file, item, message)


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


def mistaken(bundle: Bundle, policies: Sequence[Policy]) -> Iterator[Hole]:
    """Rules that Cerbos takes for each other, each group of them once."""
    nodes = {(rule.file, rule.line): rule.node for policy in policies for rule in policy.rules}
    for group in taken_for_each_other(policies):
        at = group[0].place
        why = (
            "Put the expressions of one of them in another order, or join them with && and || in one expression; give "
            "a rule without a condition one that the other has not. Then Cerbos tells them apart.",
        )
        yield hole(bundle, "rules-confused", at.file, nodes.get((at.file, at.line)), in_words(group), why=why)


def untested(bundle: Bundle, policies: Sequence[Policy]) -> Iterator[Hole]:
    """Resource policies of which no test demands a denial. Raises `UsageError` for suites too large to be read."""
    denied: set[tuple[str, str]] = set()
    asked: set[tuple[str, str]] = set()
    for one in Lock.of(bundle):
        what = decode(one.demand.inputs.resource)
        if isinstance(what, dict):
            about = (str(what.get("kind", "")), str(what.get("policyVersion") or "default"))
            asked.add(about)
            denied |= {about} if one.demand.effect == DENY else set()
    told: set[tuple[str, str]] = set()
    for policy in policies:
        about = (policy.name, policy.version)
        if policy.what == "resource" and about not in denied and about not in told:
            told.add(about)
            how = "no test demands that anything is denied" if about in asked else "no test asks about it at all"
            message = f"{policy.name}: {how}, so a policy that allows everything would pass"
            yield hole(bundle, "no-denial-test", policy.file, policy.body, message)


def schemas(bundle: Bundle, policies: Sequence[Policy], enforcement: str | None) -> Iterator[Hole]:
    """Schemas that nothing refers to, that are ignored, and that the server does not enforce.

    `enforcement` is what the server's configuration says; None when nobody showed it.
    """
    refs = [(policy, name, ref) for policy in policies for name, ref in _refs(policy)]
    texts = [ref.text for _, _, ref in refs] + [bundle[path] for path in bundle if kind(path) is Kind.SCHEMA]
    for path in bundle:
        if kind(path) is Kind.SCHEMA and not any(path.removeprefix("_schemas/") in text for text in texts):
            at = tree(bundle[path])
            yield hole(bundle, "schema-unused", path, at, f"no policy refers to the schema {path}")
    for policy, name, ref in refs:
        ignored = policy.body.at("schemas", name, "ignoreWhen")
        if ignored is not None and any(set(item.text) <= set("*") for item in ignored.listed("actions")):
            message = f"{policy.name}: its {name} is ignored for every action"
            yield hole(bundle, "schema-ignored", policy.file, ref, message)
    if refs and enforcement is None:
        policy, _, ref = refs[0]
        why = (
            "A Cerbos server does not look at schemas unless its configuration says schema.enforcement: reject; "
            "cerbos compile always does, so the tests do not show it.",
            "Give --server-config FILE to have it looked at.",
        )
        message = f"{len(refs)} references to schemas, and nobody showed a configuration that enforces them"
        yield hole(bundle, "schema-enforcement-unknown", policy.file, ref, message, why=why)


def _refs(policy: Policy) -> Iterator[tuple[str, Node]]:
    for name in ("principalSchema", "resourceSchema"):
        ref = policy.body.at("schemas", name, "ref")
        if ref is not None:
            yield name, ref


def has_schemas(policies: Sequence[Policy]) -> bool:
    """Whether any policy refers to a schema."""
    return any(True for policy in policies for _ in _refs(policy))
