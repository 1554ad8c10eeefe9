"""The text of a test file as a tree: what Cerbos sees in it, before any field has a meaning.

A tree is text, a `Plain` scalar, a mapping or a list. Where a broken file could only be read in part, `UNKNOWN` stands
for a value that could not be read, and `PartialMap` and `PartialList` for collections that may hold more than was read.
"""

from typing import Final, Union

from policyloop.yaml_text.scalars import Plain


class Literal(str):
    """Text of a block scalar (`|` or `>`). Cerbos takes it for text, but not for an effect or a time."""

    __slots__ = ()


class Unknown:
    """A value that could not be read."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()


class PartialMap(dict[str, "Tree"]):
    """A mapping of which at least one entry could not be read, not even its key."""


class PartialList(list["Tree"]):
    """A list of which at least one item could not be read at all."""


Tree = Union[str, Plain, Unknown, dict[str, "Tree"], list["Tree"]]  # noqa: UP007 (it refers to itself)
