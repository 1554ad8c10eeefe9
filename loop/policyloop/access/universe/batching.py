"""Batches: requests cut to a size that a server takes, and streams of them in turns."""

from collections.abc import Iterator, Sequence
from typing import Any

from policyloop.access.ask.request import Batch, Principal, Resource
from policyloop.access.universe.domains import is_token

PER_BATCH = 48
_DECISIONS_PER_BATCH = 240


def cut(
    principal: Principal, resources: Sequence[Resource], actions: Sequence[str], claims: Any = None
) -> Iterator[Batch]:
    for start in range(0, len(actions) if is_token(claims or {}) else 0, _DECISIONS_PER_BATCH):
        some = actions[start : start + _DECISIONS_PER_BATCH]
        size = max(1, min(PER_BATCH, _DECISIONS_PER_BATCH // len(some)))
        for first in range(0, len(resources), size):
            yield Batch(principal, resources[first : first + size], some, claims or {})


def in_turns(streams: Sequence[Iterator[Batch]]) -> Iterator[Batch]:
    """One batch of each stream in turn, so that a bound cuts all of them alike."""
    left = list(streams)
    while left:
        for stream in list(left):
            batch = next(stream, None)
            if batch is None:
                left.remove(stream)
            else:
                yield batch
