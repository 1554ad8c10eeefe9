"""One call decided: its effects worked out, the PDP asked, and asked again about what a rule made of the call.

`judging` does no I/O: it hands out a request and is sent the reply, so that who waits for the PDP waits in its own way.
"""

import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from policyloop.decide.call import Call
from policyloop.decide.decision import Decision, Effect, decision_of, denied
from policyloop.decide.effects import Effects
from policyloop.decide.request import check_request
from policyloop.decide.tools import effects_of

Ask = Callable[[Mapping[str, Any]], object]
"""Puts a request to the PDP and gives its reply as decoded JSON. Whatever it raises is a denial."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The decision, and the effects that it is about.

    `without_trial` is what would have been decided if no rule were on trial; None where none is.
    """

    decision: Decision
    effects: Effects
    without_trial: Decision | None = None


_Asking = Generator[Mapping[str, Any], object, tuple[Decision, Effects]]
Judging = Generator[Mapping[str, Any], object, Judged]
"""Gives requests for the PDP, is sent each reply as decoded JSON, or thrown what went wrong, and ends in a `Judged`."""


def judge(call: Call, ask: Ask) -> tuple[Decision, Effects]:
    """The decision, and the effects that it is about. Never raises: a judge that cannot judge is no yes."""
    steps = judging(call)
    try:
        request = next(steps)
        while True:
            try:
                reply = ask(request)
            except Exception as error:  # noqa: BLE001 - whatever went wrong, nothing was decided
                request = steps.throw(error)
            else:
                request = steps.send(reply)
    except StopIteration as ended:
        judged: Judged = ended.value
        return judged.decision, judged.effects


def judging(
    call: Call, *, on_trial: tuple[str, ...] = (), effects_of: Callable[[Call], Effects] = effects_of
) -> Judging:
    """A call being judged. `on_trial` are the names that rules find in `R.attr.on_trial`."""
    decision, effects = yield from _judged(call, on_trial, effects_of)
    without_trial: Decision | None = None
    if on_trial:
        without_trial, _ = yield from _judged(call, (), effects_of)
    return Judged(decision=decision, effects=effects, without_trial=without_trial)


def _judged(call: Call, on_trial: tuple[str, ...], effects_of: Callable[[Call], Effects]) -> _Asking:
    effects = effects_of(call)
    decision = yield from _asked(call, effects, on_trial)
    if decision.input is None:
        return decision, effects
    # A rule gives the tool another input. What it would do then is another call, and must be allowed as such.
    given = decision.input
    strange = sorted(set(given) - set(call.input))
    if strange or not call.tool:
        return denied(f"{decision.rule or decision.policy} gives the tool what it was not called with"), effects
    changed = replace(call, input={**call.input, **given})
    its_effects = effects_of(changed)
    again = yield from _asked(changed, its_effects, on_trial)
    return _agreed(changed, decision, again), its_effects


def _agreed(changed: Call, decision: Decision, again: Decision) -> Decision:
    """What two decisions come to: the one that rewrote a call, and the one about the call that it made of it."""
    if again.trouble or again.effect == "deny":
        return again
    if again.input is not None and {**changed.input, **again.input} != dict(changed.input):
        return denied(f"{again.rule or again.policy} rewrites what it has rewritten")
    stricter: Effect = "ask" if "ask" in (decision.effect, again.effect) else "allow"
    reason = decision.reason or again.reason
    return replace(decision, effect=stricter, reason=reason, input=changed.input)


def _asked(call: Call, effects: Effects, on_trial: tuple[str, ...]) -> Generator[Mapping[str, Any], object, Decision]:
    request = check_request(call, effects, on_trial)
    try:
        # What Cerbos would refuse anyway is not sent: numbers that JSON has no form for, halves of characters.
        json.dumps(request, allow_nan=False, ensure_ascii=False).encode("utf-8")
        reply = yield request
    except Exception as error:  # noqa: BLE001 - whatever went wrong, nothing was decided
        said = f"{type(error).__name__}: {error}"
        return replace(denied(f"the decision point was not heard: {said}"), heard=False)
    return decision_of(call, reply)
