"""The smallest request that still shows a difference: every part that does not matter is taken out.

Where an answer costs little, one part after the other is tried (`smallest`). Where many are asked at once, all that are
smaller are made beforehand (`all_smaller`).
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from policyloop.access.ask.request import Principal, Request, Resource

Shows = Callable[[Request], bool]
MOST_PARTS = 5
"""Of a request with more parts, not every set of them is left out."""


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


def all_smaller(request: Request) -> Iterator[Request]:
    """`request` without each set of its parts; of more than `MOST_PARTS`, without one, all but one, and all of them."""
    parts = removable(request)
    count = len(parts)
    sizes = range(1, count + 1) if count <= MOST_PARTS else (1, count - 1, count)
    for gone in itertools.chain.from_iterable(itertools.combinations(parts, size) for size in sizes):
        smaller = _without_parts(request, set(gone))
        if smaller.principal.roles:
            yield smaller


def removable(request: Request) -> list[tuple[str, str]]:
    """What may be left out of a request: attributes, and roles of more than one."""
    who, what = request.principal, request.resource
    roles = who.roles if len(who.roles) > 1 else ()
    return [
        *(("role", role) for role in roles),
        *(("who", name) for name in who.attr),
        *(("what", name) for name in what.attr),
    ]


def weight(request: Request) -> tuple[int, int, str]:
    """How big a request is: parts, then characters."""
    return _parts(request.to_json()), len(request.key), request.key


def _parts(value: Any) -> int:
    if isinstance(value, Mapping):
        return sum(1 + _parts(item) for item in value.values())
    if isinstance(value, list | tuple):
        return sum(1 + _parts(item) for item in value)
    return 0


def _without_parts(request: Request, gone: set[tuple[str, str]]) -> Request:
    who, what = request.principal, request.resource
    roles = tuple(role for role in who.roles if ("role", role) not in gone)
    who_attr = {name: value for name, value in who.attr.items() if ("who", name) not in gone}
    what_attr = {name: value for name, value in what.attr.items() if ("what", name) not in gone}
    return replace(request, principal=replace(who, roles=roles, attr=who_attr), resource=replace(what, attr=what_attr))


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
