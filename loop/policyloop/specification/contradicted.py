"""A changed spec against older tests: which locked assertions demand what the spec now says otherwise."""

from collections.abc import Iterable
from dataclasses import dataclass

from policyloop.effects import DECISIONS
from policyloop.findings import AssertionId
from policyloop.guard import Assertion
from policyloop.specification.model import Spec
from policyloop.specification.sayings import Sayings


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A locked assertion, the effect that it demands, and the rule and decision which now say otherwise.

    `decision` is "" where the rule alone says so. `likely` is set when no decision is the same request to the letter;
    `differs` then says in what the nearest one differs.
    """

    assertion: AssertionId
    demands: str
    rule: str
    decision: str
    likely: bool = False
    differs: tuple[str, ...] = ()

    def __str__(self) -> str:
        says = "deny" if self.demands == "allow" else "allow"
        how = f" (likely; it has other {', '.join(self.differs)})" if self.differs else ""
        by = self.decision or "by what it states"
        return f"{self.assertion} demands {self.demands}, but rule {self.rule} now says {says}: {by}{how}"


def contradicted(spec: Spec, lock: Iterable[Assertion]) -> tuple[Contradiction, ...]:
    """The locked assertions that the spec contradicts, in the order of the lock, one entry each."""
    sayings = Sayings(spec)
    against = (_held_against(old, sayings) for old in lock)
    return tuple(contradiction for contradiction in against if contradiction is not None)


def _held_against(old: Assertion, sayings: Sayings) -> Contradiction | None:
    said = sayings.about(old)
    demands = DECISIONS.get(old.demand.effect)
    if said is None or demands is None or said.effect == demands:
        return None
    return Contradiction(old.id, demands, said.rule, said.decision, said.likely, said.differs)
