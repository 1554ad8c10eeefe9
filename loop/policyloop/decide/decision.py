"""What a PDP's reply means for a call. Nothing that it says can make a denial weaker than Cerbos's own.

A rule's output may add a reason, turn an allow into a question or a denial, or give the tool another input:

    "a text"                                                     the reason
    {"reason": "a text", "decision": "ask", "input": {...}}      each optional; `decision` is allow, ask or deny
    {"hookSpecificOutput": {"permissionDecision": "deny", "permissionDecisionReason": "a text"}}   Claude Code's words

Any other output, and one that Cerbos could not work out, makes the call a denial: a rule that meant to say more than
allow would otherwise be heard as if it had said nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from policyloop.decide.call import Call
from policyloop.decide.request import action_of, id_of
from policyloop.printing import one_line

Effect = Literal["allow", "ask", "deny"]
MOST_REASON = 1_000
"""Characters of a reason."""
NO_MATCH = "NO_MATCH"
"""Cerbos's word for: there is no policy for this kind, or none of its rules is about the request."""

NOT_ALLOWED = "No policy allows this."
FORBIDDEN = "A policy of your organisation does not allow this."
"""The reasons of denials for which no rule gives one."""

_STRENGTH: Mapping[Effect, int] = {"allow": 0, "ask": 1, "deny": 2}
_CLIENTS_WORDS = {"permissionDecision": "decision", "permissionDecisionReason": "reason", "updatedInput": "input"}
_RULED = frozenset({"PreToolUse", "PreSkillShellCommand"})
"""Events of which a bundle must say that they are allowed. Of any other one a bundle may have nothing to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is answered to a call, and why. `trouble`: why this is no policy's decision but a fault; empty otherwise.

    `input` is the tool's input as a rule has rewritten it, None for as it was. `policy` is what Cerbos says decided.
    """

    effect: Effect
    reason: str = ""
    rule: str = ""
    policy: str = ""
    input: Mapping[str, Any] | None = None
    pdp_call: str = ""
    trouble: str = ""
    heard: bool = True
    """Whether the PDP replied at all."""


@dataclass(slots=True)
class _Said:
    """What the outputs of rules say together, in the making: of two decisions the stricter one holds."""

    effect: Effect
    reasons: list[tuple[int, str, str]] = field(default_factory=list)
    """How strict the output was, its reason, and the rule that it is of."""
    inputs: list[dict[str, Any]] = field(default_factory=list)

    def hear(self, rule: str, *, decision: Effect = "allow", reason: str = "", given: dict[str, Any] | None) -> None:
        if _STRENGTH[decision] > _STRENGTH[self.effect]:
            self.effect = decision
        if reason:
            self.reasons.append((_STRENGTH[decision], _shown(reason), rule))
        if given is not None:
            self.inputs.append(given)

    @property
    def reason(self) -> tuple[str, str]:
        """The reason of the strictest output, the first of several, and its rule."""
        if not self.reasons:
            return "", ""
        _, reason, rule = max(self.reasons, key=lambda said: said[0])
        return reason, rule


class _Malformed(Exception):
    """An output is none that a rule may give, or a reply is none that Cerbos gives; the text says why."""


def denied(trouble: str, *, pdp_call: str = "") -> Decision:
    """A denial because nothing could be decided. `trouble` is for the record and the alarm."""
    reason = "This was not decided, so it is not allowed. The people who run the decision point can see why."
    return Decision(effect="deny", reason=reason, trouble=_shown(trouble), pdp_call=pdp_call)


def decision_of(call: Call, reply: object) -> Decision:
    """The decision that a reply of the PDP, as decoded JSON, is. Never raises: what cannot be read is a denial."""
    pdp_call = reply.get("cerbosCallId") if isinstance(reply, Mapping) else None
    known_call = _shown(pdp_call) if isinstance(pdp_call, str) else ""
    try:
        return _read(call, reply, known_call)
    except _Malformed as error:
        return denied(str(error), pdp_call=known_call)


def _shown(text: str) -> str:
    """A text of others as one printable line of bounded length, without secrets."""
    return one_line(text, MOST_REASON)


