"""The question that tells a mutant from the bundle: searched near the tests, then made as small as can be."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from policyloop.access.mutate.mutants import Mutant
from policyloop.access.nearby import nearby
from policyloop.access.questions import Question, Questionnaire
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


@dataclass(frozen=True, slots=True)
class _Asked:
    """Questions with the bundle's own answers to them, in the normal and in the strict pass."""

    questionnaire: Questionnaire
    normal: tuple[str | None, ...]
    strict: tuple[str | None, ...]


class Search:
    """A bundle, and its answers to the questions near its tests; they are asked once, when they are first needed."""

    def __init__(self, runner: Runner, bundle: Bundle, *, seed: int = 0) -> None:
        self._runner = runner
        self._bundle = bundle
        self._by_kind = nearby(bundle, seed=seed)
        self._kinds = {
            policy.file: policy.name for policy in policies_of(bundle) if policy.what == "resource" and policy.name
        }
        self._asked: dict[str | None, _Asked] = {}

    def prepare(self, mutants: Sequence[Mutant]) -> None:
        """Ask the bundle itself what the search for these mutants will need. Raises `Unavailable`."""
        for kind in sorted({self._kinds.get(one.file, "") for one in mutants}):
            self._asked.setdefault(kind, self._ask(self._questions(kind)))

    def asked(self, mutant: Mutant) -> int:
        """How many questions are put to tell this mutant apart."""
        return len(self._asked[self._kinds.get(mutant.file, "")].questionnaire)

    def witness(self, mutant: Mutant) -> Witness | None:
        """A smallest question that the mutant answers otherwise; None when none of them does. Raises `Unavailable`.

        `prepare` comes first.
        """
        known = self._asked[self._kinds.get(mutant.file, "")]
        mutated = mutant.of(self._bundle)
        found = self._differing(known, mutated)
        for _ in range(ROUNDS if found else 0):
            assert found is not None
            smaller = list(_smaller(found.question))
            again = self._differing(self._ask(smaller), mutated) if smaller else None
            if again is None:
                break
            found = again
        return found

    def _questions(self, kind: str) -> tuple[Question, ...]:
        if kind in self._by_kind:
            return self._by_kind[kind]
        return tuple(question for questions in self._by_kind.values() for question in questions)

    def _ask(self, questions: Sequence[Question]) -> _Asked:
        questionnaire = Questionnaire(questions)
        staged_bundle = questionnaire.bundle(self._bundle)
        with self._runner.stage(staged_bundle) as staged:
            normal, strict = (questionnaire.answers(staged, staged_bundle, strict=strict) for strict in (False, True))
        return _Asked(questionnaire, normal, strict)

    def _differing(self, known: _Asked, mutated: Bundle) -> Witness | None:
        """The smallest question, all told, that the two answer differently.

        It must be one whose answer is the same in both passes, so that a test of it passes in both; else it is one of
        strict evaluation, which a test can ask for.
        """
        questionnaire = known.questionnaire
        bundle = questionnaire.bundle(mutated)
        with self._runner.stage(bundle) as staged:
            for strict, ours in ((False, known.normal), (True, known.strict)):
                theirs = questionnaire.answers(staged, bundle, strict=strict)
                rows = zip(questionnaire.questions, ours, theirs, known.normal, known.strict, strict=True)
                found = [
                    Witness(question, mine, other, strict and in_normal != in_strict)
                    for question, mine, other, in_normal, in_strict in rows
                    if mine and other and mine != other and (strict or in_normal == in_strict)
                ]
                if found:
                    return min(found, key=_size)
        return None


def _size(found: Witness) -> tuple[int, int, str]:
    request = found.question.request
    whole = len(request.principal.attr) + len(request.resource.attr) + len(request.principal.roles)
    return whole + len(request.claims), len(request.key), request.key + found.question.now


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
