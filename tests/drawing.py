"""Examples of a strategy, the same each time: for tests that lay many of them side by side."""

from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st


def drawn(strategy: st.SearchStrategy[Any], count: int, number: int) -> list[Any]:
    """At most `count` examples, the same ones for the same `number`."""
    found: list[Any] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(example: Any) -> None:
        found.append(example)

    collect()
    return found[:count]
