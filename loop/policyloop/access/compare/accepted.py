"""What a wider access may be: asked for by a rule of the spec, or by a rule that a person names.

A spec's rule asks for a change when it allows, is about this resource and action, and one of the request's roles is its
subject (or a parent of a derived role that is); and when the new bundle really looks at every field that the rule's
conditions look at: each of them is changed or taken out of the smallest request, and the answer must become a denial.
So a rule that lost a condition is not asked for. Where the boundary of a condition lies is for the spec's decisions,
which are locked tests; what one of them allows to the letter is always asked for. Anything else that is unclear is not.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from policyloop.access.ask.request import Request
from policyloop.access.pdp import Pdp
from policyloop.access.source import policies_of, spliced
from policyloop.access.source.splice import without_item
from policyloop.bundle import Bundle

if TYPE_CHECKING:
    from policyloop.specification import Spec
    from policyloop.specification.model import Rule

Accepts = Callable[[Request, Pdp], str | None]
"""The name of the rule that asks for a request that `Pdp` allows, else None."""
Place = tuple[str, int]
"""A rule's file and line."""

_ELSE = "policyloop-somebody-else"


def _nothing(_request: Request, _new: Pdp) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a wider access may be: requests that a rule of the spec asks for, and all that these policy rules let in."""

    requests: Accepts = _nothing
    rules: frozenset[str] = frozenset()


NOTHING = Accepted()


def asked_by_spec(spec: "Spec", only: Collection[str] | None = None) -> Accepts:
    """What the rules of a spec ask for; with `only`, those rules of it."""
    demanded = _demanded(spec, only)

    def accepts(request: Request, new: Pdp) -> str | None:
        if request.key in demanded:
            return demanded[request.key]
        for rule in spec.rules:
            if only is not None and rule.id not in only:
                continue
            if _about(spec, rule, request) and all(
                _matters(field, request, new, related=related) for field, related in _fields(spec, rule)
            ):
                return rule.id
        return None

    return accepts


def _demanded(spec: "Spec", only: Collection[str] | None) -> dict[str, str]:
    """What decisions allow to the letter, by the key of the request: whatever else is unclear, that is asked for."""
    from policyloop.access.ask.decided import question_of
    from policyloop.specification.cases import Cases

    return {
        question_of(case.request).request.key: case.decision.rule
        for case in Cases(spec)
        if case.allowed and (only is None or case.decision.rule in only)
    }


def _about(spec: "Spec", rule: "Rule", request: Request) -> bool:
    if rule.decision != "allow" or rule.resource != request.resource.kind or request.action not in rule.actions:
        return False
    from policyloop.specification.vocabulary import within

    if rule.person not in (None, request.principal.id):
        return False
    if rule.scope is not None and not within(request.resource.scope, rule.scope):
        return False
    subjects = set(rule.subjects)
    for name in rule.subjects:
        if name in spec.derived_roles:
            subjects |= set(spec.derived_roles[name].parents)
    return "*" in subjects or bool(subjects & set(request.principal.roles))


def _fields(spec: "Spec", rule: "Rule") -> Iterator[tuple[str, bool]]:
    """What the rule's conditions, and those of its derived roles, look at; and the tenant, where there are tenants.

    Each with whether it is related to another one, as an owner is to who asks and a tenant to a tenant.
    """
    conditions = list(rule.conditions)
    for name in rule.subjects:
        if name in spec.derived_roles:
            conditions += spec.derived_roles[name].conditions
    for condition in conditions:
        roots = {field.partition(".")[0] for field in condition.looks_at}
        related = "resource" in roots and not roots.isdisjoint(("principal", "claims"))
        yield from ((field, related) for field in condition.looks_at)
        if condition.boundary and condition.boundary.field:
            yield condition.boundary.field, False
    tenant = spec.resources[rule.resource].tenant if rule.resource in spec.resources else None
    if tenant:
        yield f"resource.attr.{tenant}", True


def _matters(field: str, request: Request, new: Pdp, *, related: bool) -> bool:
    """Whether the answer becomes a denial when the field is something else. What cannot be changed is held to.

    A related one must be there, and another value of its type must be denied: to be there at all is no relation.
    """
    changed = list(_changed(field, request))
    if related and changed:
        kind = _type_at(field, request)
        if kind is type(None):
            return False
        changed = [one for one in changed if _type_at(field, one) is kind] or changed
    return not changed or any(not new.decide(one).allowed for one in changed)


def _type_at(field: str, request: Request) -> type:
    """The type of what stands in a field; that of None where nothing does."""
    here: Any = {**request.to_json(), "claims": dict(request.claims)}
    for name in field.split("."):
        here = here.get(name) if isinstance(here, dict) else None
    return type(here)


def _changed(field: str, request: Request) -> Iterator[Request]:
    principal, resource = request.principal, request.resource
    match field.split("."):
        case ["principal", "id"]:
            yield replace(request, principal=replace(principal, id=_ELSE))
        case ["resource", "id"]:
            yield replace(request, resource=replace(resource, id=_ELSE))
        case ["principal", "attr", *path]:
            for attr in _varied(principal.attr, path):
                yield replace(request, principal=replace(principal, attr=attr))
        case ["resource", "attr", *path]:
            for attr in _varied(resource.attr, path):
                yield replace(request, resource=replace(resource, attr=attr))
        case ["claims", *path]:
            for claims in _varied(request.claims, path):
                yield replace(request, claims=claims)


def _varied(attr: Any, path: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The attributes without the one at `path`, and with something else there."""
    name, *rest = path
    if rest and isinstance(attr.get(name), dict):
        for inner in _varied(attr[name], rest):
            yield {**attr, name: inner}
        return
    kept = {key: value for key, value in attr.items() if key != name}
    yield kept
    yield {**kept, name: _ELSE}
    if isinstance(attr.get(name), bool):
        yield {**kept, name: not attr[name]}
    elif isinstance(attr.get(name), int | float):
        yield from ({**kept, name: attr[name] + step} for step in (1e12, -1e12))


def without_rules(bundle: Bundle, places: Iterable[Place]) -> Bundle:
    """`bundle` without the rules that begin at these lines of these files; what cannot be taken out stays."""
    wanted = set(places)
    files = dict(bundle.files)
    for policy in policies_of(bundle):
        for rule in sorted(policy.rules, key=lambda one: one.node.start, reverse=True):
            if (rule.file, rule.line) in wanted:
                text, place = files[rule.file], rule.place
                files[rule.file] = spliced(text, [without_item(text, place.key, place.node, place.index)])
    return Bundle(files)
