"""A long chain of `&&` or `||` as a tree: what walks it must not run out of stack."""

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
_FEW = 8


def balanced(join: Callable[[T, T], T], parts: Sequence[T]) -> T:
    """`parts`, at least one, joined where brackets do not matter; few of them from left to right."""
    if len(parts) > _FEW:
        half = len(parts) // 2
        return join(balanced(join, parts[:half]), balanced(join, parts[half:]))
    tree = parts[0]
    for part in parts[1:]:
        tree = join(tree, part)
    return tree
