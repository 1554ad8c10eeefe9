"""Every question that there is about two bundles: so that what was not put to the solver can be counted and named.

One question stands for everybody with a role, whatever their id, their attributes, their other roles and their claims.
That one role is enough is a fact about the PDP where evaluation is not strict: a principal is allowed what one of its
roles alone is allowed (`tests/test_access_coverage.py` holds that against it). Under strict evaluation an error that
belongs to one role denies the others too, so there each set of roles is a question.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from policyloop.access.ask.request import Principal
from policyloop.access.ask.unnamed import is_pattern, sample, unnamed
from policyloop.access.prove.reduced import DEFAULT, Policy, Rule
from policyloop.access.prove.shape import Shape, sanitized
from policyloop.access.prove.verdict import Asked

NOBODY, OTHER = "policyloop_somebody", "policyloop_other"
"""An id, and a role, an action, a kind, a version, a scope, that nothing names; another one where something does."""
MOST_ROLES = 5
"""So many roles are put together in every way under strict evaluation."""
_TAIL = re.compile(r"(?:\*|[^*?\[\]{}!\\]*:\*)\Z")
_OWN_VERSION = re.compile(r"policy_?[vV]ersion")
_OWN_SCOPE = re.compile(r"\bscope\b")
_OWN_KIND = re.compile(r"\bkind\b")


@dataclass(frozen=True, slots=True)
class Coverage:
    """The questions, and in words what there is beside them."""

    asked: tuple[Asked, ...]
    missing: tuple[str, ...] = ()


def coverage(shapes: Sequence[Shape], *, strict: bool, only: Iterable[str] | None = None) -> Coverage:
    """All questions about the bundles of these shapes. `only`: about these kinds of resource."""
    made = _Axes([policy for shape in shapes for policy in shape.policies], _texts(shapes), strict)
    wanted = None if only is None else {sanitized(name) for name in only}
    asked = tuple(
        question for kind in made.kinds if wanted is None or sanitized(kind) in wanted for question in made.about(kind)
    )
    return Coverage(tuple(dict.fromkeys(asked)), tuple(dict.fromkeys(made.missing)))


def _texts(shapes: Sequence[Shape]) -> str:
    """Everything that conditions say."""
    parts: dict[str, None] = {}
    for shape in shapes:
        for condition in shape.conditions.values():
            parts[condition.text] = None
            parts.update(dict.fromkeys(condition.names.variables.values()))
    return "\n".join(parts)


class _Axes:
    def __init__(self, policies: Sequence[Policy], texts: str, strict: bool) -> None:  # noqa: FBT001
        self._policies = policies
        self._strict = strict
        self.missing: list[str] = []
        self._beside = [one for one in policies if one.what in ("principal", "role")]
        # A condition can tell a version that is named from the same one left out; without such a condition both are one
        # question.
        self._own_version = bool(_OWN_VERSION.search(texts))
        if _OWN_SCOPE.search(texts):
            self.missing.append("conditions look at scopes, and not every scope was put to the solver")
        self.kinds = self._all_kinds(texts)
        scopes = {policy.scope for policy in policies if policy.what in ("resource", "principal", "role")} | {""}
        self._other_scope = unnamed(OTHER, (part for scope in scopes for part in scope.split(".")))
        self._other_version = unnamed(OTHER, (policy.version for policy in policies))
        self._scopes = tuple(sorted(scopes))
        if self._beside:
            self._scopes += tuple(f"{scope}.{self._other_scope}".removeprefix(".") for scope in sorted(scopes))

    def _all_kinds(self, texts: str) -> tuple[str, ...]:
        """Every kind that is named, and one that no policy names: principal and role policies may allow it too."""
        rules = [rule for policy in self._beside for rule in policy.rules]
        in_rules = {rule.resource for rule in rules}
        patterns = {kind for kind in in_rules if is_pattern(kind)}
        named = {policy.name for policy in self._policies if policy.what == "resource"} | (in_rules - patterns)
        for pattern in sorted(patterns - {"*"}):
            self.missing.append(f"not every kind of resource that `{pattern}` stands for was put to the solver")
        # What the PDP looks up under one spelling a glob or a condition sees in another.
        respelled = any(sanitized(name) != name or "_" in name for name in named)
        if respelled and (self._beside or _OWN_KIND.search(texts)):
            self.missing.append("kinds that the PDP takes for each other, such as `a_b` and `a-b`, were not all asked")
        return (*sorted(named), unnamed(OTHER, [*named, *map(sanitized, named), *in_rules]))

    def about(self, kind: str) -> Iterator[Asked]:
        rules = [rule for one in self._policies for rule in one.rules if _speaks(rule, kind)]
        versions = {one.version for one in self._policies if one.what != "resource" or _same(one.name, kind)}
        asked_versions = ["", *sorted(versions - {DEFAULT}), *([DEFAULT] if self._own_version else [])]
        # Of a version or a scope for which there is no policy nothing is allowed, but by principal and role policies.
        asked_versions += [self._other_version] if self._beside else []
        actions, principals = self._actions(rules), list(self._principals(rules))
        for version, scope in itertools.product(asked_versions, self._scopes):
            yield from (
                Asked(who, kind, action, version, scope, anybody=True) for who in principals for action in actions
            )

    def _principals(self, rules: Sequence[Rule]) -> Iterator[Principal]:
        persons = sorted({one.name for one in self._beside if one.what == "principal"})
        own = {(one.version, one.scope) for one in self._beside}
        places = {("", "")} | {("" if version == DEFAULT else version, scope) for version, scope in own}
        if self._beside:
            places |= {(self._other_version, ""), ("", self._other_scope)}
        for name in (unnamed(NOBODY, persons), *persons):
            for version, scope in sorted(places):
                for roles in self._role_sets(rules):
                    yield Principal(name, roles, {}, version, scope)

    def _role_sets(self, rules: Sequence[Rule]) -> Iterator[tuple[str, ...]]:
        used = {name for rule in rules for name in rule.derived_roles}
        parents = [one.parent_roles for policy in self._policies for one in policy.definitions if one.name in used]
        inherited = [(one.name, *one.parents) for one in self._policies if one.what == "role"]
        held = {role for rule in rules for role in rule.roles} | {r for roles in (*parents, *inherited) for r in roles}
        roles = (*sorted(role for role in held if not is_pattern(role)), unnamed(OTHER, held))
        yield from ((role,) for role in roles)
        # Without strict evaluation one role stands for every set that it is in.
        if not self._strict:
            return
        if len(roles) > MOST_ROLES:
            self.missing.append(f"not every set of {len(roles)} roles was put to the solver")
        # The sets double with each role; above the bound pairs are asked, and that not all were is said.
        largest = len(roles) if len(roles) <= MOST_ROLES else 2
        for size in range(2, largest + 1):
            yield from (tuple(sorted(some)) for some in itertools.combinations(roles, size))

    def _actions(self, rules: Sequence[Rule]) -> tuple[str, ...]:
        """Those that are named, and for each pattern some that only it and its like stand for."""
        named: dict[str, None] = {}
        patterns = list(dict.fromkeys(action for rule in rules for action in rule.actions))
        other = unnamed(OTHER, patterns)
        for pattern in patterns:
            if not is_pattern(pattern):
                named[pattern] = None
                continue
            # A star at the end is met by one sample; one in the middle, a bracket or a brace would need many.
            if not _TAIL.match(pattern):
                self.missing.append(f"not every action that `{pattern}` stands for was put to the solver")
            fitting = sample(pattern, other, patterns)
            named.update(dict.fromkeys((fitting, f"{fitting}:{other}")))
        return (*named, other, f"{other}:{other}")


def _same(name: str, kind: str) -> bool:
    return sanitized(name) == sanitized(kind)


def _speaks(rule: Rule, kind: str) -> bool:
    return is_pattern(rule.resource) or _same(rule.resource, kind)


__all__ = ["MOST_ROLES", "Coverage", "coverage"]
