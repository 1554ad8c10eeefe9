"""What the PDP is asked: who asks for which action on what. JSON's values only; numbers are doubles, as in Cerbos."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

Attributes = Mapping[str, Any]
"""Attribute -> JSON value. Treated as immutable; an attribute that is not there is absent, which is not null."""


@dataclass(frozen=True)
class Principal:
    """Who asks. `roles` are sorted, at least one; `policy_version` and `scope` are "" when the PDP's default holds."""

    id: str
    roles: tuple[str, ...]
    attr: Attributes = field(default_factory=dict)
    policy_version: str = ""
    scope: str = ""

    @cached_property
    def key(self) -> str:
        """The same text for the same principal, however its attributes are ordered."""
        return canonical(self.to_json())

    def __hash__(self) -> int:
        return hash(self.key)

    def to_json(self) -> dict[str, Any]:
        """As the PDP takes it, and as a suite's fixture; what is at its default is left out."""
        return _with_defaults_left_out(
            {"id": self.id, "roles": list(self.roles), "attr": dict(self.attr)}, self.policy_version, self.scope
        )


@dataclass(frozen=True)
class Resource:
    """What is asked for. `policy_version` and `scope` are "" when the PDP's default holds."""

    kind: str
    id: str
    attr: Attributes = field(default_factory=dict)
    policy_version: str = ""
    scope: str = ""

    @cached_property
    def key(self) -> str:
        """The same text for the same resource, however its attributes are ordered."""
        return canonical(self.to_json())

    def __hash__(self) -> int:
        return hash(self.key)

    def to_json(self) -> dict[str, Any]:
        """As the PDP takes it, and as a suite's fixture; what is at its default is left out."""
        return _with_defaults_left_out(
            {"kind": self.kind, "id": self.id, "attr": dict(self.attr)}, self.policy_version, self.scope
        )


@dataclass(frozen=True)
class Request:
    """One question with one answer: allowed or denied.

    `claims` are those of the token that comes with it. The moment is the PDP's own clock: no request can set it.
    """

    principal: Principal
    resource: Resource
    action: str
    claims: Attributes = field(default_factory=dict)

    @cached_property
    def key(self) -> str:
        """The same text for the same request."""
        return canonical(self.to_json())

    def __hash__(self) -> int:
        return hash(self.key)

    def to_json(self) -> dict[str, Any]:
        """The request as people see it; `auxData` holds the claims, as in a suite's fixture."""
        whole: dict[str, Any] = {
            "principal": self.principal.to_json(),
            "resource": self.resource.to_json(),
            "action": self.action,
        }
        return {**whole, "auxData": {"jwt": dict(self.claims)}} if self.claims else whole


@dataclass(frozen=True, slots=True)
class Batch:
    """Questions that one call to the PDP answers: one principal, some resources, for each the same actions.

    Decisions come resource by resource, in the order of `actions`. At most `MAX_BATCH` resources, `MAX_BATCH` actions.
    """

    principal: Principal
    resources: Sequence[Resource]
    actions: Sequence[str]
    claims: Attributes = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.resources) * len(self.actions)

    def request(self, number: int) -> Request:
        """The question whose decision is the one at `number`."""
        resource, action = divmod(number, len(self.actions))
        return Request(self.principal, self.resources[resource], self.actions[action], self.claims)


MAX_BATCH = 500
"""The most resources, and the most actions, of one batch: Cerbos 0.55.0 lets a server be configured up to that."""


def batch_of(request: Request) -> Batch:
    """A batch of one question."""
    return Batch(request.principal, (request.resource,), (request.action,), request.claims)


def canonical(value: Any) -> str:
    """The same text for the same JSON value: keys sorted, and 1 written as 1.0, since Cerbos keeps both as doubles."""
    return _encoded(_leveled(value))


_encoded = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode
"""Made once: `json.dumps` would make an encoder for each value."""
_AS_THEY_ARE = frozenset({str, float, bool, type(None)})


def _leveled(value: Any) -> Any:
    if type(value) in _AS_THEY_ARE:
        return value
    if isinstance(value, dict | Mapping):
        return {key: _leveled(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_leveled(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def _with_defaults_left_out(body: dict[str, Any], version: str, scope: str) -> dict[str, Any]:
    if not body["attr"]:
        del body["attr"]
    return {**body, **({"policyVersion": version} if version else {}), **({"scope": scope} if scope else {})}
