"""`Spec` -> text, the same text for the same spec."""

from collections.abc import Iterator, Mapping
from typing import Any

from policyloop.specification.model import Spec
from policyloop.yaml_text.writing import WIDTH, block

_HEAD = "# What the policies must do. `policyloop spec check` says what is missing.\n"
OPEN_LEVELS = 2
"""How deep mappings are never put on one line."""
DENSE_WIDTH = 400
"""The widest entry of a text that a model reads."""


def spec_to_yaml(spec: Spec) -> str:
    """The file: keys in the order of the schema, a blank line between its sections, no comments of people."""
    return _HEAD + plain_to_yaml(spec.plain())


def plain_to_yaml(plain: Mapping[str, Any]) -> str:
    """The sections of `plain` that are not empty, in their order."""
    return "\n".join(f"{text}\n" for text in _sections(plain, open_levels=OPEN_LEVELS))


def dense_yaml(plain: Mapping[str, Any]) -> str:
    """The same for a reader who pays by the character: an entry on a line, and no blank lines."""
    return "".join(f"{text}\n" for text in _sections(plain, open_levels=1, width=DENSE_WIDTH))


def _sections(plain: Mapping[str, Any], *, open_levels: int, width: int = WIDTH) -> Iterator[str]:
    for key, value in plain.items():
        if value not in ({}, []):
            yield "\n".join(block({key: value}, open_levels=open_levels, width=width))
