"""The third wall: the locked assertions, written out as suites of our own and put to the candidate's policies.

Nothing of the candidate's suites and fixtures is in it, so no trick in their text can reach it. The suites are JSON of
the plainest kind, which every YAML reader reads alike.
"""

from collections.abc import Iterable, Iterator, Mapping
from json.encoder import encode_basestring_ascii
from typing import Any, NamedTuple

from policyloop.bundle import Bundle
from policyloop.findings import ErrorClass, Finding, Ran, Report, Result
from policyloop.guard.canon import decode
from policyloop.guard.demand import NOTHING, Assertion
from policyloop.suite_document import Asked, SuiteDocument

FOLDER = "locked_assertions"
SUITES = 16
"""About how many suites the assertions are spread over: Cerbos runs suites side by side."""
TESTS_PER_SUITE = 25
"""The fewest tests of a suite before a second one is begun."""

_Key = tuple[str, str, str]


class _Fixed(NamedTuple):
    """All inputs but the action."""

    principal: str
    resource: str
    aux_data: str
    options: str


class _Test:
    """One generated test: the actions asked with the same inputs, and the assertions behind each."""

    def __init__(self, fixed: _Fixed) -> None:
        self.fixed = fixed
        self.effects: dict[str, str] = {}
        self.outputs: dict[str, dict[str, str]] = {}
        self.behind: dict[str, list[Assertion]] = {}

    def takes(self, one: Assertion) -> bool:
        """Whether `one` contradicts nothing that is asked here already."""
        demand, action = one.demand, one.demand.inputs.action
        outputs = self.outputs.get(action, {})
        same_effect = self.effects.get(action, demand.effect) == demand.effect
        return same_effect and all(outputs.get(src, val) == val for src, val in demand.outputs)

    def add(self, one: Assertion) -> None:
        demand, action = one.demand, one.demand.inputs.action
        self.effects[action] = demand.effect
        if demand.outputs:
            self.outputs.setdefault(action, {}).update(demand.outputs)
        self.behind.setdefault(action, []).append(one)


class Exam:
    """The generated suites for some assertions, all parts of which are known."""

    def __init__(self, assertions: Iterable[Assertion]) -> None:
        tests = list(_tests(assertions))
        size = max(TESTS_PER_SUITE, -(-len(tests) // SUITES))
        self._asked: dict[_Key, list[Assertion]] = {}
        self._suites: dict[str, str] = {}
        for start in range(0, len(tests), size):
            name = f"locked assertions {start // size + 1}"
            part = tests[start : start + size]
            self._suites[f"exam_{start // size + 1:02}_test.json"] = _suite(name, part)
            for number, test in enumerate(part, 1):
                for action, behind in test.behind.items():
                    self._asked[name, str(number), action] = behind

    def bundle(self, candidate: Bundle) -> Bundle:
        """The candidate's policies and schemas, and the generated suites as the only tests."""
        kept = candidate.without_tests()
        folder = FOLDER
        while any(path.casefold().startswith(folder) for path in kept):
            folder += "_"
        return kept.overlaid({f"{folder}/{name}": text for name, text in self._suites.items()})

    @property
    def asked(self) -> Mapping[tuple[str, str, str], list[Assertion]]:
        """Suite, test and action of each generated test -> the assertions behind it."""
        return self._asked

    def findings(self, report: Report) -> tuple[Finding, ...]:
        """One finding, code `lock-failed`, for each assertion that did not run and pass in both passes."""
        passes = [_by_key(report.ran), _by_key(report.ran_strict)]
        return tuple(
            _failed(one, said)
            for key, behind in self._asked.items()
            for one in behind
            if (said := _trouble(one, [ran.get(key) for ran in passes]))
        )


def _tests(assertions: Iterable[Assertion]) -> Iterator[_Test]:
    """As few tests as can be: one for each set of inputs, more only where demands contradict each other."""
    groups: dict[_Fixed, list[_Test]] = {}
    for one in assertions:
        fixed = _Fixed(*one.demand.inputs[:4])
        tests = groups.setdefault(fixed, [])
        test = next((test for test in tests if test.takes(one)), None)
        if test is None:
            test = _Test(fixed)
            tests.append(test)
        test.add(one)
    for tests in groups.values():
        yield from tests


def _suite(name: str, tests: list[_Test]) -> str:
    suite = SuiteDocument(name, str, decode)
    for number, test in enumerate(tests, 1):
        aux_data = test.fixed.aux_data
        asked = Asked(
            principal=suite.principals.named(test.fixed.principal),
            resource=suite.resources.named(test.fixed.resource),
            effects=test.effects,
            aux_data=suite.aux_data.named(aux_data) if aux_data != NOTHING else None,
            outputs=[_output(action, expected) for action, expected in test.outputs.items()],
            options=decode(test.fixed.options) or {},
        )
        suite.put(str(number), asked)
    return write(suite.to_json()) + "\n"


def _output(action: str, expected: dict[str, str]) -> dict[str, Any]:
    entries = [{"src": src, **({"val": decode(val)} if val else {})} for src, val in expected.items()]
    return {"action": action, "expected": entries}


def write(value: Any) -> str:
    """JSON that Cerbos reads as JSON: it takes `1e22` for text, so every number has a point."""
    if isinstance(value, str):
        return encode_basestring_ascii(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{encode_basestring_ascii(key)}:{write(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(write, value)) + "]"
    if isinstance(value, float):
        digits, e, power = repr(value).partition("e")
        return (digits if "." in digits else f"{digits}.0") + e + power
    return {True: "true", False: "false", None: "null"}[value]


def _by_key(ran: Iterable[Ran]) -> dict[_Key, Ran]:
    return {(one.id.suite, one.id.test, one.id.action): one for one in ran}


def _trouble(one: Assertion, ran: list[Ran | None]) -> str:
    """What is wrong with the two runs of an assertion; empty when both passed."""
    for result, words in zip(ran, ("", " in the strict pass"), strict=True):
        # Missing is as bad as failed: a policy can make the compiler give up on one test and not on others.
        if result is None or result.result is Result.SKIPPED:
            return f"it did not run{words}"
        if result.result is not Result.PASSED or result.effect != one.demand.effect:
            got = f"got {result.effect}" if result.effect else "ended in an error"
            return f"expected {one.demand.effect}, {got}{words}"
    return ""


def _failed(one: Assertion, said: str) -> Finding:
    message = f"the locked assertion {one.id} does not hold for these policies, put on its own: {said}"
    return Finding(error_class=ErrorClass.TEST, code="lock-failed", message=message, file=one.id.file, assertion=one.id)