def _read(call: Call, reply: object, pdp_call: str) -> Decision:
    result = _result(call, reply)
    action = action_of(call)
    match result.get("actions"):
        case {**actions} if set(actions) == {action}:
            given = actions[action]
        case _:
            raise _Malformed("the reply is about other actions than the one that was asked about")
    if given not in ("EFFECT_ALLOW", "EFFECT_DENY"):
        raise _Malformed("the reply holds neither an allow nor a deny")
    policy = _policy(result, action)
    if given == "EFFECT_DENY" and policy == NO_MATCH and call.event not in _RULED:
        return Decision(effect="allow", reason=f"no policy is about {call.event}", policy=NO_MATCH, pdp_call=pdp_call)
    said = _Said("allow" if given == "EFFECT_ALLOW" else "deny")
    for rule, value in _outputs(result, action):
        _hear(said, rule, value)
    reason, rule = said.reason
    if not reason and said.effect == "deny":
        reason = NOT_ALLOWED if policy == NO_MATCH else FORBIDDEN
    rewritten = said.inputs[0] if said.inputs and said.effect != "deny" else None
    if rewritten is not None and any(given != rewritten for given in said.inputs):
        raise _Malformed("two rules give the tool two inputs")
    return Decision(effect=said.effect, reason=reason, rule=rule, policy=policy, input=rewritten, pdp_call=pdp_call)


def _result(call: Call, reply: object) -> dict[str, Any]:
    asked = id_of(call)
    match reply:
        case {"requestId": str(id_), "results": [{"resource": {"kind": call.event}, **result}]} if id_ == asked:
            return {str(name): value for name, value in result.items()}
    raise _Malformed("the reply is not one to this request")


def _policy(result: Mapping[str, Any], action: str) -> str:
    match result.get("meta"):
        case {"actions": {**actions}}:
            match actions.get(action):
                case {"matchedPolicy": str(policy)}:
                    return _shown(policy)
    return ""


def _outputs(result: Mapping[str, Any], action: str) -> Iterator[tuple[str, Any]]:
    """Rule and value of each output that is about the action."""
    outputs = result.get("outputs", [])
    if not isinstance(outputs, list):
        raise _Malformed("the outputs of the reply are no list")
    for output in outputs:
        match output:
            case {"src": str(rule), "error": _}:
                raise _Malformed(f"an output of {rule} could not be worked out")
            case {"src": str(rule), "val": value} if output.get("action", action) == action:
                yield _shown(rule), value
            case {"src": str(rule)} if output.get("action", action) == action:
                raise _Malformed(f"an output of {rule} holds nothing")
            case {"src": str()}:
                continue
            case _:
                raise _Malformed("an output of the reply does not say which rule it is of")


def _hear(said: _Said, rule: str, value: Any) -> None:
    if isinstance(value, str):
        said.hear(rule, reason=value, given=None)
        return
    fields = _own_words(rule, value)
    decision, reason, given = fields.get("decision", "allow"), fields.get("reason", ""), fields.get("input")
    sound = decision in ("allow", "ask", "deny") and isinstance(reason, str) and isinstance(given, dict | None)
    if not sound:
        raise _Malformed(f"an output of {rule} holds a value that may not stand there")
    said.hear(rule, decision=decision, reason=reason, given=given)


def _own_words(rule: str, value: Any) -> dict[str, Any]:
    """The fields of an output under their names here, whichever of the two forms it has."""
    if (
        isinstance(value, dict)
        and set(value) == {"hookSpecificOutput"}
        and isinstance(value["hookSpecificOutput"], dict)
    ):
        given = value["hookSpecificOutput"]
        if set(given) <= set(_CLIENTS_WORDS) | {"hookEventName"}:
            return {own: given[theirs] for theirs, own in _CLIENTS_WORDS.items() if theirs in given}
    elif isinstance(value, dict) and set(value) <= set(_CLIENTS_WORDS.values()):
        return value
    raise _Malformed(f"an output of {rule} has a form that no output may have")
