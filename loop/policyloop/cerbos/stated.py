"""Where a suite states what it expects: for showing a failing assertion beside the line that demands it."""

from policyloop.cerbos.outline import Path, Place
from policyloop.cerbos.sources import Sources
from policyloop.findings import AssertionId

_MOST_ROWS = 500
"""Rows of `expected` of one test that are looked through."""


class Stated:
    """The tests of all suites of a bundle, by name."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._tests: dict[str, dict[str, int]] = {}
        self._rows: dict[tuple[str, int], list[tuple[Path, frozenset[str], frozenset[str]]]] = {}

    def test(self, file: str, name: str) -> Place | None:
        """Where the test of that name stands in the suite `file`."""
        index = self._index(file).get(name)
        return self._sources.outline(file)[("tests", index, "name")] if index is not None else None

    def again(self, file: str, name: str) -> Place | None:
        """Where a second test of that name stands in the suite `file`."""
        tests = (
            place for path, place in self._sources.outline(file).items() if path[:1] + path[2:] == ("tests", "name")
        )
        return next((place for place in [t for t in tests if t.value == name][1:]), None)

    def assertion(self, assertion: AssertionId) -> Place | None:
        """Where what is expected of `assertion` stands; its test when that is implicit or stated for a group."""
        file = assertion.file
        index = self._index(file).get(assertion.test)
        if index is None:
            return None
        places = self._sources.outline(file)
        for root, principals, resources in self._expected(file, index):
            stated = places.get((*root, "actions", assertion.action))
            if stated and assertion.principal in principals and assertion.resource in resources:
                return stated
        return places.get(("tests", index, "name"))

    def _index(self, file: str) -> dict[str, int]:
        if file not in self._tests:
            names: dict[str, int] = {}
            for path, place in self._sources.outline(file).items():
                match path:
                    case ("tests", int(index), "name") if place.value is not None:
                        names.setdefault(place.value, index)
            self._tests[file] = names
        return self._tests[file]

    def _expected(self, file: str, index: int) -> list[tuple[Path, frozenset[str], frozenset[str]]]:
        if (file, index) not in self._rows:
            rows: list[tuple[Path, frozenset[str], frozenset[str]]] = []
            root: Path = ("tests", index, "expected", 0)
            while root in self._sources.outline(file) and len(rows) < _MOST_ROWS:
                rows.append((root, self._names(file, root, "principal"), self._names(file, root, "resource")))
                root = ("tests", index, "expected", len(rows))
            self._rows[(file, index)] = rows
        return self._rows[(file, index)]

    def _names(self, file: str, root: Path, what: str) -> frozenset[str]:
        places = self._sources.outline(file)
        found = [places.get((*root, what))]
        while (path := (*root, f"{what}s", len(found) - 1)) in places:
            found.append(places[path])
        return frozenset(place.value for place in found if place is not None and place.value is not None)
