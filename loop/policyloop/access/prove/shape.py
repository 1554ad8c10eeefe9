"""A bundle with every condition reduced to one attribute, `R.attr.c3`. Asked of the real PDP, it shows what follows
from which conditions: roles, scopes, derived roles, role and principal policies and their order, as the PDP has it.

What the policies say is read by the PDP itself (`Pdp.policies`), never from their YAML: a name, a constant or a
condition that another reader would take for something else cannot come in. What is written here is read back the same
way before anything is asked.

The PDP's query plan does not show what follows from what. Seen with Cerbos 0.55.0: it folds `has()` into true; a denied
`x == 1`, `none` of it and `!(x == 1)` give one plan, though they differ where x is absent; the denial of one role cuts
what another allows, which a check does not do; a whole number and a double look the same.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

from policyloop.access.ask.unnamed import is_pattern
from policyloop.access.pdp import Pdp, Refused, Settings, serving_all
from policyloop.access.prove.reduced import DEFAULT, Condition, Definition, Hidden, Maker, Policy, Read, Rule, lines_of
from policyloop.access.prove.resolve import Asker
from policyloop.bundle import Bundle


@dataclass(frozen=True, slots=True)
class Shape:
    """The reduced bundle, and the conditions by their attributes."""

    bundle: Bundle
    conditions: Mapping[str, Condition]
    policies: tuple[Policy, ...] = field(repr=False)
    confused: Mapping[str, str]
    """Attributes of conditions of rules that Cerbos takes for others in the bundle, and the files of these."""
    confused_rules: Mapping[int, str]
    """The same by the numbers of the rules. See `policyloop.access.source.alike`: no proof holds for them."""
    _written: Read = field(repr=False)

    def deciding(self, asker: Asker, action: str) -> tuple[Condition, ...]:
        """Every condition that the decision can depend on, and maybe some more."""
        held: dict[str, None] = {}
        roles = None if any(policy.what == "role" for policy in self.policies) else asker.principal.roles
        for policy, rule in self._about(asker, action):
            held.update(dict.fromkeys(self._of(policy, rule, roles)))
        return tuple(self.conditions[name] for name in held)

    def doubt(self, asker: Asker, action: str, conditions: Iterable[Condition]) -> str:
        """Why nothing can be said of what is decided by these conditions, where Cerbos may take a rule for another;
        else "".
        """
        numbers = [rule.number for _, rule in self._about(asker, action)]
        doubts = [self.confused_rules[number] for number in numbers if number in self.confused_rules]
        doubts += [self.confused[one.attribute] for one in conditions if one.attribute in self.confused]
        if not doubts:
            return ""
        return (
            "Cerbos takes rules that differ only in all, any and none, or in scopePermissions, for each other "
            f"({doubts[0]})"
        )

    def _about(self, asker: Asker, action: str) -> Iterator[tuple[Policy, Rule]]:
        """The rules that can be about this kind and this action, each with its policy."""
        for policy in self.policies:
            if _concerns(policy, asker):
                for rule in policy.rules:
                    if _fits(rule.resource, asker.kind) and any(_like(one, action) for one in rule.actions):
                        yield policy, rule

    def of_derived_role(self, name: str) -> tuple[Condition, ...]:
        """Every condition of the derived roles of that name."""
        named = [one for one in self._definitions() if one.name == name]
        return tuple(self.conditions[attribute] for one in named for attribute in one.conditions)

    def near(self, asker: Asker) -> frozenset[str]:
        """Every condition that anything says of this kind of resource, by its attribute."""
        held: set[str] = set()
        for policy in self.policies:
            for rule in policy.rules:
                if _fits(rule.resource, asker.kind):
                    held.update(self._of(policy, rule, None))
        return frozenset(held)

    def _of(self, policy: Policy, rule: Rule, roles: Sequence[str] | None) -> Iterator[str]:
        used = [one for one in self._definitions() if one.name in rule.derived_roles]
        own = policy.what != "resource" or _held(rule.roles, roles)
        used = [one for one in used if _held(one.parent_roles, roles)]
        if own or used:
            yield from rule.conditions
        for one in used:
            yield from one.conditions

    def _definitions(self) -> Iterator[Definition]:
        for policy in self.policies:
            yield from policy.definitions

    def schemas(self, of: str) -> tuple[object, ...]:
        """What decides which resources of a kind are taken at all, where the PDP enforces schemas."""
        return tuple(
            (policy.version, policy.scope, policy.schemas)
            for policy in self.policies
            if policy.what == "resource" and sanitized(policy.name) == sanitized(of)
        )

    def confirm(self, read: Read) -> None:
        """The PDP must read the reduced bundle as it was meant. Raises `Hidden`."""
        if json.dumps(_bare(read), sort_keys=True) != json.dumps(_bare(self._written), sort_keys=True):
            raise Hidden("Cerbos reads the policies otherwise once their conditions are replaced")


@contextmanager
def switched(
    bundles: Sequence[Bundle], settings: Settings, pdps: Sequence[Pdp] = ()
) -> Iterator[list[tuple[Shape, Pdp]]]:
    """The shape of each bundle with a PDP that serves it. `pdps` serve the bundles themselves; started where not given.

    Schemas are not enforced. To be entered from the main thread. Raises `Hidden`, and what `serving_all` raises but
    `Refused` for a shape.
    """
    plain = replace(settings, schemas="none")
    if pdps:
        read = [one.policies() for one in pdps]
    else:
        with serving_all(bundles, plain) as started:
            read = [one.policies() for one in started]
    try:
        shapes = [shape(policies, bundle) for policies, bundle in zip(read, bundles, strict=True)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as reason:
        raise Hidden(f"what Cerbos says of its policies is not understood here: {reason!r}") from None
    with ExitStack() as stack:
        try:
            served = stack.enter_context(serving_all([one.bundle for one in shapes], plain))
        except Refused as reason:
            raise Hidden(f"Cerbos does not take the bundle without its conditions: {reason.log}") from None
        for one, pdp in zip(shapes, served, strict=True):
            one.confirm(pdp.policies())
        yield list(zip(shapes, served, strict=True))


def shape(read: Read, bundle: Bundle) -> Shape:
    """The shape of `bundle`, whose policies the PDP reads as `read`. Raises `Hidden`."""
    maker = Maker(read, lines_of(bundle))
    policies = [maker.policy(file, one) for file, one in read.items()]
    written = {f"policy_{number:05}.json": one for number, one in enumerate(maker.reduced)}
    texts = {path: json.dumps(one, indent=1) for path, one in written.items()}
    return Shape(Bundle({**bundle.schemas(), **texts}), maker.conditions, tuple(policies), *maker.confused(), written)


def _bare(read: Read) -> list[object]:
    """Policies without what only helps people, in the order of their files."""
    return [_without_nothing(read[file]) for file in sorted(read)]


def _without_nothing(value: object) -> object:
    """JSON without empty objects' defaults: the server leaves out what is empty."""
    if isinstance(value, Mapping):
        return {key: _without_nothing(item) for key, item in value.items() if item not in ("", [], None)}
    return [_without_nothing(item) for item in value] if isinstance(value, list) else value


def _concerns(policy: Policy, asker: Asker) -> bool:
    match policy.what:
        case "resource":
            version = asker.policy_version or DEFAULT
            scope, own = asker.scope.removeprefix("."), policy.scope
            return sanitized(policy.version) == sanitized(version) and (
                not own or scope == own or scope.startswith(f"{own}.")
            )
        case "principal":
            return policy.name == asker.principal.id
        case "role":
            return True
    return False


def _fits(resource: str, asked: str) -> bool:
    return _like(resource, asked) or sanitized(resource) == sanitized(asked)


def _like(pattern: str, text: str) -> bool:
    return is_pattern(pattern) or pattern == text


def _held(roles: Sequence[str], held: Sequence[str] | None) -> bool:
    return held is None or any(is_pattern(role) or role in held for role in roles)


def sanitized(name: str) -> str:
    """A name as the PDP looks it up: seen with Cerbos 0.55.0, `a_b` answers for `a-b` and `a:b` as well."""
    return re.sub(r"[^\w.]+", "_", name, flags=re.ASCII)
