"""Many small investigations at once, each a generator that yields what it asks and is sent the answers.

A changed policy of one kind has no say about another kind. So one server is started for a round of changes and answers
for all of them: those of different kinds side by side, and those of one kind each under a name of its own (`aliases`).
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from policyloop.access.ask.questions import Question, put
from policyloop.access.ask.request import MAX_BATCH, Batch, Resource, canonical
from policyloop.access.inquiry.aliases import Alias, Aliases, about
from policyloop.access.inquiry.question_pool import Effects, Pool
from policyloop.access.pdp import Pdp, Refused, Settings, allowed, encode, serving
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.effects import ALLOW, DENY

_Found = TypeVar("_Found")

MOST_TOGETHER = 150
"""The most asks of one round: each may bring a policy with it."""
MOST_DECISIONS = 200_000
"""About so many decisions in one round, so that what comes back can be held."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ask:
    """`questions` about `kinds`, put to the bundle with some files changed: path -> text.

    `strict`: under strict evaluation. `schemas`: enforced, as the compiler does in tests. Answered with `Effects`, or
    with None for a change that the compiler does not take.
    """

    kinds: tuple[str, ...]
    questions: Sequence[Question]
    changed: Mapping[str, str] = field(default_factory=dict)
    strict: bool = False
    schemas: bool = True

    @property
    def mode(self) -> tuple[bool, bool]:
        """What one server can only be one of."""
        return self.strict, self.schemas


Steps = Generator[Ask, Effects | None, _Found]
"""One investigation."""


@dataclass(slots=True, eq=False)
class _Open(Generic[_Found]):
    number: int
    steps: Steps[_Found]
    ask: Ask


class Rounds:
    """Answers to what investigations ask, from servers, or from the compiler's engine where the clock matters.

    To be used from the main thread. `asked` counts the decisions. Raises `Unavailable` when no server can be had.
    """

    def __init__(self, runner: Runner, pool: Pool, settings: Settings) -> None:
        self.asked = 0
        self._runner, self._pool, self._settings = runner, pool, settings
        self._aliases = Aliases(pool.parts)
        self._known: dict[tuple[object, ...], tuple[Sequence[Question], Effects | None]] = {}

    def results(
        self, jobs: Sequence[Steps[_Found]], told: Callable[[int], None] = lambda _: None
    ) -> Iterator[tuple[int, _Found]]:
        """What each job comes to, by its number, as it is known. `told` hears how many are done."""
        waiting: list[_Open[_Found]] = []
        done = 0
        for number, steps in enumerate(jobs):
            try:
                waiting.append(_Open(number, steps, next(steps)))
            except StopIteration as end:
                done += 1
                yield number, end.value
        while waiting:
            chosen = self._round(waiting)
            answers = self._answered([one.ask for one in chosen])
            still: list[_Open[_Found]] = []
            for one, effects in zip(chosen, answers, strict=True):
                try:
                    one.ask = one.steps.send(effects)
                    still.append(one)
                except StopIteration as end:
                    done += 1
                    yield one.number, end.value
            taken = {id(one) for one in chosen}
            waiting = [*still, *(one for one in waiting if id(one) not in taken)]
            told(done)

    def _round(self, waiting: Sequence[_Open[_Found]]) -> list[_Open[_Found]]:
        """Those who can be answered by one server: the same mode, no kind and no file in two ways."""
        mode = waiting[0].ask.mode
        chosen: list[_Open[_Found]] = []
        changes: dict[str, tuple[tuple[str, str], ...]] = {}
        texts: dict[str, str] = {}
        decisions = 0
        for one in waiting:
            change = () if self._aliases.fit(one.ask) else tuple(sorted(one.ask.changed.items()))
            free = all(changes.get(kind, change) == change for kind in one.ask.kinds)
            free = free and all(texts.get(path, text) == text for path, text in change)
            room = not chosen or (decisions < MOST_DECISIONS and len(chosen) < MOST_TOGETHER)
            if one.ask.mode == mode and free and room:
                chosen.append(one)
                decisions += len(one.ask.questions)
                if not self._aliases.fit(one.ask):
                    changes.update(dict.fromkeys(one.ask.kinds, change))
                texts.update(change)
        return chosen

    def _answered(self, asks: Sequence[Ask]) -> list[Effects | None]:
        found: dict[int, Effects | None] = {}
        fresh: dict[tuple[object, ...], Ask] = {}
        for ask in asks:
            if not ask.questions:
                found[id(ask)] = ()
            else:
                fresh.setdefault(_sort(ask), ask)
        unknown = [ask for key, ask in fresh.items() if key not in self._known]
        timed = [ask for ask in unknown if self._pool.timed(ask.kinds)]
        others = [ask for ask in unknown if not self._pool.timed(ask.kinds)]
        told = {**self._served(others), **{id(ask): self._by_engine(ask) for ask in timed}}
        for ask in unknown:
            self.asked += len(ask.questions)
            if not ask.changed:
                # Held with the questions themselves, so that no other list can come to have the same identity.
                self._known[_sort(ask)] = (ask.questions, told[id(ask)])
        for ask in asks:
            if id(ask) not in found:
                key = _sort(ask)
                found[id(ask)] = self._known[key][1] if key in self._known else told[id(fresh[key])]
        return [found[id(ask)] for ask in asks]

    def _served(self, asks: Sequence[Ask]) -> dict[int, Effects | None]:
        if not asks:
            return {}
        strict, schemas = asks[0].mode
        settings = replace(self._settings, strict=strict, schemas="reject" if schemas else "none")
        moved = {id(ask): self._aliases.of(ask, number) for number, ask in enumerate(asks)}
        plain = [ask for ask in asks if moved[id(ask)] is None]
        files = {path: text for alias in moved.values() if alias is not None for path, text in alias.files.items()}
        whole = self._bundle(plain, more=[kind for ask in asks for kind in ask.kinds])
        try:
            with serving(whole.overlaid(files), settings) as pdp:
                return {id(ask): ask_server(pdp, _moved(ask, moved[id(ask)])) for ask in asks}
        except Refused:
            if len(asks) == 1:
                return {id(asks[0]): None}
        half = len(asks) // 2
        return {**self._served(asks[:half]), **self._served(asks[half:])}

    def _by_engine(self, ask: Ask) -> Effects | None:
        bundle = self._bundle([ask])
        return put(self._runner, bundle, ask.questions, strict=ask.strict, schemas=ask.schemas)

    def _bundle(self, asks: Sequence[Ask], more: Sequence[str] = ()) -> Bundle:
        kinds = dict.fromkeys([*(kind for ask in asks for kind in ask.kinds), *more])
        changed = {path: text for ask in asks for path, text in ask.changed.items()}
        return self._pool.parts.about(kinds).overlaid(changed)


