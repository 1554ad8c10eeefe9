"""JSON from others, read in one way only: what two readers could take for two things is none."""

import json
from typing import Any


def read_strictly(data: bytes) -> object:
    """The value in UTF-8 bytes. Raises `ValueError`, also for a key that stands twice and for NaN; `RecursionError`.

    As text first: from bytes `json` would also read UTF-16 and UTF-32.
    """
    return json.loads(data.decode("utf-8"), object_pairs_hook=_each_once, parse_constant=_no_constant)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands in an object twice")
    return value


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON")
