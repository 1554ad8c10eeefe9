"""What a proof says, for one principal, one action and all resources of a kind."""

from dataclasses import dataclass, field
from typing import Literal

from policyloop.access.ask.request import Attributes, Principal, Request

Direction = Literal["wider", "narrower"]
"""`wider`: allowed by NEW, denied by OLD. `narrower`: the other way round."""


@dataclass(frozen=True, slots=True)
class Asked:
    """All resources of a kind, one action, one principal with just these attributes and claims.

    `anybody`: with any attributes and claims at all, and with other roles besides; the id, the scope and the policy
    version are those that policies are looked up by, and may be anything to a condition.
    """

    principal: Principal
    kind: str
    action: str
    policy_version: str = ""
    scope: str = ""
    claims: Attributes = field(default_factory=dict)
    anybody: bool = False

    def __hash__(self) -> int:
        return hash((self.principal, self.kind, self.action, self.policy_version, self.scope))


@dataclass(frozen=True, slots=True)
class Proved:
    """There is no such resource at all, whatever its id and its attributes, at any moment from 2000 to 2199."""

    asked: Asked
    direction: Direction


@dataclass(frozen=True, slots=True)
class Counterexample:
    """There is one: this request, confirmed on both PDPs."""

    asked: Asked
    direction: Direction
    request: Request


@dataclass(frozen=True, slots=True)
class NotProved:
    """Neither, `because` of what it says."""

    asked: Asked
    direction: Direction
    because: str


Verdict = Proved | Counterexample | NotProved


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one verdict may cost.

    `steps`: the solver's own count of its work, so that the same question has the same answer on a slow machine;
    `milliseconds`: what no count of steps should come to, and where it gives up all the same. `rows`: how many cases
    of conditions holding or not are asked of the PDP. `tries`: how many of the solver's findings are put to the PDPs
    when they do not confirm the first.
    """

    steps: int = 3_000_000
    milliseconds: int = 60_000
    rows: int = 2_048
    tries: int = 4