def _moved(ask: Ask, alias: Alias | None) -> Sequence[Question]:
    return ask.questions if alias is None else [about(question, alias.kind) for question in ask.questions]


def _sort(ask: Ask) -> tuple[object, ...]:
    """The same for two that ask the very same."""
    return id(ask.questions), tuple(sorted(ask.changed.items())), ask.strict, ask.schemas


def ask_server(pdp: Pdp, questions: Sequence[Question]) -> Effects:
    """The effects of the questions, whatever their moment, in few calls. None for what the server does not take."""
    effects: list[str | None] = [None] * len(questions)
    batches = list(_batches(questions))
    bodies = ((batch, encode(batch)) for batch, _ in batches)
    for (batch, answer), (_, numbers) in zip(pdp.answers(bodies), batches, strict=True):
        if answer:
            for number, allows in zip(numbers, allowed(answer, batch), strict=True):
                effects[number] = ALLOW if allows else DENY
    return tuple(effects)


def _batches(questions: Sequence[Question]) -> Iterator[tuple[Batch, list[int]]]:
    """The questions as batches, each with the numbers of its questions in the order of its decisions."""
    held: dict[tuple[str, str], dict[str, dict[str, int]]] = {}
    whose: dict[tuple[str, str], Question] = {}
    what: dict[str, Resource] = {}
    for number, question in enumerate(questions):
        request = question.request
        who = (request.principal.key, canonical(dict(request.claims)) if request.claims else "")
        whose.setdefault(who, question)
        what.setdefault(request.resource.key, request.resource)
        held.setdefault(who, {}).setdefault(request.resource.key, {})[request.action] = number
    twice = _doubles(questions, held)
    for who, of_resources in held.items():
        alike: dict[tuple[str, ...], list[str]] = {}
        for key, of_actions in of_resources.items():
            alike.setdefault(tuple(of_actions), []).append(key)
        request = whose[who].request
        for actions, keys in alike.items():
            for first in range(0, len(actions), MAX_BATCH):
                some = actions[first : first + MAX_BATCH]
                size = max(1, min(MAX_BATCH, _PER_CALL // len(some)))
                for start in range(0, len(keys), size):
                    part = keys[start : start + size]
                    numbers = [of_resources[key][action] for key in part for action in some]
                    yield Batch(request.principal, [what[key] for key in part], some, request.claims), numbers
    for question, number in twice:
        request = question.request
        yield Batch(request.principal, [request.resource], [request.action], request.claims), [number]


_PER_CALL = 480
"""Decisions in one call."""


def _doubles(
    questions: Sequence[Question], held: Mapping[tuple[str, str], Mapping[str, Mapping[str, int]]]
) -> list[tuple[Question, int]]:
    """The questions that differ from a later one in their moment alone."""
    standing = {number for of in held.values() for actions in of.values() for number in actions.values()}
    return [(question, number) for number, question in enumerate(questions) if number not in standing]
