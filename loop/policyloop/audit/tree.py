"""The Merkle tree of RFC 6962: leaf and node hashes, the root, proofs, and what checks them.

What checks a proof needs nothing but this file, so that a third person can read it whole.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256

SIZE = 32
"""Bytes of a hash."""
EMPTY = sha256(b"").digest()
"""The root of a tree without leaves."""

Subtree = Callable[[int, int], bytes]
"""The hash of the tree over the leaves from the first number up to, and without, the second."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf: 0x00, then what is recorded."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: 0x01, then both sides, so that no leaf can be taken for a node."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """A tree that only grows, as the hashes of its whole subtrees from the greatest to the smallest: 64 at most."""

    __slots__ = ("_stack", "size")

    def __init__(self) -> None:
        self.size = 0
        self._stack: list[bytes] = []

    def push(self, leaf: bytes) -> None:
        """Add a leaf's hash. It is `push_subtree` of one leaf, written out: a log is verified leaf by leaf."""
        stack, rest, node = self._stack, self.size, leaf
        while rest & 1:
            node = sha256(b"\x01" + stack.pop() + node).digest()
            rest >>= 1
        stack.append(node)
        self.size += 1

    def push_subtree(self, node: bytes, leaves: int) -> None:
        """Add the hash of a whole subtree. `leaves`, a power of two, must divide the size that there is."""
        if leaves & (leaves - 1) or self.size % leaves:
            raise ValueError(f"a subtree of {leaves} leaves cannot follow {self.size}")
        stack = self._stack
        rest = self.size // leaves
        while rest & 1:
            node = sha256(b"\x01" + stack.pop() + node).digest()
            rest >>= 1
        stack.append(node)
        self.size += leaves

    def root(self) -> bytes:
        """The root over all leaves so far."""
        if not self._stack:
            return EMPTY
        node = self._stack[-1]
        for left in reversed(self._stack[:-1]):
            node = node_hash(left, node)
        return node

    def copy(self) -> "Frontier":
        """Another one that grows by itself."""
        twin = Frontier()
        twin.size, twin._stack = self.size, list(self._stack)
        return twin


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over these hashes of leaves."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.push(leaf)
    return frontier.root()


def subtree_of(leaves: Sequence[bytes]) -> Subtree:
    """The subtrees of leaves that are all at hand."""
    return lambda first, last: root_of(leaves[first:last])


def split(size: int) -> int:
    """How many leaves the left side of a tree of `size` > 1 leaves has: the greatest power of two below."""
    return 1 << (size - 1).bit_length() - 1


def inclusion_path(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """The proof that the leaf at `index` is in the tree of `size`: the hashes beside its way up, from below."""
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} in a tree of {size}")
    path: list[bytes] = []
    first, last = 0, size
    while last - first > 1:
        middle = first + split(last - first)
        if index < middle:
            path.append(subtree(middle, last))
            last = middle
        else:
            path.append(subtree(first, middle))
            first = middle
    return path[::-1]


def consistency_path(older: int, size: int, subtree: Subtree) -> list[bytes]:
    """The proof that the tree of `older` leaves is the beginning of the tree of `size`."""
    if not 0 < older <= size:
        raise ValueError(f"a tree of {size} has no beginning of {older}")
    path: list[bytes] = []
    first, last = 0, size
    while older != last:
        middle = first + split(last - first)
        if older <= middle:
            path.append(subtree(middle, last))
            last = middle
        else:
            path.append(subtree(first, middle))
            first = middle
    # Of what ends with the older tree, the verifier knows the hash only when it is the older tree itself.
    if first:
        path.append(subtree(first, last))
    return path[::-1]


def included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether the path shows that the leaf with this hash stands at `index` in the tree with this size and root."""
    if not 0 <= index < size:
        return False
    node, last = leaf, size - 1
    for sibling in path:
        if last == 0:
            return False
        if index & 1 or index == last:
            node = node_hash(sibling, node)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        index, last = index >> 1, last >> 1
    return last == 0 and node == root


def consistent(  # noqa: C901  (as RFC 9162 writes it)
    older: int, older_root: bytes, size: int, root: bytes, path: Sequence[bytes]
) -> bool:
    """Whether the path shows that the tree of `older` leaves is the beginning of the tree of `size`.

    The tree without leaves is the beginning of each, and needs no path.
    """
    if older == 0:
        return not path and older_root == EMPTY
    if older == size:
        return not path and older_root == root
    if not 0 < older < size:
        return False
    hashes = list(path)
    if older & (older - 1) == 0:
        hashes.insert(0, older_root)
    if not hashes:
        return False
    index, last = older - 1, size - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    before = after = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if index & 1 or index == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            after = node_hash(after, sibling)
        index, last = index >> 1, last >> 1
    return last == 0 and before == older_root and after == root
