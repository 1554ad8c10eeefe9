"""The question that tells a mutant from the bundle: searched near the tests, then made as small as can be."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from policyloop.access.mutate.mutants import Mutant
from policyloop.access.pool import Effects, Pool, size
from policyloop.access.questions import Question, put
from policyloop.access.source import policies_of
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner

ROUNDS = 4
"""How often a witness is made smaller, each time by all that can be left out of it."""


@dataclass(frozen=True, slots=True)
class Witness:
    """A question with the effects of the bundle and of the mutant. `strict`: only strict evaluation tells."""

    question: Question
    effect: str
    mutated: str
    strict: bool


class Search:
    """A bundle, and its answers to the questions of a pool; they are asked once, when they are first needed."""

    def __init__(self, runner: Runner, bundle: Bundle, *, seed: int = 0) -> None:
        self._pool = Pool(runner, bundle, seed=seed)
        self._kinds = {
            policy.file: policy.name for policy in policies_of(bundle) if policy.what == "resource" and policy.name
        }

    def prepare(self, mutants: Sequence[Mutant]) -> None:
        """Ask the bundle itself what the search for these mutants will need. Raises `Unavailable`."""
        for kind in sorted({self._kind(one) for one in mutants}):
            for strict in (False, True):
                self._pool.prepare(kind, strict=strict)

    def asked(self, mutant: Mutant) -> int:
        """How many questions are put to tell this mutant apart."""
        return len(self._pool.questions(self._kind(mutant)))

    def witness(self, mutant: Mutant) -> Witness | None:
        """A smallest question that the mutant answers otherwise; None when none of them does. Raises `Unavailable`.

        `prepare` comes first.
        """
        kind, pool, mutated = self._kind(mutant), self._pool, mutant.of(self._pool.bundle)
        ours = _Both(pool.prepare(kind), pool.prepare(kind, strict=True))
        found = _differing(pool.questions(kind), ours, lambda strict: pool.ask(mutated, kind, strict=strict))
        for _ in range(ROUNDS if found else 0):
            assert found is not None
            again = self._smaller(found.question, mutated)
            if again is None:
                break
            found = again
        return found

    def _smaller(self, question: Question, mutated: Bundle) -> Witness | None:
        questions = list(_smaller(question))
        if not questions:
            return None
        runner = self._pool.runner
        ours = _Both(*(put(runner, self._pool.bundle, questions, strict=strict) for strict in (False, True)))
        return _differing(questions, ours, lambda strict: put(runner, mutated, questions, strict=strict))

    def _kind(self, mutant: Mutant) -> str:
        return self._kinds.get(mutant.file, "")


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


def _smaller(question: Question) -> Iterator[Question]:
    """`question` with one role or one attribute less each."""
    request = question.request
    who, what = request.principal, request.resource
    if len(who.roles) > 1:
        for role in who.roles:
            rest = tuple(other for other in who.roles if other != role)
            yield replace(question, request=replace(request, principal=replace(who, roles=rest)))
    for name in who.attr:
        attr = _without(who.attr, name)
        yield replace(question, request=replace(request, principal=replace(who, attr=attr)))
    for name in what.attr:
        attr = _without(what.attr, name)
        yield replace(question, request=replace(request, resource=replace(what, attr=attr)))


def _without(attr: Mapping[str, object], name: str) -> Mapping[str, object]:
    return {key: value for key, value in attr.items() if key != name}
