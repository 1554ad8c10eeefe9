"""What our reader of YAML leaves in doubt, the compiler settles: it runs the very suites against policies that tell.

The policies are ours. They allow (or deny) everything, and put out all that a test was run with: the principal, the
resource, the claims, the globals, the moment, the versions that were looked up. Beside the suites as they stand, the
compiler is given what we read in them, written out plainly (as `policyloop.guard.exam` does). Where it says word for
word the same of each test both times, it reads the suite as we do, and there is no doubt about what that demands.

A suite of which that cannot be told stays in doubt: one that expects outputs, names scopes, sets options other than
`now` and `globals`, may be lenient about scopes in any reading (that alone no policy of ours can tell), or holds a part
that we could not read.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from policyloop.bundle import Bundle
from policyloop.effects import ALLOW, DENY
from policyloop.findings import AssertionId
from policyloop.guard.canon import decode
from policyloop.guard.demand import Assertion
from policyloop.guard.exam import Exam
from policyloop.guard.suite_demands import SuiteDemands
from policyloop.layout import Kind, kind

Compile = Callable[[Bundle], bytes]
"""Runs `cerbos compile --output=json` over a bundle; what it wrote on standard output, empty when it failed."""

_TOLD = "{'principal': request.principal, 'resource': request.resource, 'claims': request.aux_data, 'globals': globals"
_MOMENT = ", 'now': string(now())"
_STRICT = "[1][1] == 1"
"""An error each time: under strict evaluation it denies all."""
_PROBES = ((ALLOW, False), (DENY, False), (ALLOW, True), (DENY, True))
"""The effect of our policies, and whether they tell the moment, which is an error in a test that has none."""
_OPTIONS = frozenset(("now", "globals"))
_DEFAULT = "default"
_CONTINUED = re.compile(r"\\\r?\n[ \t]*")
_LENIENT = re.compile(r"lenient|\\[xu]", re.IGNORECASE)

_Details = dict[AssertionId, dict[str, Any]]


def settled(candidate: Bundle, doubtful: Iterable[SuiteDemands], run: Compile) -> frozenset[str]:
    """The suites among `doubtful`, suites of `candidate`, that the compiler reads as we do."""
    tellable = [reading for reading in doubtful if _tellable(candidate, reading)]
    if not tellable:
        return frozenset()
    files = {path: text for path, text in candidate.files.items() if kind(path) in (Kind.SUITE, Kind.FIXTURE)}
    exam = Exam(one for reading in tellable for one in reading.assertions)
    runs: list[tuple[_Details, _Plainly]] = []
    for effect, now in _PROBES:
        ours = exam.bundle(_policies(tellable, effect, now))
        if ours.files.keys() & files.keys():
            return frozenset()
        said = _details(run(Bundle({**files, **ours.files})))
        if not said:
            return frozenset()  # no compiler, or none of it compiles: nothing is settled by asking again
        runs.append((said, _plainly(said, ours, exam)))
    return frozenset(reading.file for reading in tellable if _agrees(reading, runs))


_Plainly = dict[Assertion, dict[str, Any]]
"""What was said of each assertion as we read it, written plainly."""


def _tellable(candidate: Bundle, reading: SuiteDemands) -> bool:
    if reading.broken or not reading.assertions:
        return False
    for path in (reading.file, *reading.beside):
        if path in candidate and _LENIENT.search(_CONTINUED.sub("", candidate[path])):
            return False
    return all(map(_plain, reading.assertions))


def _plain(one: Assertion) -> bool:
    principal, resource, options = (decode(one.demand.inputs[part]) for part in (0, 1, 3))
    return (
        one.known
        and not one.demand.outputs
        and "scope" not in principal
        and "scope" not in resource
        and options.keys() <= _OPTIONS
    )


def _policies(readings: Iterable[SuiteDemands], effect: str, now: bool) -> Bundle:  # noqa: FBT001
    """For every kind, every id of a principal and every version that the tests name."""
    kinds, ids, versions = set[str](), set[str](), {_DEFAULT}
    for reading in readings:
        for one in reading.assertions:
            principal, resource = decode(one.demand.inputs.principal), decode(one.demand.inputs.resource)
            kinds.add(resource["kind"])
            ids.add(principal["id"])
            versions |= {side.get("policyVersion", _DEFAULT) for side in (principal, resource)}
    texts = [_resource_policy(name, version, effect, now) for name in sorted(kinds) for version in sorted(versions)]
    texts += [_principal_policy(name, version) for name in sorted(ids) for version in sorted(versions)]
    return Bundle({f"telling_policies/{number}.json": text for number, text in enumerate(texts)})


def _resource_policy(resource: str, version: str, effect: str, now: bool) -> str:  # noqa: FBT001
    told = f"{_TOLD}{_MOMENT if now else ''}, 'version': {json.dumps(version)}}}"
    everything = {"actions": ["*"], "roles": ["*"]}
    other = DENY if effect == ALLOW else ALLOW
    rules = [
        {**everything, "effect": effect, "output": {"when": {"ruleActivated": told}}},
        {**everything, "effect": other, "condition": {"match": {"expr": _STRICT}}},
    ]
    policy = {"resource": resource, "version": version, "rules": rules}
    return json.dumps({"apiVersion": "api.cerbos.dev/v1", "resourcePolicy": policy})


def _principal_policy(principal: str, version: str) -> str:
    """One that decides nothing, and tells in which version it was looked up."""
    action = {
        "action": "*",
        "effect": DENY,
        "condition": {"match": {"expr": "false"}},
        "output": {"when": {"conditionNotMet": json.dumps(f"who asks, in version {version}")}},
    }
    policy = {"principal": principal, "version": version, "rules": [{"resource": "*", "actions": [action]}]}
    return json.dumps({"apiVersion": "api.cerbos.dev/v1", "principalPolicy": policy})


def _plainly(said: _Details, ours: Bundle, exam: Exam) -> _Plainly:
    by_key = {(one.suite, one.test, one.action): told for one, told in said.items() if one.file in ours}
    return {one: by_key[key] for key, behind in exam.asked.items() if key in by_key for one in behind}


def _agrees(reading: SuiteDemands, runs: list[tuple[_Details, _Plainly]]) -> bool:
    """Whether the compiler ran exactly our assertions, and says the same of each as of what we read."""
    ours = {one.id for one in reading.assertions}
    for said, plainly in runs:
        ran = {one for one, told in said.items() if one.file == reading.file and told["result"] != "RESULT_SKIPPED"}
        if ran != ours or any(said[one.id] != plainly.get(one) for one in reading.assertions):
            return False
    allowed, denied = (said for said, _ in runs[:2])
    return all(_is_told(allowed[one.id], denied[one.id], one.demand.effect) for one in reading.assertions)


def _is_told(allowed: Mapping[str, Any], denied: Mapping[str, Any], effect: str) -> bool:
    """Whether the test passed under the effect alone that it expects, and said there what it was run with."""
    passed, failed = (allowed, denied) if effect == ALLOW else (denied, allowed)
    outputs = passed.get("success", {}).get("outputs", [])
    told = any(isinstance(output.get("val"), dict) for output in outputs)
    return passed["result"] == "RESULT_PASSED" and failed["result"] == "RESULT_FAILED" and told


def _details(stdout: bytes) -> _Details:
    """What a run said of each test; empty where it said nothing that we understand."""
    try:
        return dict(_walked(json.loads(stdout)))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def _walked(document: Any) -> Iterator[tuple[AssertionId, dict[str, Any]]]:
    for suite in document["suites"]:
        for case in suite.get("testCases", []):
            for principal in case["principals"]:
                for resource in principal["resources"]:
                    for action in resource["actions"]:
                        names = (case["name"], principal["name"], resource["name"], action["name"])
                        told: dict[str, Any] = action["details"]
                        if isinstance(told["result"], str):
                            yield AssertionId(suite["file"], suite["name"], *names), told
