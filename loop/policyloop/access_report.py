"""What changed in access between two bundles: each change with a request that shows it, and what lets it in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from policyloop.shape import Count

Direction = Literal["wider", "narrower"]
Engine = Literal["decisions", "clock", "proof"]


@dataclass(frozen=True, slots=True)
class Deciding:
    """The rule that decided, where it stands (from 1), and its policy as the PDP calls it.

    `file` and `line` are None, and `rule` is empty, where no rule spoke: nothing allowed it, or a role policy did not
    list it. `policy` is empty when there is no policy for the request.
    """

    policy: str = ""
    rule: str = ""
    file: str | None = None
    line: int | None = None
    effect: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One change. `request` is the smallest one found that shows it, as JSON; both effects were confirmed with it.

    `engine` says who found it: by decisions of the PDP, by decisions at a moment (`now`, which only the compiler's
    engine can be told), or by proof. `strict` and `schemas` say how the PDP was configured. `asked_for` names the rule,
    of the spec or of `--allow`, that accepts it.
    """

    direction: Direction
    resource: str
    action: str
    roles: tuple[str, ...]
    request: Mapping[str, Any]
    before: str
    after: str
    was: Deciding
    now_is: Deciding
    engine: Engine
    strict: bool = False
    schemas: Literal["none", "reject"] = "none"
    now: str | None = None
    asked_for: str | None = None

    @property
    def wider(self) -> bool:
        """Whether something is allowed that was denied."""
        return self.direction == "wider"

    @property
    def lets_in(self) -> Deciding:
        """What allows it: the new rule of what got wider, the old one of what got narrower."""
        return self.now_is if self.wider else self.was


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofs:
    """What the second engine says: for `proved` questions there is no resource whatsoever that gets in now.

    A question is a principal, an action, a kind of resource, a version and a scope. `refuted`: the prover found a
    request. `unproved`: how many are left; `because`: why, each reason once; never a claim.
    """

    proved: Count = 0
    refuted: Count = 0
    unproved: Count = 0
    because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedRule:
    """A rule that is not the same in both bundles, where it stands (in the new one, if it is there), and what is known.

    `wider`: `shown` where a request that gets in now was shown; `proved` where the solver says of all that it was asked
    that none does; `searched` where it was looked for and not found; `uncovered` where a part of its condition was
    never made both true and false, or nothing told it from what it was: `why` says which, each reason once.
    """

    file: str
    line: Count | None
    rule: str
    change: Literal["added", "changed", "removed"]
    wider: Literal["shown", "proved", "searched", "uncovered"]
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """All changes that were found, shown or not. `accepted`: those that got wider as somebody asked for."""

    wider: Count = 0
    narrower: Count = 0
    accepted: Count = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessReport:
    """Two bundles compared. `reasons` are changes that were found, wider ones first; `totals` counts all of them.

    `rules` are the rules that are not the same in both. `requests` counts the questions that both bundles answered;
    `complete` whether all that were planned fitted into the bound. `skipped` says why nothing could be compared; then
    there are no reasons, and nothing is claimed.
    """

    reasons: tuple[Reason, ...] = ()
    totals: Totals | None = None
    rules: tuple[ChangedRule, ...] = ()
    requests: int = 0
    seed: int = 0
    moment: str = ""
    complete: bool = True
    proofs: Proofs | None = None
    notes: tuple[str, ...] = field(default=())
    skipped: str | None = None

    @property
    def wider(self) -> tuple[Reason, ...]:
        """What is allowed now and was denied, and that no rule asks for."""
        return tuple(one for one in self.reasons if one.wider and one.asked_for is None)

    @property
    def narrower(self) -> tuple[Reason, ...]:
        """What is denied now and was allowed."""
        return tuple(one for one in self.reasons if not one.wider)

    @property
    def count(self) -> Totals:
        """All changes that were found; where nobody counted them, those that are here."""
        if self.totals is not None:
            return self.totals
        accepted = sum(one.wider and one.asked_for is not None for one in self.reasons)
        return Totals(wider=len(self.wider), narrower=len(self.narrower), accepted=accepted)

    @property
    def uncovered(self) -> tuple[ChangedRule, ...]:
        """The changed rules of which nothing is known."""
        return tuple(one for one in self.rules if one.wider == "uncovered")

    @property
    def result(self) -> Literal["PASS", "FAIL"]:
        """`FAIL` when access got wider and nothing asks for that."""
        return "FAIL" if self.wider else "PASS"
