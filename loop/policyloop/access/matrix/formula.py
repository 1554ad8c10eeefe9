"""A truth table in words: which conditions matter, and in which combinations they let somebody in."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import product

Row = bool | None
"""Allowed, denied, or None for a case that is not asked about."""

Term = tuple[tuple[int, bool], ...]
"""Conditions by their number, each with whether it must be true. All of them together are enough."""

MOST_IN_WORDS = 6
"""With more conditions than that nobody reads a formula; then they are only named."""


def decided(table: Sequence[Row]) -> bool | None:
    """Whether every case that is asked about is allowed (True) or denied (False); None when it depends."""
    cases = {case for case in table if case is not None}
    if len(cases) == 2:
        return None
    return cases == {True}


def relevant(table: Sequence[Row], count: int) -> tuple[int, ...]:
    """The numbers of the conditions that the table may depend on, out of `count`; the last one changes fastest.

    With cases that are not asked about, one may be named that could be done without. None that matters is left out.
    """
    numbers = []
    asked = [number for number, case in enumerate(table) if case is not None]
    whole = len(asked) == len(table)
    for condition in range(count):
        bit = 1 << (count - 1 - condition)
        if whole:
            matters = any(table[case] != table[case ^ bit] for case in asked)
        else:
            matters = len({bool(case & bit) for case in asked}) == 2
        if matters:
            numbers.append(condition)
    return tuple(numbers)


def narrowed(table: Sequence[Row], count: int, kept: Sequence[int]) -> tuple[Row, ...]:
    """The table over the conditions `kept` alone, which are all that it depends on."""
    found: list[Row] = [None] * (1 << len(kept))
    for case, effect in enumerate(table):
        if effect is None:
            continue
        place = 0
        for condition in kept:
            place = place << 1 | (case >> (count - 1 - condition) & 1)
        found[place] = effect
    return tuple(found)


@lru_cache(maxsize=4096)
def terms(table: tuple[Row, ...], count: int) -> tuple[Term, ...]:
    """The shortest combinations that together are exactly the allowed cases. At most `MOST_IN_WORDS` conditions."""
    enough = {}
    for cube in product((None, True, False), repeat=count):
        cases = _cases(cube)
        effects = {table[case] for case in cases}
        if True in effects and False not in effects:
            enough[cube] = frozenset(case for case in cases if table[case])
    left = {case for case, effect in enumerate(table) if effect}
    chosen: list[Term] = []
    while left:
        # The combination that explains most with the fewest conditions; the order of `product` settles the rest.
        best = min(enough, key=lambda cube: (-len(enough[cube] & left), sum(part is not None for part in cube)))
        left -= enough[best]
        chosen.append(tuple((number, part) for number, part in enumerate(best) if part is not None))
    return tuple(sorted(chosen, key=lambda term: (len(term), term)))


def _cases(cube: Sequence[bool | None]) -> list[int]:
    cases = [0]
    for part in cube:
        values = (0, 1) if part is None else (int(part),)
        cases = [case << 1 | value for case in cases for value in values]
    return cases
