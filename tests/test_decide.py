"""A call put to the real PDP: what its policies say is what is answered, and nothing else makes a denial weaker."""

import json
import os
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyloop.access.ask.request import Principal, Request, Resource
from policyloop.access.pdp import Settings, serving
from policyloop.access.pdp.client import batch_of
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.decide.answer import DECIDED, answer
from policyloop.decide.call import Call, Identity
from policyloop.decide.decision import FORBIDDEN, NOT_ALLOWED, Decision, decision_of
from policyloop.decide.judge import Ask, judge

TOOLS = """\
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: PreToolUse
  version: default
  rules:
    - {name: engineers, actions: ["*"], roles: [engineer], effect: EFFECT_ALLOW}
    - {name: readers, actions: [Read], roles: [marketing], effect: EFFECT_ALLOW}
    - name: secrets
      actions: [Read, Bash]
      roles: ["*"]
      effect: EFFECT_DENY
      condition: {match: {expr: 'R.attr.effects.reads.exists(p, p.endsWith("/.env.production"))'}}
      output: {when: {ruleActivated: '"Production secrets stay closed. Use .env.example."'}}
    - name: as-synapse-has-it
      actions: [Write]
      roles: ["*"]
      effect: EFFECT_DENY
      condition: {match: {expr: 'R.attr.tool_input.file_path.contains("deploy")'}}
      output:
        when:
          ruleActivated: >-
            {"hookSpecificOutput": {"permissionDecision": "deny", "permissionDecisionReason": "Not here."}}
    - name: ask-first
      actions: [Bash]
      roles: [engineer]
      effect: EFFECT_ALLOW
      condition: {match: {expr: '"git" in R.attr.effects.programs'}}
      output: {when: {ruleActivated: '{"decision": "ask", "reason": "git is asked about"}'}}
    - name: dry
      actions: [Bash]
      roles: [engineer]
      effect: EFFECT_ALLOW
      condition: {match: {expr: 'R.attr.tool_input.command == "make deploy"'}}
      output: {when: {ruleActivated: '{"input": {"command": "make -n deploy"}}'}}
    - name: into-the-fire
      actions: [Bash]
      roles: [engineer]
      effect: EFFECT_ALLOW
      condition: {match: {expr: 'R.attr.tool_input.command == "true"'}}
      output: {when: {ruleActivated: '{"input": {"command": "cat .env.production"}}'}}
    - name: broken-output
      actions: [Bash]
      roles: [engineer]
      effect: EFFECT_ALLOW
      condition: {match: {expr: 'R.attr.tool_input.command == "broken"'}}
      output: {when: {ruleActivated: 'R.attr.nothing.of.the.kind'}}
    - name: odd-output
      actions: [Bash]
      roles: [engineer]
      effect: EFFECT_ALLOW
      condition: {match: {expr: 'R.attr.tool_input.command == "odd"'}}
      output: {when: {ruleActivated: '{"decision": "please"}'}}
    - name: allow-in-words
      actions: [Edit]
      roles: ["*"]
      effect: EFFECT_DENY
      output: {when: {ruleActivated: '{"decision": "allow", "reason": "I say so."}'}}
"""
ENGINEER = Identity(subject="alex", roles=("engineer",), verified="token")
MARKETING = Identity(subject="mia", roles=("marketing",), verified="token")


@pytest.fixture(scope="module")
def pdp(cerbos: Runner) -> Iterator[Ask]:
    """A PDP with strict evaluation over these policies, as what puts requests to it."""
    with serving(Bundle({"tools.yaml": TOOLS}), Settings(runner="native", strict=True)) as started:
        none = batch_of(Request(Principal("nobody", ("none",)), Resource("none", "none"), "none"))

        def ask(request: Mapping[str, Any]) -> object:
            body = json.dumps(request, ensure_ascii=False).encode()
            ((_, reply),) = started.answers([(none, body)])
            return json.loads(reply)

        yield ask


def bash(command: str, who: Identity = ENGINEER) -> Call:
    return Call(event="PreToolUse", tool="Bash", input={"command": command}, cwd="/app", identity=who, id="c1")


