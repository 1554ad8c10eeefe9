"""The record of a call, of what it would do, and of what was decided about it."""

import secrets
from dataclasses import dataclass

from policyloop.audit.record import Agent, Policy, Record, Who, moment
from policyloop.decide.answer import Mode
from policyloop.decide.call import Call
from policyloop.decide.decision import Decision
from policyloop.decide.effects import Effects


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """Under what a call was decided: the mode, the digest and commit of all policies, and how long it took.

    `without_trial`: what would have been decided if no rule were on trial; None where none is.
    """

    mode: Mode = "enforce"
    without_trial: Decision | None = None
    version: str = ""
    commit: str = ""
    latency_us: int = 0


def record_of(call: Call, effects: Effects, decision: Decision, under: Circumstances) -> Record:
    """The record. Where the mode only observes, the call was let go, and what was decided is what would have been.

    Its id is new, as a client's own id of a call may come twice.
    """
    observed = under.mode == "observe" and decision.effect != "allow"
    tried = under.without_trial if under.without_trial and under.without_trial.effect != decision.effect else None
    would_be = decision.effect if observed else None
    if tried is not None:
        would_be = tried.effect
    # Of a call that is let go, the rule that counts is the one that would have stopped it.
    told = tried if tried is not None and decision.effect == "allow" else decision
    return Record(
        id=f"{call.event}-{secrets.token_hex(10)}",
        time=moment(call.received),
        event=call.event,
        tool=call.tool,
        decision="allow" if observed else decision.effect,
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
        rewritten=decision.input is not None and not observed,
        reason=told.reason,
        trouble=decision.trouble,
        rule=told.rule,
        policy=Policy(id=decision.policy, version=under.version, commit=under.commit),
        mode=under.mode,
        would_be=would_be,
        latency_us=under.latency_us,
        pdp_call=decision.pdp_call or None,
    )
