"""What a call cost, as a program or a recording says it itself."""

from typing import Any

from policyloop.task import Malformed
from policyloop.usage import Usage

MAX_COUNT = 10**12
"""The most tokens, and the most dollars, that are believed of one call: far above any budget."""

_TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")


def usage_from_json(data: object) -> Usage:
    """`{"input_tokens", "output_tokens", "usd"}`, each optional, also the cached tokens. Raises `Malformed`."""
    if data is None:
        return Usage()
    if not isinstance(data, dict):
        raise Malformed("usage is not an object")
    unknown = sorted(str(key) for key in data.keys() - {*_TOKENS, "usd"})
    if unknown:
        raise Malformed(f"usage holds the unknown key {unknown[0][:100]!r}")
    tokens: dict[str, Any] = {name: data[name] for name in _TOKENS if name in data}
    for name, value in tokens.items():
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_COUNT:
            raise Malformed(f"usage.{name} is not a whole number from 0 to {MAX_COUNT:,}")
    usd = data.get("usd", 0.0)
    if not isinstance(usd, int | float) or isinstance(usd, bool) or not 0 <= usd <= MAX_COUNT:
        raise Malformed(f"usage.usd is not a number from 0 to {MAX_COUNT:,}")
    return Usage(**tokens, usd=float(usd))
