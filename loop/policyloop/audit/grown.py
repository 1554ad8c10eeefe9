"""How far a log has grown: its tree, the leaves since its last whole segment, and how much of it is signed for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from policyloop.audit.note import BadNote, Verifier
from policyloop.audit.store.kinds import SEGMENT, Segment, StoreError, Tail
from policyloop.audit.tree import Frontier, root_of


@dataclass(frozen=True, slots=True)
class Grown:
    """Immutable: after a commit that failed the one before still stands."""

    segments: tuple[bytes, ...]
    leaves: tuple[bytes, ...]
    """Those after the last whole segment."""
    signed: int

    @staticmethod
    def of(tail: Tail) -> "Grown":
        """What a store has. Raises `StoreError` when segments are missing."""
        if len(tail.leaves) >= SEGMENT:
            raise StoreError("corrupt", "The audit store lacks hashes of whole segments.")
        return Grown(tuple(tail.segments), tuple(tail.leaves), tail.signed)

    @property
    def size(self) -> int:
        """How many entries."""
        return len(self.segments) * SEGMENT + len(self.leaves)

    @property
    def unsigned(self) -> int:
        """How many no checkpoint covers."""
        return self.size - self.signed

    def with_leaves(self, leaves: Sequence[bytes]) -> tuple["Grown", list[Segment]]:
        """It with more leaves, and the segments that became whole."""
        segments, rest = list(self.segments), [*self.leaves, *leaves]
        whole: list[Segment] = []
        while len(rest) >= SEGMENT:
            node = root_of(rest[:SEGMENT])
            whole.append(Segment(len(segments) * SEGMENT, node))
            segments.append(node)
            rest = rest[SEGMENT:]
        return Grown(tuple(segments), tuple(rest), self.signed), whole

    def signed_for(self) -> "Grown":
        """It with all of it signed for."""
        return replace(self, signed=self.size)

    def root(self) -> bytes:
        """The root over all."""
        return self._frontier(len(self.segments), self.leaves).root()

    def require(self, verifier: Verifier, head: str) -> None:
        """Raise `StoreError` unless this is what the head was signed for, and more.

        Its size may lie within a segment whose leaves are not at hand: then its length alone is required here, and
        `verify` looks at the rest.
        """
        try:
            checkpoint = verifier.opened(head)
        except BadNote as error:
            raise StoreError("corrupt", f"The last checkpoint that this machine kept does not hold: {error}.") from None
        hint = "Keep it for the auditor, see policyloop audit verify, and begin another store."
        if checkpoint.size > self.size:
            lost = checkpoint.size - self.size
            raise StoreError(
                "corrupt", f"The audit store lacks its last entries: {lost} that were signed for are gone.", hint
            )
        after = checkpoint.size - len(self.segments) * SEGMENT
        if after >= 0 or checkpoint.size % SEGMENT == 0:
            frontier = self._frontier(min(len(self.segments), checkpoint.size // SEGMENT), self.leaves[: max(after, 0)])
            if frontier.root() != checkpoint.root:
                raise StoreError("corrupt", "The audit store is not the one that this machine signed for.", hint)

    def _frontier(self, segments: int, leaves: Sequence[bytes]) -> Frontier:
        frontier = Frontier()
        for node in self.segments[:segments]:
            frontier.push_subtree(node, SEGMENT)
        for leaf in leaves:
            frontier.push(leaf)
        return frontier
