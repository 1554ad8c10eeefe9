"""What the compiler itself read in a test file: a policy that allows everything and puts out what it was asked."""

import json
from dataclasses import dataclass
from typing import Any

from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.findings import AssertionId

POLICY = """apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: doc
  version: default
  rules:
    - actions: ["*"]
      effect: EFFECT_ALLOW
      roles: ["*"]
      name: show
      output:
        when:
          ruleActivated: '{"principal": request.principal, "resource": request.resource, "auxData": request.auxData}'
"""
SUITE = """name: s
principals:
  p: {id: p, roles: [u]}
resources:
  r:
    id: r
    kind: doc
    attr:
%s
tests:
  - name: t
    input: {principals: [p], resources: [r], actions: [view]}
    expected:
      - principal: p
        resource: r
        actions: {view: EFFECT_ALLOW}
"""


@dataclass(frozen=True)
class Asked:
    """One assertion as the compiler ran it: what it demanded, and what it asked (None where the effect was another)."""

    expected: str
    inputs: dict[str, Any] | None


@dataclass(frozen=True)
class Seen:
    """All that the compiler ran of one bundle, and the suites that it could not load."""

    ran: dict[AssertionId, Asked]
    broken: dict[str, str]


def look(runner: Runner, tests: dict[str, str]) -> Seen | None:
    """What the compiler makes of `tests`; None when it crashed."""
    with runner.stage(Bundle({**tests, "policy.yaml": POLICY})) as staged:
        run = staged.compile()
    if not run.stdout:
        return None
    suites = json.loads(run.stdout)["suites"]
    ran = {}
    for suite in suites:
        for case in suite.get("testCases", ()):
            for principal in case["principals"]:
                for resource in principal["resources"]:
                    for action in resource["actions"]:
                        names = (case["name"], principal["name"], resource["name"], action["name"])
                        details = action["details"]
                        if details["result"] != "RESULT_SKIPPED":
                            ran[AssertionId(suite["file"], suite["name"], *names)] = _asked(details)
    return Seen(ran, {suite["file"]: suite["error"] for suite in suites if suite.get("error")})


def _asked(details: dict[str, Any]) -> Asked:
    if "success" in details:
        return Asked(details["success"]["effect"], details["success"]["outputs"][0]["val"])
    return Asked(details["failure"]["expected"], None)


def attributes(runner: Runner, bodies: list[str]) -> list[Any]:
    """The attributes that the compiler sees in each of the YAML `bodies`, indented by six; `...` if it loads none."""
    seen = look(runner, {f"d{n:04}/s_test.yaml": SUITE % body for n, body in enumerate(bodies)})
    if seen is None:  # one of them crashed the compiler: look at the halves
        if len(bodies) == 1:
            return [...]
        half = len(bodies) // 2
        return attributes(runner, bodies[:half]) + attributes(runner, bodies[half:])
    found: dict[int, Any] = {}
    for one, asked in seen.ran.items():
        if asked.inputs is not None:
            found[int(one.file[1:5])] = asked.inputs["resource"]["attr"]
    return [found.get(n, ...) for n in range(len(bodies))]


def same(ours: Any, theirs: Any) -> bool:
    """Whether two values are one to Cerbos: numbers are doubles, and 1 is not true."""
    numbers = (int, float)
    if isinstance(ours, bool) or isinstance(theirs, bool) or not isinstance(ours, numbers):
        if isinstance(ours, dict) and isinstance(theirs, dict):
            return ours.keys() == theirs.keys() and all(same(ours[key], theirs[key]) for key in ours)
        if isinstance(ours, list) and isinstance(theirs, list):
            return len(ours) == len(theirs) and all(map(same, ours, theirs))
        return type(ours) is type(theirs) and bool(ours == theirs)
    return isinstance(theirs, numbers) and float(ours) == float(theirs)
