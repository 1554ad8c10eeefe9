"""Decisions as the concrete requests that they are."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

from policyloop.specification.case_request import CaseRequest
from policyloop.specification.examples import Examples, Person, Thing
from policyloop.specification.model import Decision, Rule, Spec
from policyloop.specification.times import moment, written
from policyloop.specification.vocabulary import DEFAULT_NOW

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Case:
    """One action of one decision. `number` is the position of the decision in the spec, from 0."""

    number: int
    decision: Decision
    request: CaseRequest

    @property
    def action(self) -> str:
        """What is asked for."""
        return self.request.action

    @property
    def allowed(self) -> bool:
        """Whether it must be allowed."""
        return self.decision.expect == "allow"


class Cases:
    """All cases of a spec. A decision that names something that is not there has none."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.examples = Examples(spec)
        self.rules: Mapping[str, Rule] = {rule.id: rule for rule in reversed(spec.rules)}
        self._all = tuple(case for n, decision in enumerate(spec.decisions) for case in self._of(n, decision))

    def __iter__(self) -> Iterator[Case]:
        return iter(self._all)

    @cached_property
    def by_decision(self) -> Mapping[str, tuple[Case, ...]]:
        """Decision id -> its cases, one for each action."""
        return _grouped((case.decision.id, case) for case in self._all)

    @cached_property
    def by_rule(self) -> Mapping[str, tuple[Case, ...]]:
        """Rule id -> the cases of its decisions."""
        return _grouped((case.decision.rule, case) for case in self._all)

    def _of(self, number: int, decision: Decision) -> Iterator[Case]:
        person = self.examples.principals.get(decision.principal)
        thing = self.examples.resources.get(decision.resource)
        claims = self.examples.claims.get(decision.claims) if decision.claims else _NOTHING
        now = now_of(self.spec, decision)
        if person is None or thing is None or claims is None or now is None:
            return
        for action in actions_of(decision, self.rules.get(decision.rule)):
            yield Case(number, decision, _request(person, thing, claims, decision, now, action))


def actions_of(decision: Decision, rule: Rule | None) -> tuple[str, ...]:
    """The actions of a decision: those of its rule when it names none."""
    return tuple(dict.fromkeys(decision.actions or (rule.actions if rule else ())))


def now_of(spec: Spec, decision: Decision) -> str | None:
    """The moment of a decision in UTC, None when what stands there is no moment."""
    when = moment(decision.now or spec.now or DEFAULT_NOW)
    return written(when) if when else None


def _request(
    person: Person, thing: Thing, claims: Mapping[str, Any], decision: Decision, now: str, action: str
) -> CaseRequest:
    return CaseRequest(
        principal=person.id,
        roles=frozenset(person.roles),
        principal_attr=person.attr,
        principal_scope=person.scope,
        principal_version=person.version,
        kind=thing.kind,
        resource=thing.id,
        resource_attr=thing.attr,
        resource_scope=thing.scope,
        resource_version=thing.version,
        claims=claims,
        globals=decision.globals,
        now=now,
        action=action,
    )


def _grouped(pairs: Iterable[tuple[str, Case]]) -> Mapping[str, tuple[Case, ...]]:
    found: dict[str, list[Case]] = {}
    for key, case in pairs:
        found.setdefault(key, []).append(case)
    return {key: tuple(cases) for key, cases in found.items()}
