"""A test suite as Cerbos takes it, put together test by test: what policyloop writes to ask, to hold or to propose."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


def _as_it_is(value: Any) -> Any:
    return value


class Fixtures:
    """Values by name, each written once. `letter` begins the names: `p1`, `p2`."""

    def __init__(self, letter: str, key: Callable[[Any], str], decode: Callable[[Any], Any]) -> None:
        self._letter = letter
        self._key = key
        self._decode = decode
        self._names: dict[str, str] = {}
        self.written: dict[str, Any] = {}

    def named(self, value: Any, wish: str = "") -> str:
        """The name of `value`: the one that is wished for, numbered where another value is called so."""
        key = self._key(value)
        if key not in self._names:
            name = self._free(wish) if wish else f"{self._letter}{len(self._names) + 1}"
            self._names[key] = name
            self.written[name] = self._decode(value)
        return self._names[key]

    def _free(self, wish: str) -> str:
        name, number = wish, 2
        while name in self.written:
            name, number = f"{wish}_{number}", number + 1
        return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One test: a principal and a resource by name, and the effect that each action is expected to get."""

    principal: str
    resource: str
    effects: Mapping[str, str]
    aux_data: str | None = None
    outputs: Sequence[Mapping[str, Any]] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""

    def case(self, name: str) -> dict[str, Any]:
        """As Cerbos takes it."""
        asked: dict[str, Any] = {
            "principals": [self.principal],
            "resources": [self.resource],
            "actions": list(self.effects),
        }
        if self.aux_data is not None:
            asked["auxData"] = self.aux_data
        expected: dict[str, Any] = {
            "principal": self.principal,
            "resource": self.resource,
            "actions": dict(self.effects),
        }
        if self.outputs:
            expected["outputs"] = [dict(output) for output in self.outputs]
        case: dict[str, Any] = {"name": name}
        if self.description:
            case["description"] = self.description
        case["input"] = asked
        if self.options:
            case["options"] = dict(self.options)
        case["expected"] = [expected]
        return case


class SuiteDocument:
    """A suite that grows. `key` gives equal texts for equal fixtures; `decode` makes of one what is written."""

    def __init__(
        self,
        name: str,
        key: Callable[[Any], str],
        decode: Callable[[Any], Any] = _as_it_is,
        *,
        description: str = "",
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self._head: dict[str, Any] = {"name": name}
        if description:
            self._head["description"] = description
        if options:
            self._head["options"] = dict(options)
        self.principals, self.resources = Fixtures("p", key, decode), Fixtures("r", key, decode)
        self.aux_data = Fixtures("a", key, decode)
        self._tests: dict[str, Asked] = {}

    def __contains__(self, test: str) -> bool:
        return test in self._tests

    def __getitem__(self, test: str) -> Asked:
        return self._tests[test]

    def put(self, test: str, asked: Asked) -> None:
        """Add the test of that name, or put it in the place of the one before."""
        self._tests[test] = asked

    def to_json(self) -> dict[str, Any]:
        """The whole suite, its fixtures within it."""
        fixtures = {"principals": self.principals, "resources": self.resources, "auxData": self.aux_data}
        written = {section: kept.written for section, kept in fixtures.items() if kept.written}
        return {**self._head, **written, "tests": [asked.case(name) for name, asked in self._tests.items()]}
