"""When two requests are the same to every rule of a spec, though ids, attributes or amounts are others.

An older test mostly has other people and other amounts in it than a decision has, and asks the same all the same.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from policyloop.guard import Assertion
from policyloop.specification.boundary import side_of
from policyloop.specification.case_request import CaseRequest, overlap
from policyloop.specification.cases import Case
from policyloop.specification.isolation import ROLES, conditions_of, looks_at, needed_roles
from policyloop.specification.model import Spec
from policyloop.specification.times import moment, written
from policyloop.specification.vocabulary import Condition


@dataclass(frozen=True, slots=True)
class Asked:
    """The request of a locked assertion. `timely` is False when it leaves the moment to the clock."""

    request: CaseRequest
    timely: bool
    odd_options: bool


def asked_by(old: Assertion) -> Asked | None:
    """What a locked assertion asks, off its canonical texts; None when a part of it could not be read."""
    if not old.known:
        return None
    inputs = old.demand.inputs
    who, what = json.loads(inputs.principal), json.loads(inputs.resource)
    aux_data, options = json.loads(inputs.aux_data) or {}, json.loads(inputs.options)
    now = options.get("now", "")
    when = moment(now)
    request = CaseRequest(
        principal=who["id"],
        roles=frozenset(who["roles"]),
        principal_attr=who.get("attr", {}),
        principal_scope=who.get("scope", ""),
        principal_version=who.get("policyVersion", ""),
        kind=what["kind"],
        resource=what["id"],
        resource_attr=what.get("attr", {}),
        resource_scope=what.get("scope", ""),
        resource_version=what.get("policyVersion", ""),
        claims=aux_data.get("jwt", {}),
        globals=options.get("globals", {}),
        now=written(when) if when else now,
        action=inputs.action,
    )
    return Asked(request, bool(now), bool(options.keys() - {"now", "globals"}) or "jwts" in aux_data)


@dataclass(frozen=True, slots=True)
class Relevant:
    """What the rules about one resource and action look at."""

    conditions: tuple[Condition, ...]
    fields: frozenset[str]
    roles: frozenset[str]
    known_roles: frozenset[str]
    persons: frozenset[str]
    """Whom a rule names, so that nobody else is the same to it."""

    @classmethod
    def of(cls, spec: Spec, kind: str, action: str) -> "Relevant":
        rules = [rule for rule in spec.rules if rule.resource == kind and action in rule.actions]
        conditions = tuple(one for rule in rules for one in conditions_of(rule, spec).values())
        fields = {field for one in conditions for field in looks_at(one)}
        resource = spec.resources.get(kind)
        if resource is not None and resource.tenant is not None:
            fields |= {f"resource.attr.{resource.tenant}", f"principal.attr.{resource.tenant}"}
        roles = frozenset(r for rule in rules for subject in rule.subjects for r in needed_roles(subject, spec))
        persons = frozenset(rule.person for rule in rules if rule.person is not None)
        return cls(conditions, frozenset(fields), roles, frozenset(spec.roles), persons)

    def difference(self, case: Case, asked: Asked) -> tuple[str, ...] | None:
        """In what two requests differ that are the same to every rule; None when they are not.

        What somebody is denied here, a role that the spec does not know may well allow.
        """
        new, old = case.request, asked.request
        strange = old.roles - new.roles - self.known_roles
        if new.roles & self.roles != old.roles & self.roles or (strange and not case.allowed):
            return None
        apart = ["options"] if asked.odd_options else []
        if new.principal != old.principal and self.persons & {new.principal, old.principal}:
            return None
        renamed = _renamed(old, new)
        if (renamed.principal, renamed.resource) != (old.principal, old.resource):
            apart.append("ids")
        for one in new.differences(renamed):
            if one.path == "now" and "now" not in self.fields:
                continue
            if not self._indifferent(one.path, new, renamed) or (one.path == "now" and not asked.timely):
                return None
            apart.append("roles" if one.path == ROLES else one.path)
        return tuple(dict.fromkeys(apart))

    def _indifferent(self, path: str, new: CaseRequest, old: CaseRequest) -> bool:
        """Whether no rule can tell two requests apart by this field."""
        if path.endswith((".scope", ".policy_version")):
            return False
        looking = [one for one in self.conditions if any(overlap(path, field) for field in looks_at(one))]
        if not looking:
            return path == ROLES or not any(overlap(path, field) for field in self.fields)
        return all(_same_side(condition, new, old) for condition in looking)


def _same_side(condition: Condition, new: CaseRequest, old: CaseRequest) -> bool:
    one, other = side_of(condition, new), side_of(condition, old)
    return one is not None and other is not None and one.holds == other.holds


def _renamed(old: CaseRequest, new: CaseRequest) -> CaseRequest:
    """`old` with the ids of `new`, also where its attributes name them."""
    names = {old.resource: new.resource, old.principal: new.principal}

    def rename(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: rename(item) for key, item in value.items()}
        if isinstance(value, list):
            return [rename(item) for item in value]
        return names.get(value, value) if isinstance(value, str) else value

    return replace(
        old,
        principal=new.principal,
        resource=new.resource,
        principal_attr=rename(old.principal_attr),
        resource_attr=rename(old.resource_attr),
        claims=rename(old.claims),
    )
