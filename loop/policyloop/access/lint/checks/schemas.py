"""Schemas that nothing refers to, that are ignored, and that the server does not enforce."""

from collections.abc import Iterator

from policyloop.access.inquiry.question_pool import Pool
from policyloop.access.lint.check import Check, Target
from policyloop.access.lint.hole import Code, Hole, Shown, hole
from policyloop.access.lint.requests import Looked, allowed_questions, smallest
from policyloop.access.source import Node, Policy, tree
from policyloop.effects import ALLOW
from policyloop.layout import Kind, kind

UNUSED = Code("schema-unused", "note")
IGNORED = Code("schema-ignored", "warning")
NOT_ENFORCED = Code("schema-not-enforced", "warning")
UNKNOWN = Code("schema-enforcement-unknown", "note")


def _asked(target: Target) -> Iterator[tuple[str, Looked]]:
    for policy in target.policies:
        if policy.what == "resource" and target.enforcement is not None:
            yield policy.file, _unenforced(target.pool, policy, target.enforcement)


def _unenforced(pool: Pool, policy: Policy, enforcement: str) -> Looked:
    """Requests that a schema would stop, and that the server lets through."""
    kinds, refs = (policy.name,), policy.body.get("schemas")
    if refs is None or enforcement == "reject":
        return ()
    shown = yield from allowed_questions(pool, kinds, schemas=False)
    said = "does not say schema.enforcement" if enforcement == "none" else f"says schema.enforcement: {enforcement}"
    message = f"{policy.name} has a schema, but the server's configuration {said}"
    witness = Shown(smallest(shown), ALLOW, "although the schema rejects it") if shown else None
    return (hole(pool.parts.bundle, NOT_ENFORCED, policy.file, refs, message, witness=witness),)


def _written(target: Target) -> Iterator[Hole]:
    bundle, policies = target.bundle, target.policies
    refs = [(policy, name, ref) for policy in policies for name, ref in _refs(policy)]
    texts = [ref.text for _, _, ref in refs] + [bundle[path] for path in bundle if kind(path) is Kind.SCHEMA]
    for path in bundle:
        if kind(path) is Kind.SCHEMA and not any(path.removeprefix("_schemas/") in text for text in texts):
            at = tree(bundle[path])
            yield hole(bundle, UNUSED, path, at, f"no policy refers to the schema {path}")
    for policy, name, ref in refs:
        ignored = policy.body.at("schemas", name, "ignoreWhen")
        if ignored is not None and any(set(item.text) <= set("*") for item in ignored.listed("actions")):
            message = f"{policy.name}: its {name} is ignored for every action"
            yield hole(bundle, IGNORED, policy.file, ref, message)
    if refs and target.enforcement is None:
        policy, _, ref = refs[0]
        why = (
            "A Cerbos server does not look at schemas unless its configuration says schema.enforcement: reject; "
            "cerbos compile always does, so the tests do not show it.",
            "Give --server-config FILE to have it looked at.",
        )
        message = f"{len(refs)} references to schemas, and nobody showed a configuration that enforces them"
        yield hole(bundle, UNKNOWN, policy.file, ref, message, why=why)


def _refs(policy: Policy) -> Iterator[tuple[str, Node]]:
    for name in ("principalSchema", "resourceSchema"):
        ref = policy.body.at("schemas", name, "ref")
        if ref is not None:
            yield name, ref


CHECK = Check(codes=(UNUSED, IGNORED, NOT_ENFORCED, UNKNOWN), written=_written, asked=_asked)