def tool(name: str, who: Identity = ENGINEER, **given: Any) -> Call:
    return Call(event="PreToolUse", tool=name, input=given, cwd="/app", identity=who, id="c1")


@pytest.mark.parametrize(
    ("call", "effect", "reason"),
    [
        (bash("ls"), "allow", ""),
        (tool("Read", MARKETING, file_path="/app/a.txt"), "allow", ""),
        (bash("ls", MARKETING), "deny", NOT_ALLOWED),
        (bash("ls", Identity()), "deny", NOT_ALLOWED),
        (tool("Read", file_path="/app/.env.production"), "deny", "Production secrets stay closed. Use .env.example."),
        (tool("Read", file_path=".env.production"), "deny", "Production secrets stay closed. Use .env.example."),
        (bash("sudo nice cat ./x/../.env.production"), "deny", "Production secrets stay closed. Use .env.example."),
        (tool("Write", file_path="/app/deploy/a.sh", content="x"), "deny", "Not here."),
        (bash("git status"), "ask", "git is asked about"),
        (tool("Edit", file_path="/app/a.txt"), "deny", "I say so."),
    ],
)
def test_what_the_policies_say_is_what_is_answered(pdp: Ask, call: Call, effect: str, reason: str) -> None:
    decision, _ = judge(call, pdp)
    assert (decision.effect, decision.trouble) == (effect, "")
    assert decision.reason == reason or (reason == NOT_ALLOWED and decision.reason == FORBIDDEN)
    assert decision.pdp_call


@pytest.mark.parametrize("command", ["broken", "odd"])
def test_an_output_that_is_none_is_a_denial_and_an_alarm(pdp: Ask, command: str) -> None:
    decision, _ = judge(bash(command), pdp)
    assert decision.effect == "deny"
    assert f"#{command}-output" in decision.trouble


def test_a_rewritten_call_is_another_call(pdp: Ask) -> None:
    decision, effects = judge(bash("make deploy"), pdp)
    assert decision.effect == "allow"
    assert decision.input == {"command": "make -n deploy"}
    assert effects.commands[0].argv[:2] == ("-n", "deploy") or "-n" in effects.commands[0].argv
    decision, effects = judge(bash("true"), pdp)
    assert (decision.effect, decision.input) == ("deny", None)
    assert "/app/.env.production" in effects.reads


def test_an_event_that_no_policy_is_about_is_left_to_the_client(pdp: Ask) -> None:
    decision, _ = judge(Call(event="UserPromptSubmit", input={"prompt": "hi"}, identity=ENGINEER), pdp)
    assert decision.effect == "allow"
    decision, _ = judge(Call(event="PreSkillShellCommand", tool="Bash", input={"command": "ls"}), pdp)
    assert decision.effect == "deny"


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=int(os.environ.get("POLICYLOOP_CALLS", "60")), deadline=None)
@given(
    event=st.sampled_from(["PreToolUse", "PreSkillShellCommand"]) | st.text(max_size=5),
    name=st.sampled_from(["Bash", "Read", "", "mcp__fs__read"]) | st.text(max_size=5),
    tool_input=st.dictionaries(st.sampled_from(["command", "file_path"]) | st.text(max_size=4), JSON, max_size=3),
    subject=st.text(max_size=5),
    roles=st.lists(st.text(max_size=4), max_size=3).map(tuple),
    claims=st.dictionaries(st.text(max_size=4), JSON, max_size=2),
)
def test_whatever_a_call_holds_a_stranger_gets_no_allow_for_a_tool(
    pdp: Ask, event: str, name: str, tool_input: dict[str, Any], subject: str, roles: Any, claims: dict[str, Any]
) -> None:
    call = Call(
        event=event,
        tool=name,
        input=tool_input,
        identity=Identity(subject=subject, roles=roles, claims=claims),
        id="drawn",
    )
    decision, _ = judge(call, pdp)
    if event in ("PreToolUse", "PreSkillShellCommand"):
        assert decision.effect == "deny"
    json.dumps(answer(event, decision))


