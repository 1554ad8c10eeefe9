"""What `policyloop mutate` found out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from policyloop.access.mutate.mutants import Mutant
from policyloop.access.mutate.search import Witness
from policyloop.access.mutate.suggest import suite_of
from policyloop.errors import Exit
from policyloop.findings import CompilerInfo

SUITE = "What mutants showed"
"""The name of a suite of suggested tests."""


@dataclass(frozen=True, slots=True)
class CutOff:
    """Why not all was done: the exit code that belongs to it, and a few words."""

    exit_code: Literal[Exit.ENVIRONMENT, Exit.INTERRUPTED]
    because: str


@dataclass(frozen=True, slots=True)
class Survivor:
    """A mutant that no test noticed. Without a witness it answered `asked` questions like the bundle; 0: not searched.

    `proved`: for so many principals with an action it is proved that no resource whatsoever tells them apart, on a
    server that does not evaluate strictly.
    """

    mutant: Mutant
    witness: Witness | None
    asked: int = 0
    proved: int = 0

    @property
    def alike(self) -> Literal["proved", "asked"] | None:
        """`proved` like the original, or `asked` and not told apart by that; None with a witness, or unsearched."""
        if self.witness is not None:
            return None
        return "proved" if self.proved else "asked" if self.asked else None

    @property
    def test(self) -> str | None:
        """A suite with the one test that would have noticed it."""
        return suite_of([(self.mutant, self.witness)], SUITE) if self.witness else None


@dataclass(frozen=True, slots=True, kw_only=True)
class MutateResult:
    """How many mutants the tests killed, and those that they did not. `made` counts what could be made."""

    policies: str
    made: int
    killed: int
    invalid: tuple[Mutant, ...]
    survivors: tuple[Survivor, ...]
    compiler: CompilerInfo
    seed: int
    min_score: int | None = None
    cut_off: CutOff | None = None
    unread: tuple[str, ...] = ()
    """Where a policy is not read, or not with certainty: of that maybe no mutant was made."""

    @property
    def shown(self) -> tuple[Survivor, ...]:
        """The survivors that a request tells from the bundle: what is missing in the tests."""
        return tuple(one for one in self.survivors if one.witness is not None)

    @property
    def proved(self) -> tuple[Survivor, ...]:
        """The survivors that are proved to be like the bundle; they do not count."""
        return tuple(one for one in self.survivors if one.alike == "proved")

    @property
    def untold(self) -> tuple[Survivor, ...]:
        """The survivors that no request told from the bundle, or that were not searched; they count as unnoticed."""
        return tuple(one for one in self.survivors if one.witness is None and one.alike != "proved")

    @property
    def counted(self) -> int:
        """How many mutants the score is made of: all that are bundles and not proved to be like the original."""
        return self.killed + len(self.shown) + len(self.untold)

    @property
    def tried(self) -> int:
        """How many mutants were put to the tests."""
        return self.killed + len(self.survivors) + len(self.invalid)

    @property
    def score(self) -> int | None:
        """Killed, as a percentage of those that count, rounded down; None without any."""
        return self.killed * 100 // self.counted if self.counted else None

    @property
    def exit_code(self) -> Literal[Exit.GREEN, Exit.TESTS, Exit.ENVIRONMENT, Exit.INTERRUPTED]:
        """What it was cut off by; else 4 when the score is below what was asked for, else 0."""
        if self.cut_off is not None:
            return self.cut_off.exit_code
        low = self.min_score is not None and (self.score is None or self.score < self.min_score)
        return Exit.TESTS if low else Exit.GREEN

    @property
    def outcome(self) -> Literal["done", "below", "cut off"]:
        """`cut off`, `below` the score that was asked for, or `done`."""
        if self.cut_off is not None:
            return "cut off"
        return "below" if self.exit_code is Exit.TESTS else "done"

    def suite(self) -> str | None:
        """All suggested tests as one suite; None when there is none."""
        found: Sequence[tuple[Mutant, Witness]] = [(one.mutant, one.witness) for one in self.shown if one.witness]
        return suite_of(found, SUITE) if found else None
