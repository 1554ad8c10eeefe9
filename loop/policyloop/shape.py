"""How a value is written as JSON: the one function that does it, and the few types that documents are made of.

A document is a frozen dataclass. Its fields are the JSON object's keys, its docstrings the schema's descriptions;
`policyloop.documents.schema` reads the JSON Schema from the same class.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import Annotated, Any

SPREAD = {"spread": True}
"""The metadata of a field whose own fields stand in the JSON object beside the others, not below a key."""


@dataclass(frozen=True, slots=True)
class AtLeast:
    """In `Annotated`: the smallest number that it can be."""

    least: int


Count = Annotated[int, AtLeast(0)]
Amount = Annotated[float, AtLeast(0)]


@dataclass(frozen=True, slots=True)
class OneOf:
    """In `Annotated`: the values that there are, where no `Literal` can say it."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Given:
    """In `Annotated`: the schema of a value that is described elsewhere."""

    schema: Callable[[], dict[str, Any]]


def key(name: str) -> str:
    """The JSON key of a field: a word that Python keeps for itself has an underscore at its end."""
    return name.removesuffix("_")


def to_json(value: object) -> Any:
    """Dataclasses, enums, mappings and tuples as plain JSON values."""
    if is_dataclass(value) and not isinstance(value, type):
        members: dict[str, Any] = {}
        for member in fields(value):
            given = to_json(getattr(value, member.name))
            if member.metadata == SPREAD:
                members.update(given)
            else:
                members[key(member.name)] = given
        return members
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(name): to_json(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    return value
