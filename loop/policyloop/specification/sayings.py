"""What a spec says of the request of a locked test: by a decision, by one that is the same to every rule, by its rules.

Certain is only the same request. What is likely, and what rules state, is told as that.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from policyloop.guard import Assertion
from policyloop.specification.alike import Asked, Relevant, asked_by
from policyloop.specification.by_rules import said_by_rules
from policyloop.specification.cases import Case, Cases
from policyloop.specification.model import Spec
from policyloop.specification.vocabulary import Effect


@dataclass(frozen=True, slots=True)
class Said:
    """The effect that a spec gives to a request, and the rule and decision that say so; `decision` is "" for a rule.

    `likely` is set when it is not the same request to the letter; `differs` then says in what it differs.
    """

    effect: Effect
    rule: str
    decision: str = ""
    likely: bool = False
    differs: tuple[str, ...] = ()


class Sayings:
    """What one spec says of requests."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._cases: dict[tuple[str, str], list[Case]] = {}
        for case in Cases(spec):
            self._cases.setdefault((case.request.kind, case.action), []).append(case)
        self._relevant: Mapping[tuple[str, str], Relevant] = {key: Relevant.of(spec, *key) for key in self._cases}

    def about(self, old: Assertion) -> Said | None:
        """What is said of what a locked test asks; None when nothing is, or not the same by all that is alike."""
        asked = asked_by(old)
        if asked is None:
            return None
        key = (asked.request.kind, asked.request.action)
        alike = self._alike(key, asked)
        if alike:
            differs, _, nearest = alike[0]
            effects = {case.decision.expect for _, _, case in alike}
            if differs and len(effects) > 1:
                return None
            decision = nearest.decision
            return Said(decision.expect, decision.rule, decision.id, bool(differs), differs)
        if asked.odd_options:
            return None
        if not asked.timely and "now" in self._relevant.get(key, Relevant.of(self._spec, *key)).fields:
            return None
        by_rule = said_by_rules(self._spec, asked.request)
        return Said(by_rule.effect, by_rule.rule, likely=True) if by_rule else None

    def cover(self, old: Assertion) -> bool:
        """Whether a rule is about the kind and the action of a locked test, or that cannot be read."""
        asked = asked_by(old)
        if asked is None:
            return True
        kind, action = asked.request.kind, asked.request.action
        return any(rule.resource == kind and action in rule.actions for rule in self._spec.rules)

    def _alike(self, key: tuple[str, str], asked: Asked) -> list[tuple[tuple[str, ...], int, Case]]:
        """The cases that are the same to every rule, the nearest first, each with what differs."""
        compared = ((self._relevant[key].difference(case, asked), case) for case in self._cases.get(key, ()))
        fitting = [(differs, number, case) for number, (differs, case) in enumerate(compared) if differs is not None]
        return sorted(fitting, key=lambda item: (len(item[0]), item[1]))
