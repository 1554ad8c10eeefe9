"""The question that tells a mutant from the bundle: searched near the tests, then made as small as can be."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from policyloop.access.ask.parts import Parts
from policyloop.access.ask.questions import Question
from policyloop.access.ask.smaller import MOST_PARTS, all_smaller, removable
from policyloop.access.inquiry.question_pool import Effects, Pool, size
from policyloop.access.inquiry.rounds import Ask, Rounds
from policyloop.access.mutate.mutants import Mutant
from policyloop.access.pdp import Settings
from policyloop.cerbos.run import Runner

ROUNDS = 2
"""How often a witness is made smaller; once is enough for one of up to `MOST_PARTS` parts."""


@dataclass(frozen=True, slots=True)
class Witness:
    """A question with the effects of the bundle and of the mutant. `strict`: only strict evaluation tells."""

    question: Question
    effect: str
    mutated: str
    strict: bool


@dataclass(frozen=True, slots=True)
class _Both:
    """Answers in the normal and in the strict pass."""

    normal: Effects
    strict: Effects


_Asking = Generator[Ask, Effects | None, Witness | None]


class Search:
    """The questions about a bundle, put to it and to its mutants. To be used from the main thread."""

    def __init__(
        self,
        runner: Runner,
        parts: Parts,
        settings: Settings,
        ordinary: Mapping[str, Sequence[Question]] = MappingProxyType({}),
    ) -> None:
        """`ordinary`: by kind, requests of which the first that tells is taken as it is, before any other is asked."""
        self._parts = parts
        self._ordinary = ordinary
        self._pool = Pool(parts)
        self._rounds = Rounds(runner, self._pool, settings)

    def asked(self, mutant: Mutant) -> int:
        """How many questions are put to tell this mutant apart."""
        return len(self._pool.questions(self._kinds(mutant)))

    def witnesses(
        self, mutants: Sequence[Mutant], told: Callable[[int], None] = lambda _: None
    ) -> Iterator[tuple[Mutant, Witness | None]]:
        """For each a small question that it answers otherwise; None when none does. Raises `Unavailable`."""
        jobs = [self._told_apart(one, self._pool.questions(self._kinds(one))) for one in mutants]
        for number, witness in self._rounds.results(jobs, told):
            yield mutants[number], witness

    def confirmed(self, mutant: Mutant, question: Question) -> Witness | None:
        """The witness that `question` is, made small; None when it is answered alike. Raises `Unavailable`."""
        return next(iter(self._rounds.results([self._told_apart(mutant, (question,))])))[1]

    def _told_apart(self, mutant: Mutant, questions: Sequence[Question]) -> _Asking:
        ordinary = [question for kind in self._kinds(mutant) for question in self._ordinary.get(kind, ())]
        if ordinary:
            told = yield from self._differing(mutant, ordinary, first=True)
            if told is not None:
                return told
        witness = yield from self._differing(mutant, questions)
        for _ in range(ROUNDS):
            smaller = _smaller(witness.question) if witness is not None else []
            less = (yield from self._differing(mutant, smaller)) if smaller else None
            witness = less or witness
            if less is None or len(removable(less.question.request)) <= MOST_PARTS:
                break
        return witness

    def _differing(self, mutant: Mutant, questions: Sequence[Question], *, first: bool = False) -> _Asking:
        """The smallest question, all told, that the two answer differently; or the `first` one.

        It must be one whose answer is the same in both passes, so that a test of it passes in both; else it is one of
        strict evaluation, which a test can ask for.
        """
        kinds, changed = self._kinds(mutant), {mutant.file: mutant.text}
        normal = yield Ask(kinds=kinds, questions=questions)
        strict = yield Ask(kinds=kinds, questions=questions, strict=True)
        if normal is None or strict is None:
            return None
        ours = _Both(normal, strict)
        for strictly, mine in ((False, ours.normal), (True, ours.strict)):
            theirs = yield Ask(kinds=kinds, questions=questions, changed=changed, strict=strictly)
            if theirs is None:
                continue
            rows = zip(questions, mine, theirs, ours.normal, ours.strict, strict=True)
            shown = [
                Witness(question, before, after, strictly and in_normal != in_strict)
                for question, before, after, in_normal, in_strict in rows
                if before and after and before != after and (strictly or in_normal == in_strict)
            ]
            if shown:
                return shown[0] if first else min(shown, key=lambda one: size(one.question))
        return None

    def _kinds(self, mutant: Mutant) -> tuple[str, ...]:
        return self._parts.reached_by(mutant.file)


def _smaller(question: Question) -> list[Question]:
    return [replace(question, request=request) for request in all_smaller(question.request)]
