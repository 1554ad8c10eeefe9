"""The same questions to two PDPs, and the answers that differ."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from policyloop.access.ask.request import Batch, Request
from policyloop.access.pdp import Pdp, allowed, encode

_CALL_ID = b'"cerbosCallId"'


@dataclass(frozen=True, slots=True)
class Difference:
    """One request that one bundle allows and the other denies; `wider` when the new one allows it."""

    request: Request
    wider: bool


def differences(old: Pdp, new: Pdp, batches: Iterable[Batch]) -> Iterator[Difference]:
    """Every request of `batches` on which the two disagree. Streams; both work at the same time.

    Raises `Unavailable` when one of them is gone, `ValueError` for a request that is none.
    """
    for_old, for_new = itertools.tee((batch, encode(batch)) for batch in batches)
    for (batch, before), (_, after) in zip(old.answers(for_old), new.answers(for_new), strict=True):
        # Both servers are the same binary, so the same decisions are the same bytes up to the call's own name.
        if before.partition(_CALL_ID)[0] == after.partition(_CALL_ID)[0]:
            continue
        if not before or not after:
            raise ValueError(f"one of the two PDPs does not take a request of {batch.principal.key}")
        pairs = zip(allowed(before, batch), allowed(after, batch), strict=True)
        for number, (was, now) in enumerate(pairs):
            if was is not now:
                yield Difference(batch.request(number), now)
