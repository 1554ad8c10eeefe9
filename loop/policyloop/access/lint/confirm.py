"""Each request that shows a hole, put once more to a server."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from policyloop.access.cel import Call, NotCel, parse, walk
from policyloop.access.lint.hole import Hole
from policyloop.access.pdp import Settings, serving
from policyloop.access.source import Policy
from policyloop.bundle import Bundle

_CLOCK = ("now", "timeSince")


def confirmed(bundle: Bundle, policies: Sequence[Policy], holes: Iterable[Hole], settings: Settings) -> Iterator[Hole]:
    """The holes, each with who confirmed its request. A server has a clock of its own, which no request can set: where
    conditions look at the time it may answer otherwise, and then the engine's answer stands. Else such a hole is none.

    Raises `Unavailable` when no server can be had.
    """
    held = list(holes)
    if not any(one.witness for one in held):
        yield from held
        return
    timed = any(_looks_at_the_clock(one.text) for policy in policies for one in policy.expressions())
    with serving(bundle, replace(settings, schemas="none", strict=False)) as pdp:
        for one in held:
            if one.witness is None:
                yield one
            elif pdp.decide(one.witness.question.request).effect == one.witness.effect:
                yield replace(one, witness=replace(one.witness, confirmed_by="server"))
            elif timed:
                yield one


def _looks_at_the_clock(expression: str) -> bool:
    try:
        return any(isinstance(node, Call) and node.function in _CLOCK for node in walk(parse(expression)))
    except NotCel:
        return any(f"{name}(" in expression for name in _CLOCK)
