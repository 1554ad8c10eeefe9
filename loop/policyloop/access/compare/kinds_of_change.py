"""Kinds of changes: of very many requests that differ, the few that are kept and looked at."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from policyloop.access.ask.request import Request
from policyloop.access.ask.smaller import weight
from policyloop.access.compare.accepted import NOTHING, Accepts
from policyloop.access.pdp import Pdp
from policyloop.access.pdp.settings import Schemas
from policyloop.access_report import Deciding, Engine, Reason
from policyloop.effects import ALLOW, DENY

MOST_SAMPLES = 16
"""How many of the first, and of the later, requests of one kind of change are kept beside the smallest."""

Key = tuple[bool, str, str, str, str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Found:
    """A difference, how the PDP was configured, and the moment when only the compiler's engine could be asked."""

    request: Request
    wider: bool
    schemas: Schemas
    now: str | None = None
    accepted: str | None = None
    engine: Engine = "decisions"

    def same_but_for_roles(self, other: "Found") -> bool:
        """Whether `other` is the same kind of change, of a principal with these roles and maybe more."""
        mine, theirs = self.key, other.key
        return mine[:-1] == theirs[:-1] and set(mine[-1]) <= set(theirs[-1])

    def reason(self, was: Deciding, now: Deciding, *, strict: bool) -> Reason:
        """As it is told."""
        one = self.request
        return Reason(
            direction="wider" if self.wider else "narrower",
            resource=one.resource.kind,
            action=one.action,
            roles=one.principal.roles,
            request=one.to_json(),
            before=DENY if self.wider else ALLOW,
            after=ALLOW if self.wider else DENY,
            was=was,
            now_is=now,
            engine="clock" if self.now else self.engine,
            strict=strict,
            schemas=self.schemas,
            now=self.now,
            asked_for=self.accepted,
        )

    @property
    def key(self) -> Key:
        one = self.request
        return (
            self.wider,
            one.resource.kind,
            one.action,
            one.resource.policy_version,
            one.resource.scope,
            one.principal.roles,
        )


class Group:
    """Requests that show one kind of change: the smallest, the first ones, and the latest of each of some slots.

    The smallest one may be asked for while another is not; so each of these is looked at by itself.
    """

    def __init__(self, first: Found) -> None:
        self._smallest = first
        self._weight = weight(first.request)
        self._first = [first.request]
        self._slots: dict[int, Request] = {}

    def take(self, found: Found) -> None:
        """One more."""
        heavy = weight(found.request)
        if heavy < self._weight:
            self._smallest, self._weight = found, heavy
        if len(self._first) < MOST_SAMPLES:
            self._first.append(found.request)
        else:
            self._slots[zlib.crc32(found.request.key.encode()) % MOST_SAMPLES] = found.request

    def sorts(self, accepts: Accepts, new: Pdp) -> Iterator[Found]:
        """The smallest request of each sort: those that nothing asks for, and those that a rule asks for."""
        one = self._smallest
        if not one.wider or accepts is NOTHING.requests:
            yield one
            return
        told: set[str | None] = set()
        for request in sorted({one.request, *self._first, *self._slots.values()}, key=weight):
            name = accepts(request, new)
            if name not in told:
                told.add(name)
                yield replace(one, request=request, accepted=name)
