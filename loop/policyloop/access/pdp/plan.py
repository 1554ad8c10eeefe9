"""A query plan: what must hold for a resource so that a principal may do something with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from policyloop.access.pdp.decision import SchemaError

PlanKind = Literal["KIND_ALWAYS_ALLOWED", "KIND_ALWAYS_DENIED", "KIND_CONDITIONAL"]


@dataclass(frozen=True, slots=True)
class Plan:
    """`condition` is the PDP's expression tree as JSON, `{"expression": {"operator", "operands"}}`, for a conditional.

    In it stand `{"variable": "request.resource.attr.x"}` and `{"value": ...}`, the principal already substituted.
    """

    kind: PlanKind
    condition: Mapping[str, Any] | None = None
    policy: str = ""
    scope: str = ""
    errors: tuple[SchemaError, ...] = ()
