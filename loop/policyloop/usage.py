"""What model calls cost, and what is left of a budget for more of them."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval

Count = Annotated[int, Interval(ge=0, le=10**15)]
Dollars = Annotated[float, Interval(ge=0, le=10**15)]
"""Checked where a ledger is read: no sum of them overflows, and none of them hands anything back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What model calls cost. Tokens are counts; `usd` is US dollars at list prices.

    Claude models without a known price are counted at the highest known one. Other models say themselves what they
    cost; what they do not say is 0.
    """

    input_tokens: Count = 0
    output_tokens: Count = 0
    cache_read_tokens: Count = 0
    cache_write_tokens: Count = 0
    usd: Dollars = 0.0

    @property
    def tokens(self) -> int:
        """All that counts against the token budget."""
        return self.input_tokens + self.output_tokens + self.cache_read_tokens + self.cache_write_tokens

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cache_read_tokens=self.cache_read_tokens + other.cache_read_tokens,
            cache_write_tokens=self.cache_write_tokens + other.cache_write_tokens,
            usd=self.usd + other.usd,
        )


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of the budget: tries at this class, compile cycles, tokens, US dollars, seconds."""

    attempts: int
    cycles: int
    tokens: int
    usd: float
    seconds: float
