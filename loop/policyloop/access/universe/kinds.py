"""What bundles name, kind by kind: actions, places, rules with values that meet and miss them, where to start."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from policyloop.access.ask.names import OTHER_ACTION, OTHER_KIND, OTHER_ROLE
from policyloop.access.ask.questions import asked_by
from policyloop.access.ask.request import Request, canonical
from policyloop.access.ask.unnamed import unnamed
from policyloop.access.cel import Call, Const, walk
from policyloop.access.universe.domains import constants_of, domain_of
from policyloop.access.universe.fields import ROLES, Assignment, Path, path_of
from policyloop.access.universe.goals import ANY, Goal, Goals
from policyloop.access.universe.models import models
from policyloop.access.universe.near import Near
from policyloop.access.universe.shapes import Shape, shape_of
from policyloop.bundle import Bundle
from policyloop.guard import Lock

_ATTR_P: Path = ("P", "attr")
_ATTR_R: Path = ("R", "attr")


@dataclass(frozen=True)
class Kind:
    """All that is known of one kind of resource, over all bundles."""

    name: str
    actions: tuple[str, ...]
    places: tuple[tuple[str, str], ...]
    """Version and scope of resources to ask about."""
    goals: tuple[Goal, ...]
    met: tuple[tuple[Assignment, ...], ...]
    missed: tuple[tuple[Assignment, ...], ...]
    domain: dict[Path, tuple[Any, ...]]
    bases: tuple[tuple[dict[str, Any], dict[str, Any]], ...]
    """Principal's and resource's attributes to start from: none, and those of fixtures."""


class Named:
    """What some bundles name. `only`: the kinds to look at; all by default. `now`: the moment to make values around.

    `fixtures`: what their suites ask, and the effect that they want. `unknown_role` is none that they name.
    """

    def __init__(self, bundles: Sequence[Bundle], now: datetime, only: frozenset[str] | None) -> None:
        self._bundles, self._now, self._only = bundles, now, only
        self.goals = [Goals(bundle) for bundle in bundles]
        self.fixtures = [one for bundle in bundles for one in asked_by(Lock.of(bundle))]
        self.roles = self._all_roles()
        self.unknown_role = unnamed(OTHER_ROLE, self.roles)
        self.kinds = tuple(self._kind(name) for name in self._names())

    def _all_roles(self) -> tuple[str, ...]:
        found = {role for goals in self.goals for goal in goals.all for role in goal.roles}
        found |= {role for question, _ in self.fixtures for role in question.request.principal.roles}
        for goals in self.goals:
            for goal in goals.all:
                for node in walk(goal.condition):
                    if isinstance(node, Call) and any(path_of(part) == ROLES for part in walk(node)):
                        found |= {
                            part.value for part in walk(node) if isinstance(part, Const) and isinstance(part.value, str)
                        }
        return tuple(sorted(role for role in found if role and role != ANY))

    def _names(self) -> tuple[str, ...]:
        found = {goal.kind for goals in self.goals for goal in goals.all}
        found |= {question.request.resource.kind for question, _ in self.fixtures}
        named = sorted(name for name in found if "*" not in name)
        names = (*named, *((unnamed(OTHER_KIND, found),) if len(named) < len(found) else ()))
        return tuple(name for name in names if self._only is None or name in self._only)

    def _kind(self, name: str) -> Kind:
        goals = tuple(dict.fromkeys(g for held in self.goals for g in held.all if g.kind == name or "*" in g.kind))
        asked = [question.request for question, _ in self.fixtures if question.request.resource.kind == name]
        actions = {action for goal in goals for action in spelled(goal.actions)} | {one.action for one in asked}
        near = Near(self._now, constants_of(goals))
        met = tuple(tuple(models(goal.condition, near, want=True)) or ({},) for goal in goals)
        missed = tuple(tuple(models(goal.condition, near, want=False)) for goal in goals)
        principals = {canonical(one.principal.attr): dict(one.principal.attr) for one in asked}
        resources = {canonical(one.resource.attr): dict(one.resource.attr) for one in asked}
        fullest = (_fullest(principals.values()), _fullest(resources.values()))
        shapes = list(self._shapes(name))
        fitting = tuple(
            next((shape.fitting for of, shape in reversed(shapes) if of == root), {}) for root in (_ATTR_P, _ATTR_R)
        )
        return Kind(
            name,
            (*sorted(actions), unnamed(OTHER_ACTION, [*actions, *(a for goal in goals for a in goal.actions)])),
            tuple(dict.fromkeys(self._places(goals, asked))),
            goals,
            met,
            missed,
            domain_of([*itertools.chain(*met), *itertools.chain(*missed)], near, goals, [one for _, one in shapes]),
            (({}, {}), *(base for base in (fullest, (fitting[0], fitting[1])) if any(base))),
        )

    def _shapes(self, kind: str) -> Iterator[tuple[Path, Shape]]:
        """What the schemas of the policies of a kind say about attributes."""
        for bundle, goals in zip(self._bundles, self.goals, strict=True):
            for policy in goals.policies:
                if policy.what == "resource" and policy.name == kind:
                    for name, root in (("principalSchema", _ATTR_P), ("resourceSchema", _ATTR_R)):
                        written = policy.body.at("schemas", name)
                        shape = shape_of(bundle, written.said("ref"), root) if written is not None else None
                        if shape is not None:
                            yield root, shape

    def _places(self, goals: Sequence[Goal], asked: Sequence[Request]) -> Iterator[tuple[str, str]]:
        yield "", ""
        for goal in goals:
            yield "" if goal.version == "default" else goal.version, goal.scope
        for one in asked:
            yield one.resource.policy_version, one.resource.scope
        for scope in sorted({goal.scope for goal in goals if goal.scope}):
            yield "", f"{scope}.unknown"


def spelled(actions: Iterable[str]) -> Iterator[str]:
    """Actions to ask for: a pattern is asked with something in place of the star."""
    for action in actions:
        if action != ANY:
            yield action.replace("*", "x")


def _fullest(some: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return max(some, key=lambda attr: (len(attr), canonical(attr)), default={})
