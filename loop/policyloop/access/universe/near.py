"""What guessing values may go by, and what a guess is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from policyloop.access.universe.fields import Assignment, Path

Guesses = tuple[list[Assignment], list[Assignment]]
"""Assignments that should make an atom true, and such that should make it false."""

MOST_CONSTANTS = 12


@dataclass(frozen=True, slots=True)
class Near:
    """What guessing may go by: the moment, and the constants that each field is compared with somewhere."""

    now: datetime
    constants: Mapping[Path, tuple[Any, ...]]


def known_values(path: Path, near: Near) -> tuple[Any, ...]:
    return near.constants.get(path, ())[:MOST_CONSTANTS]
