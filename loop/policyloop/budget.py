"""What a run may spend, what it has spent, and what is left. Nothing here can be raised while a run is under way."""

import math
from dataclasses import dataclass, field, fields
from typing import Annotated

from annotated_types import Gt, Interval

from policyloop.usage import Left, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The caps of one run. Reaching any of them ends the run at once.

    `attempts_per_class`: tries at an error class without progress. `compile_cycles`: validations, the first included.
    `tokens`, `usd`: all that model calls of the run may cost, cached tokens included. `wall_seconds`: from the first
    validation on. `refusals`: proposals that would have weakened a locked test.
    """

    attempts_per_class: Annotated[int, Interval(ge=1, le=100)] = 3
    compile_cycles: Annotated[int, Interval(ge=1, le=1000)] = 10
    tokens: Annotated[int, Interval(ge=1, le=1_000_000_000)] = 400_000
    usd: Annotated[float, Gt(0), Interval(le=100_000)] = 2.0
    wall_seconds: Annotated[float, Gt(0), Interval(le=604_800)] = 900.0
    refusals: Annotated[int, Interval(ge=1, le=100)] = 2

    def __post_init__(self) -> None:
        """Raises `ValueError` for a cap that nothing would ever reach (NaN, no number), and for one below nothing."""
        for cap in fields(self):
            value = getattr(self, cap.name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not math.isfinite(value) or value <= 0:
                raise ValueError(f"budget.{cap.name} is {value!r}, which is no number above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a run has used up so far; `tries` counts attempts since the last progress."""

    tries: int = 0
    cycles: int = 0
    refusals: int = 0
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0


def left(budget: Budget, spent: Spent) -> Left:
    """What remains, never below zero."""
    return Left(
        attempts=max(0, budget.attempts_per_class - spent.tries),
        cycles=max(0, budget.compile_cycles - spent.cycles),
        tokens=max(0, budget.tokens - spent.usage.tokens),
        usd=max(0.0, budget.usd - spent.usage.usd),
        seconds=max(0.0, budget.wall_seconds - spent.seconds),
    )


def reached(budget: Budget, spent: Spent) -> str | None:
    """The name of the first cap that is reached, or None. A cap that is met exactly is reached."""
    caps = (
        ("refusals", spent.refusals, budget.refusals),
        ("attempts_per_class", spent.tries, budget.attempts_per_class),
        ("compile_cycles", spent.cycles, budget.compile_cycles),
        ("tokens", spent.usage.tokens, budget.tokens),
        ("usd", spent.usage.usd, budget.usd),
        ("wall_seconds", spent.seconds, budget.wall_seconds),
    )
    return next((name for name, used, cap in caps if used >= cap), None)
