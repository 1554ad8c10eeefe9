"""`Spec` -> text, the same text for the same spec."""

from policyloop.specification.model import Spec
from policyloop.yaml_text.writing import block

_HEAD = "# What the policies must do. `policyloop spec check` says what is missing.\n"
OPEN_LEVELS = 2
"""How deep mappings are never put on one line."""


def spec_to_yaml(spec: Spec) -> str:
    """The file: keys in the order of the schema, a blank line between its sections, no comments of people."""
    parts = [
        "\n".join(block({key: value}, open_levels=OPEN_LEVELS)) + "\n"
        for key, value in spec.plain().items()
        if value not in ({}, [])
    ]
    return _HEAD + "\n".join(parts)
