"""Each request that shows a hole, put once more to a server."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from policyloop.access.ask.names import looks_at_the_clock
from policyloop.access.ask.parts import Parts
from policyloop.access.lint.hole import Hole
from policyloop.access.pdp import Settings, serving


def confirmed(parts: Parts, holes: Iterable[Hole], settings: Settings) -> Iterator[Hole]:
    """The holes, each with who confirmed its request. A server has a clock of its own, which no request can set: where
    conditions look at the time it may answer otherwise, and then the engine's answer stands. Else such a hole is none.

    Raises `Unavailable` when no server can be had.
    """
    held = list(holes)
    kinds = {one.witness.question.request.resource.kind for one in held if one.witness}
    if not kinds:
        yield from held
        return
    with serving(parts.about(sorted(kinds)), replace(settings, schemas="none", strict=False)) as pdp:
        for one in held:
            if one.witness is None:
                yield one
            elif pdp.decide(one.witness.question.request).effect == one.witness.effect:
                yield replace(one, witness=replace(one.witness, confirmed_by="server"))
            elif _timed(parts, one.witness.question.request.resource.kind):
                yield one


def _timed(parts: Parts, kind: str) -> bool:
    expressions = (one for policy in parts.policies_about(kind) for one in policy.expressions())
    return any(looks_at_the_clock(one.text) for one in expressions)
