"""What is asked about a bundle, made once for each kind of resource when it is first needed."""

import itertools
from collections.abc import Iterable, Sequence

from policyloop.access.ask.parts import Parts
from policyloop.access.ask.questions import Question
from policyloop.access.inquiry.near_tests import MOST, MOST_ALWAYS, Material, material_of
from policyloop.layout import Kind
from policyloop.layout import kind as kind_of

Effects = tuple[str | None, ...]
"""For each question the effect; None where there was no answer."""

MOST_OF_SEVERAL = 3_000
"""The most questions about several kinds together: each kind has its share."""


class Pool:
    """The questions about each kind of a bundle: the same ones each time. The bounds are those of `material_of`."""

    def __init__(self, parts: Parts, *, always: int = MOST_ALWAYS, most: int = MOST) -> None:
        self.parts = parts
        self._always, self._most = always, most
        self._held: dict[str, Material] = {}
        self._questions: dict[tuple[str, ...], tuple[Question, ...]] = {}
        self._chosen: dict[tuple[int, Effects, str], tuple[Sequence[Question], tuple[Question, ...]]] = {}

    def material(self, kind: str) -> Material:
        """Cases and actions of one kind."""
        if kind not in self._held:
            self._held[kind] = material_of(self.parts, kind, always=self._always, most=self._most)
        return self._held[kind]

    def questions(self, kinds: Iterable[str]) -> tuple[Question, ...]:
        """Those about one kind; about several, the first ones of each in turn."""
        key = tuple(kinds)
        if key not in self._questions:
            of_each = [self.material(kind).questions() for kind in key]
            in_turns = (q for row in itertools.zip_longest(*of_each) for q in row if q is not None)
            whole = of_each[0] if len(of_each) == 1 else tuple(itertools.islice(in_turns, MOST_OF_SEVERAL))
            self._questions[key] = whole
        return self._questions[key]

    def chosen(self, questions: Sequence[Question], effects: Effects, effect: str) -> tuple[Question, ...]:
        """Those that were answered so; the very same tuple each time, so that nothing is asked of it twice."""
        key = id(questions), effects, effect
        if key not in self._chosen:
            some = tuple(question for question, given in zip(questions, effects, strict=True) if given == effect)
            # Held with the questions themselves, so that no other list can come to have the same identity.
            self._chosen[key] = questions, some
        return self._chosen[key][1]

    def has_schemas(self, kinds: Iterable[str]) -> bool:
        """Whether a schema may have a say about these kinds; also where that is not known."""
        names = tuple(kinds)
        if not self.parts.known or any(kind_of(path) is Kind.SCHEMA for path in self.parts.about(names)):
            return True
        policies = (policy for name in names for policy in self.parts.policies_about(name))
        return any(policy.body.get("schemas") is not None for policy in policies)

    @property
    def left(self) -> tuple[tuple[str, int], ...]:
        """The kinds about which not all was asked that is always asked, and how many requests were left at least."""
        return tuple((kind, held.left) for kind, held in sorted(self._held.items()) if held.left)

    def timed(self, kinds: Iterable[str]) -> bool:
        """Whether the answers about any of these kinds can depend on the moment."""
        return any(self.material(kind).timed for kind in kinds)


def size(question: Question) -> int:
    """How many parts a question has. Of two with as many, the one that is nearer to the tests comes first in a pool."""
    request = question.request
    attributes = len(request.principal.attr) + len(request.resource.attr) + len(request.claims)
    return attributes + len(request.principal.roles) + bool(request.resource.scope)
