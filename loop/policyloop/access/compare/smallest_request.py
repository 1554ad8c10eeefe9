"""The smallest request that still shows a difference: every part that does not matter is taken out."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from policyloop.access.ask.request import Principal, Request, Resource

Shows = Callable[[Request], bool]


def smallest(request: Request, shows: Shows) -> Request:
    """`request` with as few roles and attributes as still differ in the same way, asked of both PDPs at each step."""
    tried = True
    while tried:
        tried = False
        for smaller in _smaller(request):
            if shows(smaller):
                request, tried = smaller, True
                break
    return request


def weight(request: Request) -> tuple[int, int, str]:
    """How big a request is: parts, then characters."""
    return _parts(request.to_json()), len(request.key), request.key


def _parts(value: Any) -> int:
    if isinstance(value, Mapping):
        return sum(1 + _parts(item) for item in value.values())
    if isinstance(value, list | tuple):
        return sum(1 + _parts(item) for item in value)
    return 0


def _smaller(request: Request) -> Iterator[Request]:
    """Every request that is one step smaller; whole attributes first."""
    if request.claims:
        yield replace(request, claims={})
    for attr in _without(request.resource.attr):
        yield replace(request, resource=replace(request.resource, attr=attr))
    yield from (replace(request, principal=smaller) for smaller in _smaller_principals(request.principal))
    yield from (replace(request, resource=elsewhere) for elsewhere in _elsewhere(request.resource))
    for claims in _without(request.claims):
        yield replace(request, claims=claims)


def _smaller_principals(principal: Principal) -> Iterator[Principal]:
    for attr in _without(principal.attr):
        yield replace(principal, attr=attr)
    if len(principal.roles) > 1:
        for role in principal.roles:
            yield replace(principal, roles=tuple(other for other in principal.roles if other != role))
    if principal.scope or principal.policy_version:
        yield replace(principal, scope="", policy_version="")


def _elsewhere(resource: Resource) -> Iterator[Resource]:
    """The resource in the scope above, or without a version."""
    if resource.scope:
        yield replace(resource, scope=resource.scope.rpartition(".")[0])
    if resource.policy_version:
        yield replace(resource, policy_version="")


def _without(attr: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The mapping without one of its keys; then with one value made smaller."""
    for name in attr:
        yield {key: value for key, value in attr.items() if key != name}
    for name, value in attr.items():
        if isinstance(value, dict):
            for inner in _without(value):
                yield {**attr, name: inner}
        elif isinstance(value, list) and value:
            for n in range(len(value)):
                yield {**attr, name: [*value[:n], *value[n + 1 :]]}
