"""Mutants that no question told apart: is there a request that does, or is it proved that there is none?"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from policyloop.access.mutate.mutants import Mutant
from policyloop.access.pdp import Pdp, Refused, Settings, serving
from policyloop.access.prove import Asked, Unprovable, Witness, proving
from policyloop.access.questions import DEFAULT_NOW, Question
from policyloop.access.universe import Universe
from policyloop.bundle import Bundle

MOST_MUTANTS = 8
"""So many mutants are put to the solver: each takes three servers."""
MOST_QUESTIONS = 40
"""So many principals with an action; each is asked about all resources."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What the solver says: `questions` are proved, or `found` tells the two apart, or neither."""

    questions: int = 0
    found: Question | None = None


def proofs(
    bundle: Bundle, mutants: Sequence[Mutant], kinds: Mapping[str, str], settings: Settings
) -> Mapping[Mutant, Proof]:
    """What is proved about the first `MOST_MUTANTS`. `kinds`: file -> the one kind of resource that it is about.

    To be called from the main thread. Nothing where the solver is not installed. Raises `Unavailable`.
    """
    told: dict[Mutant, Proof] = {}
    if not mutants:
        return told
    universe = Universe((bundle,), 0, 0, datetime.fromisoformat(DEFAULT_NOW))
    subjects = [Asked(who, kind, action, *place, claims) for who, kind, action, place, claims in universe.subjects()]
    with serving(bundle, settings) as old:
        for one in mutants[:MOST_MUTANTS]:
            kind = kinds.get(one.file)
            asked = [subject for subject in subjects if kind in (None, subject.kind)]
            try:
                told[one] = _proof(bundle, one.of(bundle), old, settings, asked)
            except (Refused, Unprovable):
                continue
    return told


def _proof(bundle: Bundle, mutated: Bundle, old: Pdp, settings: Settings, asked: Sequence[Asked]) -> Proof:
    questions = list(itertools.islice(asked, MOST_QUESTIONS))
    with serving(mutated, settings) as new, proving(bundle, mutated, old, new, settings) as prover:
        verdict = prover.equivalent(questions)
    if verdict is None:
        return Proof(questions=len(questions))
    return Proof(found=Question(verdict.request)) if isinstance(verdict, Witness) else Proof()
