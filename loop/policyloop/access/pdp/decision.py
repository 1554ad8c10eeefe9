"""What the PDP answered, and how those answers are read. Source: Cerbos 0.55.0, `CheckResources` with `includeMeta`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policyloop.cerbos.shape import Misshapen, obj, objects, text
from policyloop.effects import ALLOW, DENY

__all__ = ["ALLOW", "DENY", "Decision", "SchemaError", "decisions", "schema_errors"]


@dataclass(frozen=True, slots=True)
class SchemaError:
    """What a JSON Schema had against a request. `source` is `principal` or `resource`; `path` a JSON pointer."""

    source: str
    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The effect, and what the PDP says about it.

    `policy` is the PDP's name for what decided, such as `resource.invoice.vdefault/acme`, or `NO_MATCH`; `scope` the
    scope in which a rule matched; `derived_roles` those that the principal had, sorted.
    """

    effect: str
    policy: str = ""
    scope: str = ""
    derived_roles: tuple[str, ...] = ()
    errors: tuple[SchemaError, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether the action may be done."""
        return self.effect == ALLOW


def decisions(answer: object, resources: int, actions: Sequence[str]) -> Iterator[Decision]:
    """The decisions of one answer about so many resources, resource by resource, in the order of `actions`.

    Raises `Misshapen` for an answer that lacks one.
    """
    results = objects(obj(answer, "answer").get("results"), "results")
    if len(results) != resources:
        raise Misshapen(f"{len(results)} results for {resources} resources")
    for result in results:
        effects = obj(result.get("actions"), "actions")
        meta = obj(result.get("meta"), "meta")
        said = obj(meta.get("actions"), "meta.actions")
        roles = tuple(sorted(str(role) for role in meta.get("effectiveDerivedRoles") or ()))
        errors = schema_errors(result)
        for action in actions:
            effect = effects.get(action)
            if effect not in (ALLOW, DENY):
                raise Misshapen(f"the effect {effect!r} for {action!r}")
            why = obj(said.get(action), "meta")
            policy, scope = (text(why.get(name), name) for name in ("matchedPolicy", "matchedScope"))
            yield Decision(effect, policy, scope, roles, errors)


def schema_errors(said: Mapping[str, Any]) -> tuple[SchemaError, ...]:
    """The `validationErrors` of an answer."""
    return tuple(_error(one) for one in objects(said.get("validationErrors"), "validationErrors"))


def _error(said: Mapping[str, Any]) -> SchemaError:
    source = text(said.get("source"), "source").removeprefix("SOURCE_").lower()
    return SchemaError(source, text(said.get("path"), "path"), text(said.get("message"), "message"))