REPLY: Mapping[str, Any] = {
    "requestId": "c1",
    "results": [
        {
            "resource": {"kind": "PreToolUse", "id": "c1"},
            "actions": {"Bash": "EFFECT_ALLOW"},
            "meta": {"actions": {"Bash": {"matchedPolicy": "resource.PreToolUse.vdefault"}}},
            "outputs": [],
        }
    ],
    "cerbosCallId": "x",
}


def mutilated(value: Any) -> Iterator[Any]:
    """`value` with each part of it in turn gone, or put in the place of something of another type."""
    yield from (None, [], {}, "EFFECT_DENY", 1)
    if isinstance(value, dict):
        for key, inner in value.items():
            yield {name: item for name, item in value.items() if name != key}
            yield from ({**value, key: changed} for changed in mutilated(inner))
    elif isinstance(value, list):
        yield [*value, *value]
        for number, inner in enumerate(value):
            yield from ([*value[:number], changed, *value[number + 1 :]] for changed in mutilated(inner))


def test_a_reply_that_is_not_whole_allows_nothing() -> None:
    call = bash("ls")
    assert decision_of(call, REPLY).effect == "allow"
    replies = list(mutilated(REPLY))
    assert len(replies) > 60
    for reply in replies:
        decision = decision_of(call, reply)
        if decision.effect == "allow":
            # What says neither who decided nor what else was meant may be missing.
            kept = reply["results"][0]
            assert kept["actions"] == {"Bash": "EFFECT_ALLOW"}
            assert not kept.get("outputs")


OUTPUTS = JSON | st.dictionaries(st.sampled_from(["decision", "reason", "input", "hookSpecificOutput"]), JSON)


@given(st.lists(OUTPUTS, max_size=3), st.sampled_from(["EFFECT_ALLOW", "EFFECT_DENY"]))
def test_no_output_weakens_what_cerbos_decided(values: list[Any], effect: str) -> None:
    outputs = [{"src": "resource.PreToolUse.vdefault#r", "val": value, "action": "Bash"} for value in values]
    result = {**REPLY["results"][0], "actions": {"Bash": effect}, "outputs": outputs}
    decision = decision_of(bash("ls"), {**REPLY, "results": [result]})
    assert effect == "EFFECT_ALLOW" or decision.effect == "deny"
    assert len(decision.reason) <= 1_000
    # Characters that this Python's Unicode has no name for yet do no harm, though `isprintable` does not know them.
    assert not {unicodedata.category(sign) for sign in decision.reason} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@pytest.mark.parametrize("fault", [OSError("gone"), TimeoutError(), ValueError("no JSON"), RecursionError()])
def test_a_pdp_that_is_not_heard_is_a_denial(fault: Exception) -> None:
    def ask(_: Mapping[str, Any]) -> object:
        raise fault

    decision, _ = judge(bash("ls"), ask)
    assert decision.effect == "deny"
    assert type(fault).__name__ in decision.trouble
    assert "gone" not in decision.reason


def test_a_reason_holds_no_secret_and_one_line() -> None:
    secret = "ghp_" + "a1B2" * 9
    result = {
        **REPLY["results"][0],
        "actions": {"Bash": "EFFECT_DENY"},
        "outputs": [{"src": "r", "val": f"not\n\x1b[31m{secret}", "action": "Bash"}],
    }
    decision = decision_of(bash("ls"), {**REPLY, "results": [result]})
    assert secret not in decision.reason
    assert decision.reason.isprintable()


@pytest.mark.parametrize("event", sorted(DECIDED | {"SessionEnd", "Stop", "AnythingNew"}))
@pytest.mark.parametrize("effect", ["allow", "ask", "deny"])
def test_an_answer_is_never_empty_and_names_its_event(event: str, effect: Any) -> None:
    said = answer(event, Decision(effect=effect, reason="because"))
    assert said
    specific = said.get("hookSpecificOutput")
    assert specific is None or specific["hookEventName"] == event
    assert answer(event, Decision(effect="deny", reason="because"), "observe") == answer(
        event, Decision(effect="allow")
    )
