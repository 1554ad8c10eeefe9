"""The questions about one bundle, by kind of resource, and its own answers: what a changed bundle is held against."""

import itertools
from collections.abc import Mapping, Sequence
from datetime import datetime

from policyloop.access.nearby import nearby
from policyloop.access.questions import DEFAULT_NOW, Question, Questionnaire
from policyloop.access.universe import Universe
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner

MOST = 1_500
"""The most questions about one kind from each of the two sources: near the tests, and from the universe."""

NEAR = 300
"""So many questions tell most changes; they are asked first where one difference is enough."""

Effects = tuple[str | None, ...]


class Pool:
    """Questions of a bundle near its tests, and those of its universe. Deterministic for a seed.

    Answers come from the compiler's own engine, in the normal or the strict pass, with the JSON Schemas or without.
    `prepare` asks what is asked from several threads later. Raises `Unavailable` when the compiler cannot be run.
    """

    def __init__(self, runner: Runner, bundle: Bundle, *, seed: int = 0, most: int = MOST) -> None:
        self.runner = runner
        self.bundle = bundle
        self._by_kind = _gathered(bundle, seed, most)
        self._written: dict[tuple[str, bool], Questionnaire] = {}
        self._known: dict[tuple[str, bool, bool], Effects] = {}

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of resource that there are questions about."""
        return tuple(self._by_kind)

    def questions(self, kind: str, *, near: bool = False) -> tuple[Question, ...]:
        """Those about one kind; all of them for a name that is none. `near`: only the first `NEAR` of them."""
        return self._questionnaire(kind, near=near).questions

    def prepare(self, kind: str, *, strict: bool = False, schemas: bool = True) -> Effects:
        """The bundle's own answers; asked once. The first ones are those to the questions that are near."""
        key = (kind, strict, schemas)
        if key not in self._known:
            self._known[key] = self.ask(self.bundle, kind, strict=strict, schemas=schemas)
        return self._known[key]

    def ask(
        self, bundle: Bundle, kind: str, *, strict: bool = False, schemas: bool = True, near: bool = False
    ) -> Effects:
        """The answers of another bundle to the same questions."""
        questionnaire = self._questionnaire(kind, near=near)
        whole = questionnaire.bundle(bundle, schemas=schemas)
        with self.runner.stage(whole) as staged:
            return questionnaire.answers(staged, whole, strict=strict)

    def _questionnaire(self, kind: str, *, near: bool = False) -> Questionnaire:
        key = (kind, near)
        if key not in self._written:
            mine = [self._by_kind[kind]] if kind in self._by_kind else list(self._by_kind.values())
            in_turns = [question for each in itertools.zip_longest(*mine) for question in each if question is not None]
            self._written[key] = Questionnaire(in_turns[:NEAR] if near else in_turns)
        return self._written[key]


def size(question: Question) -> int:
    """How many parts a question has. Of two with as many, the one that is nearer to the tests comes first in a pool."""
    request = question.request
    attributes = len(request.principal.attr) + len(request.resource.attr) + len(request.claims)
    return attributes + len(request.principal.roles) + bool(request.resource.scope)


def _gathered(bundle: Bundle, seed: int, most: int) -> Mapping[str, Sequence[Question]]:
    found: dict[str, dict[tuple[str, str], Question]] = {
        kind: {question.key: question for question in questions}
        for kind, questions in nearby(bundle, seed=seed, most=most).items()
    }
    universe = Universe((bundle,), seed, most * max(len(found), 1), datetime.fromisoformat(DEFAULT_NOW))
    left = dict.fromkeys(found, most)
    for batch in universe.batches():
        for number in range(len(batch)):
            _take(found, left, Question(batch.request(number)))
    for question in universe.clock():
        _take(found, left, question)
    return {kind: tuple(questions.values()) for kind, questions in found.items()}


def _take(found: dict[str, dict[tuple[str, str], Question]], left: dict[str, int], question: Question) -> None:
    kind = question.request.resource.kind
    if left.get(kind, 0) > 0 and question.key not in found[kind]:
        left[kind] -= 1
        found[kind][question.key] = question
