"""Mutants that no question told apart: is there a request that does, or is it proved that there is none?

`equivalent (proved)` is said only when everything that the changed file can touch was covered: every role and set of
roles, action, kind, scope and version, everybody who may ask, with strict evaluation and without.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from policyloop.access.ask.luck import confused_in
from policyloop.access.ask.parts import Parts
from policyloop.access.ask.questions import DEFAULT_NOW, Question
from policyloop.access.mutate.mutants import Mutant
from policyloop.access.pdp import Refused, Settings, serving_all
from policyloop.access.prove import Asked, Counterexample, NotProved, Unprovable, proving
from policyloop.access.prove.shape import sanitized
from policyloop.access.source import unread
from policyloop.access.universe import Universe
from policyloop.bundle import Bundle

MOST_MUTANTS = 8
"""So many mutants are put to the solver: each takes eight servers."""
MOST_QUESTIONS = 2_000
"""With more questions about one mutant nothing is proved."""
MOST_PEOPLE = 40
"""So many principals with an action are tried where it is not proved for everybody."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What the solver says: it is proved, by so many `questions`, that nothing tells the two apart; or `found` does.

    With neither nothing is known, `because` of what it says.
    """

    questions: int = 0
    found: Question | None = None
    because: str = ""


def proofs(parts: Parts, mutants: Sequence[Mutant], settings: Settings) -> Mapping[Mutant, Proof]:
    """What is proved about the first `MOST_MUTANTS`, each by what its file can touch.

    To be called from the main thread. Nothing where the solver is not installed. Raises `Unavailable`.
    """
    told: dict[Mutant, Proof] = {}
    held: dict[tuple[str, ...], tuple[Bundle, list[Asked]]] = {}
    for one in mutants[:MOST_MUTANTS]:
        kinds = _alike(parts, parts.reached_by(one.file))
        if kinds not in held:
            part = parts.about(kinds) if kinds else parts.bundle
            held[kinds] = part, _people(part)
        part, people = held[kinds]
        if one.file not in part or _beyond_the_part(parts.bundle, one.of(parts.bundle)):
            part = parts.bundle
        kind = parts.kind_of_file.get(one.file)
        some = list(islice((asked for asked in people if kind in (None, asked.kind)), MOST_PEOPLE))
        told[one] = _proof(part, one, settings, some)
    return told


def _beyond_the_part(*bundles: Bundle) -> bool:
    """Whether a part of these may be answered otherwise than the whole: Cerbos takes rules for each other, or may."""
    return any(unread(bundle) or confused_in(bundle) for bundle in bundles)


def _alike(parts: Parts, kinds: Sequence[str]) -> tuple[str, ...]:
    """These kinds, and those that the PDP may look up under the same name."""
    names = {sanitized(kind) for kind in kinds}
    return tuple(kind for kind in parts.kinds if sanitized(kind) in names)


def _people(bundle: Bundle) -> list[Asked]:
    universe = Universe((bundle,), 0, 0, datetime.fromisoformat(DEFAULT_NOW))
    return [Asked(who, kind, action, *place, claims) for who, kind, action, place, claims in universe.subjects()]


def _proof(bundle: Bundle, mutant: Mutant, settings: Settings, people: Sequence[Asked]) -> Proof:
    """Proved where it holds both without and with strict evaluation; a request that tells ends it."""
    questions = 0
    for strict in (False, True):
        try:
            told = _told(bundle, mutant, replace(settings, strict=strict), people)
        except (Refused, Unprovable) as reason:
            return Proof(because=str(reason))
        if not told.questions:
            return told
        questions += told.questions
    return Proof(questions=questions)


def _told(bundle: Bundle, mutant: Mutant, settings: Settings, people: Sequence[Asked]) -> Proof:
    mutated = mutant.of(bundle)
    with (
        serving_all((bundle, mutated), settings) as (old, new),
        proving(bundle, mutated, old, new, settings) as prover,
    ):
        kind = prover.kind_of(mutant.file)
        everything = prover.coverage(None if kind is None else [kind])
        missing = list(everything.missing)
        if len(everything.asked) > MOST_QUESTIONS:
            missing.append(f"there are {len(everything.asked)} questions, and at most {MOST_QUESTIONS} are asked")
        if not missing:
            verdict = prover.equivalent(everything.asked)
            if verdict is None:
                return Proof(questions=len(everything.asked))
            if isinstance(verdict, Counterexample):
                return Proof(found=Question(verdict.request))
            missing.append(verdict.because if isinstance(verdict, NotProved) else "")
        # Nothing is proved then, but there may be somebody for whom the two are told apart.
        shown = (one for one in prover.compare(people) if isinstance(one, Counterexample))
        witness = next(shown, None)
    if witness is not None:
        return Proof(found=Question(witness.request))
    return Proof(because="; ".join(missing))
