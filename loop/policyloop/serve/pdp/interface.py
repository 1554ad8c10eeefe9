"""What the decision point knows of the PDP behind it: its reply with the policies that decided it, and its health."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from policyloop.errors import Exit

Fault = Literal["gone", "slow", "refused", "odd"]
"""Why there is no reply: nothing answers there; no answer in time; the PDP does not take the request; no answer that a
PDP gives."""


class PdpError(Exception):
    """There is no reply, so nothing was decided. The text is a sentence for the record and the log."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault: Fault = fault


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersion:
    """Which policies decided, as far as that can be told.

    `digest` is the bundle's (`Bundle.digest`), `commit` the git commit whose work tree held exactly these files; both
    are empty where the policies are not ours to see: behind Cerbos's own configuration, or a PDP that runs elsewhere.
    `pdp` is the version that the PDP says it has, `source` where the policies come from, in a few words.
    """

    digest: str = ""
    commit: str = ""
    pdp: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """The decoded JSON reply to one request, and the version of the policies that made it."""

    value: object
    version: PolicyVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedPolicies:
    """Policies that were not taken: the first thing that is wrong with them, when, and their digest if it is known.

    `exit_code`: 2 where they cannot be read, 3 where they do not compile, 4 where a test fails, 8 for a trouble that is
    not theirs.
    """

    finding: str
    when: datetime
    digest: str = ""
    exit_code: Exit = Exit.USAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class PdpHealth:
    """Whether a PDP serves, since when it does or does not (UTC), and why not.

    `refused`: what the policy directory holds now and is not served, None when what it holds is served. `restarts`: how
    often a PDP was started again because one died or hung, `swaps` how often because the policies changed.
    `log` is the last that the PDP wrote, at most 200 lines.
    """

    serving: bool
    since: datetime
    trouble: str = ""
    refused: RefusedPolicies | None = None
    restarts: int = 0
    swaps: int = 0
    log: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PdpEvent:
    """Something that the log and the metrics should tell. `text` is one printable line.

    `serving`: a PDP answers, for the first time or again, or with other policies; `refused`: policies were not taken;
    `died`: the PDP ended by itself; `hung`: it did not answer and was ended; `lost`: a PDP that is not ours is gone.
    """

    kind: Literal["serving", "refused", "died", "hung", "lost"]
    text: str


class Pdp(Protocol):
    """A PDP that is asked for decisions. All of it is called in the event loop that opened it."""

    async def check(self, request: Mapping[str, Any]) -> Reply:
        """The reply to a CheckResources request (`policyloop.decide.request`), as if it had been asked alone.

        The request must be such as JSON has a form for. Raises `PdpError` within the time limit, never anything else.
        """
        ...

    def version(self) -> PolicyVersion:
        """The policies that would decide now; of a reply, its own `version` says which did."""
        ...

    def health(self) -> PdpHealth: ...
