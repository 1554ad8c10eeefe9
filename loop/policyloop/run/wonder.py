"""After access was compared: what did nobody say? Mistakes that no test notices become questions to the person."""

import time
from dataclasses import dataclass

from policyloop import outcome
from policyloop.cerbos_loop import State
from policyloop.controller import end
from policyloop.drive import INTERRUPTED
from policyloop.errors import Unavailable
from policyloop.events import LookedFor, Unsaid
from policyloop.outcome import Ending, Outcome
from policyloop.run.compare import Compared
from policyloop.run.prepared import Prepared
from policyloop.specification import Spec


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
    try:
        questions, looked_for = _looked(spec, state, prepared)
        return Wondered(
            compared=compared,
            state=_asked(questions, state, prepared),
            unsaid=questions,
            looked_for=looked_for,
        )
    except KeyboardInterrupt:
        return Wondered(compared=compared, state=end(state, INTERRUPTED))


def _looked(spec: Spec, state: State, prepared: Prepared) -> tuple[tuple[Unsaid, ...], LookedFor]:
    from policyloop.access.mutate import mutate
    from policyloop.configured import server
    from policyloop.spec_questions import questions_of
    from policyloop.unsaid import looked_for, rules_of, unsaid

    limits = prepared.config.spec
    until = time.monotonic() + limits.seconds
    prepared.audience.note("Looking for what nobody said: small mistakes in the rules, tried one by one.")
    try:
        result = mutate(
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
        return (), LookedFor(0, 0, 0, f"it could not be looked for: {error.message}")
    return unsaid(spec, result, limits.questions), looked_for(result, limits.mutants)


def _asked(questions: tuple[Unsaid, ...], state: State, prepared: Prepared) -> State:
    """The same state, unless a person says that something is not as they want it."""
    if prepared.person is None:
        return state
    for one in questions:
        now = "They may now." if one.allowed else "They may not now."
        with prepared.clock.paused():
            meant = prepared.person.let_in(f"{one.question} {now}")
        if not meant:
            wanted = "may not" if one.allowed else "may"
            wrong = one.question.replace("Nobody said whether", "A person said it is wrong:")
            words = f"{wrong} {now} Nothing was written. Run it again with a request that says so: they {wanted}."
            return end(state, outcome.person("unsaid", words))
    return state
