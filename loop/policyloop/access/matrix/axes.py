"""What a matrix has for rows and columns: the names that the policies of both bundles use."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from policyloop.access.ask.unnamed import is_pattern, may_fit, sample, unnamed
from policyloop.access.source import Policy, Rule, policies_of
from policyloop.bundle import Bundle

OTHERS = "any other"
"""The row, the column or the kind of a name that no policy uses."""

_UNNAMED_ROLE = "role_that_nothing_names"
_UNNAMED_ACTION = "action_that_nothing_names"
_UNNAMED_KIND = "kind_that_nothing_names"
_UNNAMED_PERSON = "person_that_nothing_names"


@dataclass(frozen=True, slots=True)
class Derived:
    """A derived role and one of the roles that it is derived from; `parent` is `OTHERS` where it is from any role."""

    name: str
    parent: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom a principal policy names, as the request must say it for that policy to be looked at."""

    id: str
    policy_version: str = ""
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Others:
    """Who and what stands for all that no policy names, and that no pattern fits unless it fits anything."""

    person: str
    role: str
    kind: str
    actions: tuple[str, ...]
    """All actions and patterns that rules about this kind name, for whomever."""

    def action(self, column: str) -> str:
        """The action that is asked for a column: the one that it names, or one that only its pattern fits."""
        if column == "*":
            return unnamed(_UNNAMED_ACTION, self.actions)
        return sample(column, _UNNAMED_ACTION, self.actions) if "*" in column else column


@dataclass(frozen=True, slots=True)
class Axes:
    """The rows and columns of one kind of resource in one policy version ("" for the default one).

    `patterns` are actions with a wildcard; each stands for the actions that fit it and that nothing else names.
    `any_action` says whether there is a column for those that no name and no pattern fits: always, but for a person
    only where the person's policy speaks of any action. What it does not speak of is for their roles to say.
    """

    kind: str
    version: str
    scopes: tuple[str, ...]
    roles: tuple[str, ...]
    derived: tuple[Derived, ...]
    actions: tuple[str, ...]
    patterns: tuple[str, ...] = ()
    any_action: bool = True
    role_patterns: tuple[str, ...] = ()
    """Roles with a wildcard but `*`: a role that nothing names may fit one of them, or several."""
    odd_patterns: tuple[str, ...] = ()
    """Actions with another wildcard than `*`: an action that nothing names may fit one of them."""
    person: Person | None = None
    others: Others = Others(_UNNAMED_PERSON, _UNNAMED_ROLE, _UNNAMED_KIND, ())

    @property
    def asked_kind(self) -> str:
        """The kind that stands in a request."""
        return self.others.kind if self.kind == OTHERS else self.kind


@dataclass(slots=True)
class _Names:
    """What policies name about one kind of resource in one version, in the making.

    `asked` is the kind that stands in requests. What a person's own policy names is kept apart: `own_actions`.
    """

    kind: str
    version: str
    asked: str
    person: Person | None
    roles: set[str] = field(default_factory=set)
    derived: set[str] = field(default_factory=set)
    actions: set[str] = field(default_factory=set)
    own_actions: set[str] = field(default_factory=set)
    scopes: set[str] = field(default_factory=set)

    def take(self, policy: Policy) -> None:
        match policy.what:
            case "resource" if (policy.name, policy.version) == (self.kind, self.version):
                self._take_rules(policy.rules)
                self.scopes.add(policy.scope)
            case "role":
                self._take_rules(rule for rule in policy.rules if _about(rule.resource, self.asked))
                self.scopes.add(policy.scope)
                self.roles |= {policy.name, *(item.text for item in policy.body.listed("parentRoles"))}
            case "principal" if self.person is not None and policy.name == self.person.id:
                for rule in policy.rules:
                    if _about(rule.resource, self.asked):
                        self.own_actions.update(rule.actions)

    def _take_rules(self, rules: Iterable[Rule]) -> None:
        for rule in rules:
            self.roles.update(rule.roles)
            self.derived.update(rule.derived_roles)
            self.actions.update(rule.actions)


def axes_of(bundles: Sequence[Bundle]) -> tuple[Axes, ...]:
    """For each kind of resource and version that any bundle has a policy for, and then for each person in a policy."""
    policies = [policy for bundle in bundles for policy in policies_of(bundle)]
    kinds = sorted({(policy.name, policy.version) for policy in policies if policy.what == "resource"})
    named = {kind for kind, _ in kinds}
    elsewhere = [rule for policy in policies if policy.what in ("role", "principal") for rule in policy.rules]
    kinds += [(kind, "default") for kind in sorted({rule.resource for rule in elsewhere}) if _new(kind, named)]
    if any("*" in rule.resource for rule in elsewhere):
        kinds.append((OTHERS, "default"))
    other_kind = unnamed(_UNNAMED_KIND, [*named, *(rule.resource for rule in elsewhere)])
    everybody = [_axes(kind, version, policies, None, other_kind) for kind, version in kinds]
    people = sorted({(policy.name, policy.version, policy.scope) for policy in policies if policy.what == "principal"})
    one_each = [
        _axes(kind, version, policies, Person(name, "" if of == "default" else of, scope), other_kind)
        for name, of, scope in people
        for kind, version in kinds
    ]
    return (*everybody, *(axes for axes in one_each if axes.actions or axes.patterns or axes.any_action))


def _new(kind: str, named: Iterable[str]) -> bool:
    return "*" not in kind and kind not in named


def _axes(kind: str, version: str, policies: Sequence[Policy], person: Person | None, other_kind: str) -> Axes:
    names = _Names(kind, version, other_kind if kind == OTHERS else kind, person)
    for policy in policies:
        names.take(policy)
    derived = _derived(names.derived, policies)
    roles = names.roles | {role.parent for role in derived}
    actions = names.actions if person is None else names.own_actions
    persons = (policy.name for policy in policies if policy.what == "principal")
    others = Others(
        person=unnamed(_UNNAMED_PERSON, persons),
        role=unnamed(_UNNAMED_ROLE, roles),
        kind=other_kind,
        actions=tuple(sorted(names.actions | names.own_actions)),
    )
    with_star = {action for action in actions if "*" in action}
    role_patterns = {role for role in roles - {"*"} if is_pattern(role)}
    return Axes(
        kind,
        "" if version == "default" else version,
        tuple(sorted(names.scopes)) or ("",),
        tuple(sorted(roles - role_patterns - {OTHERS, "", "*"})),
        derived,
        tuple(sorted(actions - with_star)),
        tuple(sorted(with_star - {"*"})),
        any_action=person is None or "*" in actions,
        role_patterns=tuple(sorted(role_patterns)),
        odd_patterns=tuple(sorted(action for action in actions if is_pattern(action.replace("*", "")))),
        person=person,
        others=others,
    )


def _derived(used: set[str], policies: Sequence[Policy]) -> tuple[Derived, ...]:
    found = {
        Derived(definition.name, OTHERS if is_pattern(parent) else parent)
        for policy in policies
        for definition in policy.definitions
        if definition.name in used
        for parent in definition.parent_roles
    }
    return tuple(sorted(found, key=lambda role: (role.name, role.parent)))


def _about(pattern: str, kind: str) -> bool:
    return pattern == kind or ("*" in pattern and may_fit(pattern, kind))
