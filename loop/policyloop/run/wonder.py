"""After access was compared: what did nobody say? Mistakes that no test notices become questions to the person."""

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from policyloop import outcome
from policyloop.agreed import user
from policyloop.bundle import Bundle
from policyloop.cerbos_loop import State
from policyloop.controller import end
from policyloop.drive import INTERRUPTED
from policyloop.errors import Unavailable
from policyloop.events import LookedFor, Unsaid
from policyloop.outcome import Ending, Outcome
from policyloop.run.compare import Compared
from policyloop.run.prepared import Prepared
from policyloop.specification import Spec
from policyloop.view.words import plural

if TYPE_CHECKING:
    from policyloop.access.mutate import MutateResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Wondered:
    """The run after it was looked for what nobody said. `state` has another end where a person said no."""

    compared: Compared
    state: State
    unsaid: tuple[Unsaid, ...] = ()
    looked_for: LookedFor | None = None


def wonder(compared: Compared) -> Wondered:
    """Ask at most a few questions, before the write-back, about what no decision says. Without a person they are told.

    Nothing is looked for where there is no spec, where nothing was changed, or where `spec.mutants` is 0. It is bounded
    by the configuration, and where it was cut short that is said. An interrupt ends the run as one.
    """
    state, spec = compared.state, compared.clarity.spec
    prepared = compared.clarity.prepared
    limits = prepared.config.spec
    green = isinstance(state.todo, Outcome) and state.todo.ending is Ending.GREEN
    if not green or spec is None or not limits.mutants or not limits.questions or state.current == state.start:
        return Wondered(compared=compared, state=state)
    from policyloop.unsaid import looked_for, unsaid

    try:
        result = _mutated(spec, state, prepared)
        if isinstance(result, Unavailable):
            told = LookedFor(0, 0, 0, f"it could not be looked for: {result.message}")
            return Wondered(compared=compared, state=state, looked_for=told)
        questions = unsaid(spec, result, limits.questions)
        answered, said = _asked(questions, state, prepared)
        if said:
            answered, said = _locked(answered, said, result, prepared)
        left = tuple(question for question in questions if question not in said)
        return Wondered(compared=compared, state=answered, unsaid=left, looked_for=looked_for(result, limits.mutants))
    except KeyboardInterrupt:
        return Wondered(compared=compared, state=end(state, INTERRUPTED))


def _mutated(spec: Spec, state: State, prepared: Prepared) -> "MutateResult | Unavailable":
    from policyloop.access.mutate import mutate
    from policyloop.configured import server
    from policyloop.spec_questions import questions_of
    from policyloop.unsaid import rules_of

    limits = prepared.config.spec
    until = time.monotonic() + limits.seconds
    prepared.audience.note("Looking for what nobody said: small mistakes in the rules, tried one by one.")
    try:
        return mutate(
            prepared.runner,
            state.current,
            str(prepared.policies),
            limit=limits.mutants,
            settings=server(prepared.config),
            prove=False,
            about=rules_of(spec),
            ordinary=questions_of(spec),
            over=lambda: time.monotonic() >= until,
        )
    except Unavailable as error:
        return error


def _asked(questions: tuple[Unsaid, ...], state: State, prepared: Prepared) -> tuple[State, tuple[Unsaid, ...]]:
    """What a person said yes to as it is; the state has another end where they say that something is not so."""
    if prepared.person is None:
        return state, ()
    for one in questions:
        now = "They may now." if one.allowed else "They may not now."
        with prepared.clock.paused():
            meant = prepared.person.let_in(f"{one.question} {now}")
        if not meant:
            wanted = "may not" if one.allowed else "may"
            wrong = one.question.replace("Nobody said whether", "A person said it is wrong:")
            words = f"{wrong} {now} Nothing was written. The request has to say so: they {wanted}."
            return end(state, outcome.person("unsaid", words)), ()
    return state, questions


def _locked(
    state: State, said: tuple[Unsaid, ...], result: "MutateResult", prepared: Prepared
) -> tuple[State, tuple[Unsaid, ...]]:
    """The state with what a person said as tests, which ran and passed; as it was where they do not, and that is told.

    From the write-back on they are in the policies, so every later run and session locks them like all others.
    """
    from policyloop.unsaid import said_suite

    path = f"tests/said_{prepared.run_id.replace('-', '_')}_test.yaml"
    suite = said_suite(result, said, prepared.wishes.by or user())
    candidate = Bundle({**state.current.files, path: suite})
    report = prepared.judge(candidate, state.lock)
    lock = state.lock.joined_by(candidate, report.passed_in_both())
    if not report.green or len(lock) == len(state.lock):
        why = report.findings[0].message if report.findings else "they did not run"
        prepared.audience.note(f"Your answers could not be kept as tests: {why}")
        return state, ()
    prepared.audience.note(f"What you said is locked as {plural(len(lock) - len(state.lock), 'assertion')} of {path}.")
    return replace(state, current=candidate, best=candidate, report=report, best_report=report, lock=lock), said
