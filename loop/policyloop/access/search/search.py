"""The search of every changed rule, within one bound."""

import itertools
from collections.abc import Iterable

from policyloop.access.pdp import Settings
from policyloop.access.search.hunt import MOST_TRIES, Hunted, hunted
from policyloop.access.search.probe import Probe, Written, write
from policyloop.access.universe import Universe
from policyloop.access.universe.changes import Change
from policyloop.access.universe.models import models

MOST_CHANGES = 150
"""The most changed rules of which each is searched."""
_LEAST = 60
_GUESSES = 40


def search(universe: Universe, settings: Settings, most: int) -> list[Hunted]:
    """What tells each change apart, in the order of `universe.changes`, after about `most` tries in all.

    Raises `Unavailable` when there is no PDP.
    """
    some = universe.changes[:MOST_CHANGES]
    texts = {number: text for number, change in enumerate(some) if (text := write(change, f"c{number}")) is not None}
    found = {
        number: _guessed(change, universe, "its condition is too long, or too odd, to be tried by itself")
        for number, change in enumerate(universe.changes)
        if number not in texts
    }
    for number in range(MOST_CHANGES, len(universe.changes)):
        found[number].open = [f"only the first {MOST_CHANGES} changed rules were searched"]
    with Probe(list(texts.values()), _versions(universe), settings) as probe:
        left = most
        waiting = [number for number, text in texts.items() if text not in probe.refused]
        for at, number in enumerate(waiting):
            share = max(left // (len(waiting) - at), _LEAST)
            found[number] = hunted(texts[number], probe, universe, min(MOST_TRIES, share))
            left -= found[number].tries
        for text in probe.refused:
            number = _number(text)
            found[number] = _guessed(text.change, universe, "the PDP does not take its condition by itself")
    return [found[number] for number in range(len(universe.changes))]


def _number(text: Written) -> int:
    return int(text.name.removeprefix("c"))


def _guessed(change: Change, universe: Universe, why: str) -> Hunted:
    """Values that nobody tried, for want of a condition to try them on."""
    near = universe.near(change)
    guesses = [models(side.condition, near, want=want) for side in reversed(change.sides) for want in (True, False)]
    some = itertools.chain.from_iterable(itertools.zip_longest(*guesses))
    return Hunted(change, both=[one for one in itertools.islice(some, _GUESSES) if one is not None], open=[why])


def _versions(universe: Universe) -> dict[str, Iterable[str]]:
    return {kind.name: [version for version, _ in kind.places] for kind in universe.kinds}
