"""What a person lets go of, and what takes its place: by a confirmed spec, by a file of releases, or by both.

A release is honoured whether or not a decision repeats the request of the test. It lets go of nothing that demands
already what the rules say: so it does not outlive its reason. A `*` in it takes along what the rules say otherwise, and
of what they leave open nothing: that must be named.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from policyloop.effects import DECISIONS
from policyloop.findings import AssertionId
from policyloop.guard import Assertion, Release
from policyloop.guard.demand import Demand
from policyloop.guard.releases import ANY
from policyloop.specification import Spec, releases_of
from policyloop.specification.sayings import Said, Sayings
from policyloop.specification.suites import effect_named
from policyloop.specification.vocabulary import Effect


@dataclass(frozen=True, slots=True)
class LetGo:
    """A locked assertion that a person lets go of. `instead`: what its request must get now, None for nothing."""

    assertion: Assertion
    instead: Effect | None = None
    rule: str = ""
    """The rule that says so; "" where a file of releases says it, or nothing does."""

    @property
    def id(self) -> AssertionId:
        """The names it goes by."""
        return self.assertion.id

    @property
    def demanded(self) -> Effect | None:
        """What it demands; None where that could not be read."""
        return cast("Effect | None", DECISIONS.get(self.assertion.demand.effect))

    @property
    def replacement(self) -> Assertion | None:
        """The same request with the effect that it must get now; None where nothing takes its place."""
        if self.instead is None or not self.assertion.known:
            return None
        return Assertion(self.id, Demand(self.assertion.demand.inputs, effect_named(self.instead)))

    def __str__(self) -> str:
        if self.replacement is None:
            return f"{self.id}; nothing is demanded in its place"
        by = f" (rule {self.rule})" if self.rule else ""
        return f"{self.id}; now it must be {effect_named(self.instead or 'deny')}{by}"


def let_go(spec: Spec, lock: Iterable[Assertion], more: Sequence[Release] = ()) -> tuple[LetGo, ...]:
    """What the spec and the releases `more` of a file let go of, in the order of the lock."""
    sayings = Sayings(spec)
    listed = list(zip(releases_of(spec), (release.replaced_by for release in spec.releases), strict=True))
    listed += [(release, "") for release in more]
    going = (_going(assertion, listed, sayings) for assertion in lock)
    return tuple(gone for gone in going if gone is not None)


def idle(spec: Spec, lock: Sequence[Assertion], more: Sequence[Release] = ()) -> tuple[str, ...]:
    """A sentence for each release that lets nothing go: it names no test, or one that is right as it is."""
    sayings = Sayings(spec)
    return tuple(words for release in (*releases_of(spec), *more) if (words := _idle(release, lock, sayings)))


def _idle(release: Release, lock: Sequence[Assertion], sayings: Sayings) -> str:
    named = [assertion for assertion in lock if release.names(assertion)]
    if not named:
        return f"The release of {release} has no effect: no test of that name is there."
    if any(_going(assertion, [(release, "")], sayings) for assertion in named):
        return ""
    said = [words for assertion in named if (words := sayings.about(assertion))]
    if not said:
        return f"The release of {release} has no effect: the rules leave open what it names; name each test, without *."
    return f"The release of {release} has no effect: what it names demands already what rule {said[0].rule} says."


def _going(assertion: Assertion, listed: Sequence[tuple[Release, str]], sayings: Sayings) -> LetGo | None:
    """What becomes of an assertion: None where it stays."""
    naming = [(release, rule) for release, rule in listed if release.names(assertion)]
    if not naming:
        return None
    said = sayings.about(assertion)
    if said is not None:
        return None if _demands(assertion, said) else LetGo(assertion, said.effect, said.rule)
    for release, rule in naming:
        if release.instead:
            return LetGo(assertion, cast("Effect", release.instead), rule)
    exact = any(ANY not in (release.principal, release.resource, release.action) for release, _ in naming)
    return LetGo(assertion) if exact or not sayings.cover(assertion) else None


def _demands(assertion: Assertion, said: Said) -> bool:
    """Whether an assertion demands what is said. An output that it demands besides may well be what changes."""
    return DECISIONS.get(assertion.demand.effect) == said.effect and not assertion.demand.outputs
