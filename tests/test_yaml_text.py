"""The one reader of YAML, held against the real compiler and PDP: policies with odd scalars, and tests reformatted."""

import json
import os
import random
import re
from dataclasses import dataclass
from typing import Any

import pytest

from guard_oracle import same
from odd_bundles import odd_policy
from policyloop.access.source import Policy, policies_of, unread
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner

CASES = int(os.environ.get("POLICYLOOP_ODD", "240"))
"""How many odd policies are compared; give a larger number for a long run."""
BATCH = 120

_NAME = re.compile(r"[a-z]\w*\Z")


@dataclass(frozen=True)
class Reading:
    """A policy as we read it: what is asked so that its one rule decides, and what that must put out."""

    kind: str
    version: str
    role: str
    action: str
    effect: str
    constants: Any
    variable: str

    def suite(self, number: int) -> str:
        principal = {"id": "u", "roles": [self.role]}
        resource = {"id": "r", "kind": self.kind, "policyVersion": self.version}
        row = {"principal": "u", "resource": "r", "actions": {self.action: "EFFECT_ALLOW"}}
        asked = {"principals": ["u"], "resources": ["r"], "actions": [self.action]}
        case = {"name": "t", "input": asked, "expected": [row]}
        names = {"name": f"s{number}", "principals": {"u": principal}, "resources": {"r": resource}}
        return json.dumps({**names, "tests": [case]})

    def showing(self, text: str) -> str:
        """The policy with each constant put out by its name: those that nothing names, the compiler leaves out."""
        entries = ", ".join(f'"{name}": C.{name}' for name in self.constants)
        return text.replace('"c": C', f'"c": {{{entries}}}')


def certain(text: str) -> Reading | None:
    """What we say of the policy `text`; None where any of it is in doubt, or no Cerbos could take it."""
    bundle = Bundle({"p.yaml": text})
    if unread(bundle):
        return None
    (policy,) = policies_of(bundle)
    assert policy.doubt == ""
    (rule,) = policy.rules
    if not (policy.name and rule.roles and rule.roles[0] and rule.actions and rule.actions[0]):
        return None
    if any(character < " " for character in policy.name + rule.actions[0]) or "*" in policy.name:
        return None
    if not all(_NAME.match(key.text) for key, _ in policy.constants):
        return None
    return Reading(policy.name, policy.version, rule.roles[0], rule.actions[0], rule.effect, *_values(policy))


def _values(policy: Policy) -> tuple[Any, str]:
    constants = {key.text: value.data() for key, value in policy.constants}
    (variable,) = policy.variables
    return constants, variable.text


def outcomes(runner: Runner, policies: dict[int, tuple[str, Reading]]) -> dict[int, tuple[str, Any]]:
    """Effect and output of the one rule of each policy; those that Cerbos does not take are left out."""
    left = dict(policies)
    while left:
        files = {f"d{number}/p.yaml": reading.showing(text) for number, (text, reading) in left.items()}
        files.update({f"d{number}/s_test.json": reading.suite(number) for number, (_, reading) in left.items()})
        with runner.stage(Bundle(files)) as staged:
            run = staged.compile()
        said = json.loads(run.stdout)
        if "suites" in said:
            return dict(_outcome(suite) for suite in said["suites"] if not suite.get("error"))
        refused = {int(part.split("/")[0].strip('"d')) for part in _files(said)}
        assert refused, run.stdout
        left = {number: found for number, found in left.items() if number not in refused}
    return {}


def _files(said: dict[str, Any]) -> list[str]:
    lint, compiled = said.get("lintErrors") or {}, said.get("compileErrors") or {}
    entries = [entry for name, entries in lint.items() if isinstance(entries, list) for entry in entries]
    return [entry["file"] for entry in [*entries, *compiled.get("errors", ())]]


def _outcome(suite: dict[str, Any]) -> tuple[int, tuple[str, Any]]:
    (case,) = suite["testCases"]
    details = case["principals"][0]["resources"][0]["actions"][0]["details"]
    number = int(suite["name"].removeprefix("s"))
    if "success" in details:
        outputs = details["success"].get("outputs") or [{}]
        return number, (details["success"]["effect"], outputs[0].get("val"))
    return number, (details.get("failure", {}).get("actual", "an error"), None)


@pytest.mark.parametrize("first", range(0, CASES, BATCH))
def test_a_policy_that_is_certain_is_read_as_the_pdp_reads_it(cerbos: Runner, first: int) -> None:
    read: dict[int, tuple[str, Reading]] = {}
    for number in range(first, min(first + BATCH, CASES)):
        text = odd_policy(random.Random(f"odd {number}"), version=f"v{number}")
        reading = certain(text)
        if reading is not None:
            read[number] = (text, reading)
    ran = outcomes(cerbos, read)
    for number, (effect, output) in ran.items():
        text, reading = read[number]
        assert effect == reading.effect, text
        assert same({"c": reading.constants, "v": json.loads(reading.variable[7:-1])}, output), text
    assert len(ran) > BATCH / 8
