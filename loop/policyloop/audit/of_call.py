"""The record of a call: what the call itself says of it. What was decided is put in by who decided."""

import secrets
from dataclasses import dataclass, field

from policyloop.audit.record import Agent, Effect, Mode, Policy, Record, Who, moment
from policyloop.decide.call import Call
from policyloop.decide.effects import Effects


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What was decided about a call, and by what. `would_be`: the decision that the mode kept from being enforced."""

    decision: Effect
    reason: str = ""
    rule: str = ""
    policy: Policy = field(default_factory=Policy)
    mode: Mode = "enforce"
    would_be: Effect | None = None
    rewritten: bool = False
    latency_us: int = 0
    pdp_call: str | None = None


def record_of(call: Call, effects: Effects, decided: Decided) -> Record:
    """The record; its id is new, as a client's own id of a call may come twice."""
    return Record(
        id=f"{call.event}-{secrets.token_hex(10)}",
        time=moment(call.received),
        event=call.event,
        tool=call.tool,
        decision=decided.decision,
        front=call.front,
        call=call.id,
        who=Who(subject=call.identity.subject, roles=call.identity.roles, verified=call.identity.verified),
        reported=call.identity.reported,
        agent=Agent(kind=call.agent, version=call.agent_version),
        session=call.session,
        subagent=call.subagent,
        cwd=call.cwd,
        permission_mode=call.mode,
        mcp_server=call.mcp_server,
        effects=effects.attributes(),
        input=call.input,
        rewritten=decided.rewritten,
        reason=decided.reason,
        rule=decided.rule,
        policy=decided.policy,
        mode=decided.mode,
        would_be=decided.would_be,
        latency_us=decided.latency_us,
        pdp_call=decided.pdp_call,
    )
