"""What a token costs: list prices of the Claude API, in US dollars per million tokens.

Source: the table "Model pricing" of https://platform.claude.com/docs/en/about-claude/pricing, as of `AS_OF`. Cache
writes are those that live five minutes. Discounts and the surcharge for a chosen region are not counted.
"""

import re
from dataclasses import dataclass

from policyloop.usage import Usage

AS_OF = "2026-10-24"


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens of each sort."""

    input: float
    output: float
    cache_write: float
    cache_read: float

    def of(self, usage: Usage) -> float:
        """What the tokens of `usage` cost, in US dollars."""
        return (
            usage.input_tokens * self.input
            + usage.output_tokens * self.output
            + usage.cache_write_tokens * self.cache_write
            + usage.cache_read_tokens * self.cache_read
        ) / 1_000_000


_OPUS = Price(5, 25, 6.25, 0.50)
PRICES = {
    "claude-fable-5-1": Price(10, 50, 12.50, 0.25),
    "claude-mythos-5-1": Price(10, 50, 12.50, 0.25),
    "claude-fable-5": Price(10, 50, 12.50, 1.00),
    "claude-mythos-5": Price(10, 50, 12.50, 1.00),
    "claude-opus-5-5": Price(4, 20, 5.00, 0.20),
    "claude-opus-5": _OPUS,
    "claude-opus-4-8": _OPUS,
    "claude-opus-4-7": _OPUS,
    "claude-opus-4-6": _OPUS,
    "claude-opus-4-5": _OPUS,
    "claude-sonnet-5-5": Price(2, 10, 2.50, 0.10),
    "claude-sonnet-5": Price(2, 10, 2.50, 0.20),
    "claude-sonnet-4-6": Price(3, 15, 3.75, 0.30),
    "claude-sonnet-4-5": Price(3, 15, 3.75, 0.30),
    "claude-haiku-5-5": Price(0.10, 0.50, 0.125, 0.01),
    "claude-haiku-4-5": Price(1, 5, 1.25, 0.10),
}
LONG_PROMPT_TOKENS = 100_000
LONG_PROMPTS = {"claude-haiku-5-5": Price(0.50, 2.50, 0.625, 0.05)}
"""Prices of a request whose prompt, cached tokens included, is longer than `LONG_PROMPT_TOKENS`."""

HIGHEST = Price(
    input=max(price.input for price in PRICES.values()),
    output=max(price.output for price in PRICES.values()),
    cache_write=max(price.cache_write for price in PRICES.values()),
    cache_read=max(price.cache_read for price in PRICES.values()),
)
"""What a model without a known price is counted at: too much rather than too little."""


def is_known(model: str) -> bool:
    """Whether the list price of `model` is known here."""
    return _plain(model) in PRICES


def price(model: str, prompt_tokens: int) -> Price:
    """The price of a request to `model` with a prompt of `prompt_tokens`; `HIGHEST` when it is not known."""
    name = _plain(model)
    if prompt_tokens > LONG_PROMPT_TOKENS and name in LONG_PROMPTS:
        return LONG_PROMPTS[name]
    return PRICES.get(name, HIGHEST)


def _plain(model: str) -> str:
    """The name without the date of a snapshot: `claude-sonnet-4-5-20250929` costs what `claude-sonnet-4-5` does."""
    return re.sub(r"-20\d{6}$", "", model)
