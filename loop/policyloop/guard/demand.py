"""What one test really demands, apart from how it is written: the unit that the lock holds."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from policyloop.findings import AssertionId
from policyloop.guard.canon import decode, fits, seen

NOTHING = "null"
"""Canonical text of absent auxiliary data."""
UNSEEN_SOURCE = "\0"
"""The source of an expected output that could not be read."""

_PERHAPS_UNSEEN = re.compile(r"(?:\A|[\[:,])0(?:\Z|[,\]}])")


class Inputs(NamedTuple):
    """What the compiler is asked: canonical texts (see `policyloop.guard.canon`), and the action's name."""

    principal: str
    resource: str
    aux_data: str
    options: str
    action: str


class Demand(NamedTuple):
    """Inputs, the effect they must get ("" when it could not be read) and the outputs they must produce.

    `outputs` holds pairs of a rule's source and the canonical text of the value expected of it ("" for no value).
    """

    inputs: Inputs
    effect: str
    outputs: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True)
class Assertion:
    """One demand and the names it goes by. `broken` says why its suite could not be loaded when it was read."""

    id: AssertionId
    demand: Demand
    broken: str = ""

    @cached_property
    def known(self) -> bool:
        """Whether every part of it could be read. Only then can it be examined (see `Lock.exam`)."""
        return known(self.demand)

    def names(self) -> tuple[str, str, str, str, str]:
        """The names without the file: suite, test, principal, resource, action."""
        one = self.id
        return one.suite, one.test, one.principal, one.resource, one.action


def known(demand: Demand) -> bool:
    """Whether every part of `demand` could be read."""
    if not demand.effect:
        return False
    texts = [*demand.inputs[:4], *(val for _, val in demand.outputs if val)]
    return all(map(_seen, texts)) and all(src != UNSEEN_SOURCE for src, _ in demand.outputs)


def meets(locked: Assertion, candidate: Assertion) -> bool:
    """Whether `candidate` demands at least what `locked` does. Unknown parts fit only under the same names."""
    want, have = locked.demand, candidate.demand
    if want.inputs == have.inputs and want.effect == have.effect and want.effect:
        if want.outputs <= have.outputs:
            return True
        if locked.known:
            return False
    if locked.known or not _same_names(locked, candidate):
        return False
    if want.effect and want.effect != have.effect:
        return False
    parts = zip(want.inputs[:4], have.inputs[:4], strict=True)
    return all(a == b or fits(decode(a), decode(b)) for a, b in parts) and _outputs_fit(want, have)


def _same_names(locked: Assertion, candidate: Assertion) -> bool:
    """Names that could not be read are no hindrance."""
    return all(mine in ("", theirs) for mine, theirs in zip(locked.names(), candidate.names(), strict=True))


def _seen(text: str) -> bool:
    return not _PERHAPS_UNSEEN.search(text) or seen(decode(text))


def _outputs_fit(want: Demand, have: Demand) -> bool:
    got = dict(have.outputs)
    return all(src == UNSEEN_SOURCE or (src in got and _output_fits(val, got[src])) for src, val in want.outputs)


def _output_fits(want: str, have: str) -> bool:
    return want == have or bool(want and have and fits(decode(want), decode(have)))
