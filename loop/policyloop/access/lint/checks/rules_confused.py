"""Cerbos 0.55 takes rules for each other that are not the same: see `policyloop.access.source.alike`."""

from collections.abc import Iterator

from policyloop.access.lint.check import Check, Target
from policyloop.access.lint.hole import Code, Hole, hole
from policyloop.access.source.alike import in_words, taken_for_each_other

CODE = Code("rules-confused", "warning")


def _confused(target: Target) -> Iterator[Hole]:
    """Rules that Cerbos takes for each other, each group of them once."""
    nodes = {(rule.file, rule.line): rule.node for policy in target.policies for rule in policy.rules}
    for group in taken_for_each_other(target.policies):
        at = group[0].place
        why = (
            "Put the expressions of one of them in another order, or join them with && and || in one expression; give "
            "a rule without a condition one that the other has not. Then Cerbos tells them apart.",
        )
        yield hole(target.bundle, CODE, at.file, nodes.get((at.file, at.line)), in_words(group), why=why)


CHECK = Check(codes=(CODE,), written=_confused)
