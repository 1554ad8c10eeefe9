"""One concrete request, everything in it resolved, and in which fields two of them differ."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final


class Missing:
    """A field that is not there."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "nothing"


MISSING: Final = Missing()


@dataclass(frozen=True, slots=True)
class Difference:
    """One field in which two requests differ. For `principal.roles` it is one role that is lost, gained or replaced."""

    path: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.path} ({shown(self.before)} / {shown(self.after)})"


@dataclass(frozen=True)
class CaseRequest:
    """Who asks for what, when. `now` is in UTC; roles are a set; `version` and `scope` are "" when not given."""

    principal: str
    roles: frozenset[str]
    principal_attr: Mapping[str, Any]
    principal_scope: str
    principal_version: str
    kind: str
    resource: str
    resource_attr: Mapping[str, Any]
    resource_scope: str
    resource_version: str
    claims: Mapping[str, Any]
    globals: Mapping[str, Any]
    now: str
    action: str

    @cached_property
    def tree(self) -> Mapping[str, Any]:
        """Everything but the roles, nested as the paths of fields are."""
        return {
            "principal": {
                "id": self.principal,
                "attr": self.principal_attr,
                "scope": self.principal_scope,
                "policy_version": self.principal_version,
            },
            "resource": {
                "kind": self.kind,
                "id": self.resource,
                "attr": self.resource_attr,
                "scope": self.resource_scope,
                "policy_version": self.resource_version,
            },
            "claims": self.claims,
            "globals": self.globals,
            "now": self.now,
            "action": self.action,
        }

    @cached_property
    def key(self) -> str:
        """The same text for the same request, however its numbers and mappings are written."""
        return json.dumps([_leveled(self.tree), sorted(self.roles)], sort_keys=True, ensure_ascii=False)

    def field(self, path: str) -> Any:
        """The value of a field, `MISSING` when it is not there."""
        if path == "principal.roles":
            return sorted(self.roles)
        node: Any = self.tree
        for part in path.split("."):
            if not isinstance(node, Mapping) or part not in node:
                return MISSING
            node = node[part]
        return node

    def differences(self, other: "CaseRequest") -> tuple[Difference, ...]:
        """Every field in which `other` differs, sorted by path. A missing mapping is one field, not its parts."""
        found = [*_between(self.tree, other.tree, ""), *self._roles(other)]
        return tuple(sorted(found, key=lambda one: one.path))

    def _roles(self, other: "CaseRequest") -> Iterator[Difference]:
        lost, gained = sorted(self.roles - other.roles), sorted(other.roles - self.roles)
        for n in range(max(len(lost), len(gained))):
            before = lost[n] if n < len(lost) else MISSING
            yield Difference("principal.roles", before, gained[n] if n < len(gained) else MISSING)


def same(before: Any, after: Any) -> bool:
    """Whether two values are the same to Cerbos: 1 is 1.0, and true is not 1."""
    return _dump(before) == _dump(after)


def overlap(path: str, other: str) -> bool:
    """Whether two field paths are the same or one lies within the other."""
    return path == other or path.startswith(f"{other}.") or other.startswith(f"{path}.")


def shown(value: Any) -> str:
    """A value in one short line."""
    text = repr(value) if isinstance(value, Missing) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _between(before: Any, after: Any, path: str) -> Iterator[Difference]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            inner = f"{path}.{key}" if path else key
            yield from _between(before.get(key, MISSING), after.get(key, MISSING), inner)
    elif before is MISSING or after is MISSING or not same(before, after):
        yield Difference(path, before, after)


def _dump(value: Any) -> str:
    return json.dumps(_leveled(value), sort_keys=True, ensure_ascii=False)


def _leveled(value: Any) -> Any:
    """Numbers as doubles, as Cerbos keeps them."""
    if isinstance(value, Mapping):
        return {key: _leveled(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_leveled(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value
