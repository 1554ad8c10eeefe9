"""One call decided: its effects worked out, the PDP asked, and asked again about what a rule made of the call."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from policyloop.decide.call import Call
from policyloop.decide.decision import Decision, Effect, decision_of, denied
from policyloop.decide.effects import Effects
from policyloop.decide.request import check_request
from policyloop.decide.tools import effects_of

Ask = Callable[[Mapping[str, Any]], object]
"""Puts a request to the PDP and gives its reply as decoded JSON. Whatever it raises is a denial."""


def judge(call: Call, ask: Ask) -> tuple[Decision, Effects]:
    """The decision, and the effects that it is about. Never raises: a judge that cannot judge is no yes."""
    effects = effects_of(call)
    decision = _asked(call, effects, ask)
    if decision.input is None:
        return decision, effects
    return _rewritten(call, decision, effects, ask)


def _rewritten(call: Call, decision: Decision, effects: Effects, ask: Ask) -> tuple[Decision, Effects]:
    """A rule gives the tool another input. What it would do then is another call, and must be allowed as such."""
    given = decision.input or {}
    strange = sorted(set(given) - set(call.input))
    if strange or not call.tool:
        return denied(f"{decision.rule or decision.policy} gives the tool what it was not called with"), effects
    changed = replace(call, input={**call.input, **given})
    its_effects = effects_of(changed)
    again = _asked(changed, its_effects, ask)
    if again.trouble or again.effect == "deny":
        return again, its_effects
    if again.input is not None and {**changed.input, **again.input} != dict(changed.input):
        return denied(f"{again.rule or again.policy} rewrites what it has rewritten"), its_effects
    stricter: Effect = "ask" if "ask" in (decision.effect, again.effect) else "allow"
    reason = decision.reason or again.reason
    return replace(decision, effect=stricter, reason=reason, input=changed.input), its_effects


def _asked(call: Call, effects: Effects, ask: Ask) -> Decision:
    request = check_request(call, effects)
    try:
        # What Cerbos would refuse anyway is not sent: numbers that JSON has no form for, halves of characters.
        json.dumps(request, allow_nan=False, ensure_ascii=False).encode("utf-8")
        reply = ask(request)
    except Exception as error:  # noqa: BLE001 - whatever went wrong, nothing was decided
        return denied(f"the decision point was not heard: {type(error).__name__}: {error}")
    return decision_of(call, reply)
