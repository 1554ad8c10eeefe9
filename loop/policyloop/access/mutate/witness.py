"""The question that tells a mutant from the bundle: searched near the tests, then made as small as can be."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from policyloop.access.mutate.mutants import Mutant
from policyloop.access.mutate.narrow import Parts
from policyloop.access.pool import Effects, Pool, size
from policyloop.access.questions import Question, put
from policyloop.access.together import side_by_side
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner

ROUNDS = 2
"""How often a witness is made smaller; once is enough for one of up to `MOST_PARTS` parts."""
MOST_PARTS = 5


@dataclass(frozen=True, slots=True)
class Witness:
    """A question with the effects of the bundle and of the mutant. `strict`: only strict evaluation tells."""

    question: Question
    effect: str
    mutated: str
    strict: bool


class Search:
    """A bundle, and its answers to the questions of a pool; they are asked once, when they are first needed."""

    def __init__(self, runner: Runner, parts: Parts, *, seed: int = 0) -> None:
        self._pool = Pool(runner, parts.bundle, seed=seed)
        self._parts = parts

    def asked(self, mutant: Mutant) -> int:
        """How many questions are put to tell this mutant apart."""
        return len(self._pool.questions(self._kind(mutant)))

    def witnesses(self, mutants: Sequence[Mutant]) -> dict[Mutant, Witness | None]:
        """For each a small question that it answers otherwise; None when none does. Raises `Unavailable`."""
        for kind in sorted({self._kind(one) for one in mutants}):
            for strict in (False, True):
                self._pool.prepare(kind, strict=strict)
                self._pool.questions(kind, near=True)
        found = dict(side_by_side(self._pool.runner, self._first, mutants))
        return {**found, **self._made_small({one: witness for one, witness in found.items() if witness is not None})}

    def confirmed(self, mutant: Mutant, question: Question) -> Witness | None:
        """The witness that `question` is, made small; None when the engine answers it alike. Raises `Unavailable`."""
        runner, mutated = self._pool.runner, mutant.of(self._parts.of(mutant))
        ours = _Both(*(put(runner, self._pool.bundle, [question], strict=strict) for strict in (False, True)))
        found = _differing([question], ours, lambda strict: put(runner, mutated, [question], strict=strict))
        return self._made_small({mutant: found})[mutant] if found else None

    def _first(self, mutant: Mutant) -> Witness | None:
        kind, pool, mutated = self._kind(mutant), self._pool, mutant.of(self._parts.of(mutant))
        whole = _Both(pool.prepare(kind), pool.prepare(kind, strict=True))
        for near in (True, False):
            questions = pool.questions(kind, near=near)
            ours = _Both(whole.normal[: len(questions)], whole.strict[: len(questions)])
            found = _differing(questions, ours, partial(self._ask, mutated, kind, near))
            if found or len(questions) == len(whole.normal):
                return found
        return None

    def _ask(self, mutated: Bundle, kind: str, near: bool, strict: bool) -> Effects:  # noqa: FBT001
        return self._pool.ask(mutated, kind, strict=strict, near=near)

    def _made_small(self, found: dict[Mutant, Witness]) -> dict[Mutant, Witness]:
        """The same witnesses without what they do not need. The bundle itself is asked once a round for all of them."""
        left = dict(found)
        for _ in range(ROUNDS):
            tried = {one: list(_smaller(witness.question)) for one, witness in left.items()}
            tried = {one: questions for one, questions in tried.items() if questions}
            flat = [question for questions in tried.values() for question in questions]
            ours = _Both(*(put(self._pool.runner, self._pool.bundle, flat, strict=strict) for strict in (False, True)))
            parts = dict(zip(tried, _parts(ours, [len(questions) for questions in tried.values()]), strict=True))
            work = partial(self._less, tried, parts)
            left = {one: less for one, less in side_by_side(self._pool.runner, work, list(tried)) if less is not None}
            found = {**found, **left}
            left = {one: less for one, less in left.items() if len(_removable(less.question)) > MOST_PARTS}
        return found

    def _less(
        self, tried: Mapping[Mutant, Sequence[Question]], ours: Mapping[Mutant, "_Both"], mutant: Mutant
    ) -> Witness | None:
        runner, mutated, questions = self._pool.runner, mutant.of(self._parts.of(mutant)), tried[mutant]
        return _differing(questions, ours[mutant], lambda strict: put(runner, mutated, questions, strict=strict))

    def _kind(self, mutant: Mutant) -> str:
        return self._parts.kinds.get(mutant.file, "")


@dataclass(frozen=True, slots=True)
class _Both:
    """Answers in the normal and in the strict pass."""

    normal: Effects
    strict: Effects


def _differing(questions: Sequence[Question], ours: _Both, theirs: Callable[[bool], Effects]) -> Witness | None:
    """The smallest question, all told, that the two answer differently.

    It must be one whose answer is the same in both passes, so that a test of it passes in both; else it is one of
    strict evaluation, which a test can ask for.
    """
    for strict, mine in ((False, ours.normal), (True, ours.strict)):
        rows = zip(questions, mine, theirs(strict), ours.normal, ours.strict, strict=True)
        found = [
            Witness(question, before, after, strict and in_normal != in_strict)
            for question, before, after, in_normal, in_strict in rows
            if before and after and before != after and (strict or in_normal == in_strict)
        ]
        if found:
            return min(found, key=lambda one: size(one.question))
    return None


def _parts(whole: _Both, lengths: Sequence[int]) -> Iterator[_Both]:
    start = 0
    for length in lengths:
        yield _Both(whole.normal[start : start + length], whole.strict[start : start + length])
        start += length


def _removable(question: Question) -> list[tuple[str, str]]:
    """What may be left out of a question: attributes, and roles of more than one."""
    who, what = question.request.principal, question.request.resource
    roles = who.roles if len(who.roles) > 1 else ()
    return [
        *(("role", one) for one in roles),
        *(("who", one) for one in who.attr),
        *(("what", one) for one in what.attr),
    ]


def _smaller(question: Question) -> Iterator[Question]:
    """`question` without each set of its parts; of very many parts, without one, without all but one, without all."""
    parts = _removable(question)
    sizes = range(1, len(parts) + 1) if len(parts) <= MOST_PARTS else (1, len(parts) - 1, len(parts))
    for size_ in sizes:
        for gone in itertools.combinations(parts, size_):
            request, without = question.request, set(gone)
            who, what = request.principal, request.resource
            roles = tuple(role for role in who.roles if ("role", role) not in without)
            if roles:
                fewer = {name: value for name, value in who.attr.items() if ("who", name) not in without}
                attr = {name: value for name, value in what.attr.items() if ("what", name) not in without}
                principal, resource = replace(who, roles=roles, attr=fewer), replace(what, attr=attr)
                yield replace(question, request=replace(request, principal=principal, resource=resource))
