"""One suite and its fixtures -> assertions, by the rules of Cerbos's own test runner.

`input` is a cross product; what `expected` does not list must be denied; names in the suite shadow those of fixture
files; options of a case take the place of the suite's. Where something cannot be resolved that is noted, as Cerbos
would refuse the suite, and the assertions that can still be read are read: a part that is not known is a wildcard, and
where a case is not sound, what it does not say outright is not taken for a denial.
"""

from collections.abc import Callable, Iterator
from itertools import product

from policyloop.effects import DENY
from policyloop.findings import AssertionId
from policyloop.guard.canon import UNSEEN_TEXT
from policyloop.guard.demand import NOTHING, Assertion, Demand, Inputs
from policyloop.guard.fields import Notes
from policyloop.guard.fixtures import Fixtures, Names, check_groups
from policyloop.guard.lookalike import quoted
from policyloop.guard.suite import Case, Row, Suite, Who
from policyloop.yaml_text.tree import Unknown

MAX_ASSERTIONS = 100_000
"""The most assertions that all suites of a bundle may hold: a small file can spell out a product of any size."""

_NONE: dict[str, str] = {}


class Oversized(ValueError):
    """A suite with which a bundle holds more than `MAX_ASSERTIONS`."""


class _Expected:
    """What the rows of a case say about one principal and one resource."""

    __slots__ = ("effects", "outputs")

    def __init__(self) -> None:
        self.effects: dict[str, str] = {}
        self.outputs: dict[str, dict[str, str]] = {}


class _Side:
    """Principals or resources: where their names and groups are looked up. The suite comes first."""

    def __init__(self, what: str, own: dict[str, str], beside: dict[str, str], notes: Notes) -> None:
        self._what, self._notes = what, notes
        # Fixtures of the suite go before those of `testdata`, name by name.
        self.texts = {**beside, **own} if own else beside
        self.groups: dict[str, Names] = {}

    def text(self, name: str, where: str) -> str:
        found = self.texts.get(name)
        if found is None:
            self._notes.no(where, f"{self._what} {quoted(name)} is in no fixture")
            return UNSEEN_TEXT
        return found

    def collect(self, who: Who, where: str) -> tuple[list[str], bool]:
        """The names of an input or a row, in order, and whether these are all."""
        names: list[str] = []
        whole = _add(who.names, names)
        groups: list[str] = []
        whole = _add(who.groups, groups) and whole
        for group in groups:
            members = self.groups.get(group)
            if members is None:
                self._notes.no(where, f"{self._what} group {quoted(group)} is not there")
                whole = False
            else:
                whole = _add(members, names) and whole
        return names, whole and bool(names)


class Resolver:
    """Resolves one suite. What is wrong goes to the suite's own notes."""

    def __init__(self, file: str, suite: Suite, beside: Fixtures) -> None:
        self._file, self._suite = file, suite
        self.illegible = suite.partial and not suite.skip
        """Whether a test may stand there of which nothing could be read. Known once all assertions were taken."""
        own, notes = suite.own, suite.notes
        self._principals = _Side("principal", own.principals, beside.principals, notes)
        self._principals.groups = {**beside.principal_groups, **own.principal_groups}
        self._resources = _Side("resource", own.resources, beside.resources, notes)
        self._resources.groups = {**beside.resource_groups, **own.resource_groups}
        self._aux_data = {**beside.aux_data, **own.aux_data}
        check_groups("principal", own.principal_groups, self._principals.texts, notes)
        check_groups("resource", own.resource_groups, self._resources.texts, notes)

    def assertions(self, left: int) -> Iterator[tuple[Assertion, bool]]:
        """Each assertion, and whether it is skipped. Raises `Oversized` when there are more than `left`."""
        for number, case in enumerate(self._suite.cases, 1):
            resolved = self._case(case, number, left)
            left -= len(resolved)
            skipped = case.skip or self._suite.skip
            self.illegible = self.illegible or not (resolved or skipped)
            yield from ((one, skipped) for one in resolved)

    def _case(self, case: Case, number: int, limit: int) -> list[Assertion]:
        name = "" if isinstance(case.name, Unknown) else case.name
        where = f"test {name!r}" if name else f"test {number}"
        principals, whole_principals = self._principals.collect(case.principals, where)
        resources, whole_resources = self._resources.collect(case.resources, where)
        actions: list[str] = []
        whole_actions = _add(case.actions, actions) and bool(actions)
        rows = [self._row(row, where) for row in case.rows]
        for row_principals, row_resources, _, row in rows:
            _ = None if whole_principals else _add(list(row_principals), principals)
            _ = None if whole_resources else _add(list(row_resources), resources)
            _ = None if whole_actions else _add([name for name, effect in row.effects.items() if effect], actions)
        # Before the product is made: three short lists of a few thousand names each would fill the memory.
        if len(principals) * len(resources) * len(actions) > limit:
            raise Oversized(f"with it the suites demand more than {MAX_ASSERTIONS:,} assertions")
        sound = whole_principals and whole_resources and whole_actions and not case.partial
        expected, rows_sound = self._expected(rows, (principals, resources, actions), where)
        # Cerbos denies what no row mentions. Where a row could not be placed, it may be the one that mentions it.
        silent = DENY if sound and rows_sound else ""
        return list(self._product(case, (principals, resources, actions), expected, silent, where))

    def _product(
        self,
        case: Case,
        axes: tuple[list[str], list[str], list[str]],
        expected: dict[tuple[str, str], _Expected],
        silent: str,
        where: str,
    ) -> Iterator[Assertion]:
        """The cross product. `silent` is the effect of what no row mentions."""
        principals, resources, actions = axes
        test = "" if isinstance(case.name, Unknown) else case.name
        aux_data = self._aux(case.aux_data, where)
        # Options of a case are not merged with those of its suite: `options: {}` takes the suite's `now` away.
        options = self._suite.options if case.options is None else case.options
        texts = {name: self._resources.text(name, where) for name in resources}
        for principal in principals:
            principal_text = self._principals.text(principal, where)
            for resource in resources:
                says = expected.get((principal, resource))
                effects = says.effects if says else _NONE
                for action in actions:
                    outputs = says.outputs.get(action) if says and says.outputs else None
                    inputs = Inputs(principal_text, texts[resource], aux_data, options, action)
                    demand = Demand(
                        inputs, effects.get(action, silent), frozenset(outputs.items()) if outputs else frozenset()
                    )
                    names = AssertionId(self._file, self._suite.name, test, principal, resource, action)
                    yield Assertion(names, demand)

    def _row(self, row: Row, where: str) -> tuple[list[str], list[str], bool, Row]:
        principals, whole_principals = self._principals.collect(row.principals, where)
        resources, whole_resources = self._resources.collect(row.resources, where)
        return principals, resources, whole_principals and whole_resources and not row.partial, row

    def _expected(
        self,
        rows: list[tuple[list[str], list[str], bool, Row]],
        axes: tuple[list[str], list[str], list[str]],
        where: str,
    ) -> tuple[dict[tuple[str, str], _Expected], bool]:
        """Principal and resource -> what is expected, and whether every row could be placed."""
        known = [set(axis) for axis in axes]
        found: dict[tuple[str, str], _Expected] = {}
        sound = True
        for principals, resources, whole, row in rows:
            sound = sound and whole
            for action in {**row.effects, **row.outputs}:
                if action not in known[2]:
                    self._suite.notes.no(
                        where, f"it expects something for action {quoted(action)}, which its input lacks"
                    )
                    sound = False
            for pair in product(principals, resources):
                if pair[0] not in known[0] or pair[1] not in known[1]:
                    who, what = pair
                    pair_named = f"{quoted(who)} on {quoted(what)}"
                    self._suite.notes.no(where, f"it expects something for {pair_named}, which its input lacks")
                    sound = False
                else:
                    self._merge(found.setdefault(pair, _Expected()), row, where)
        return found, sound

    def _merge(self, into: _Expected, row: Row, where: str) -> None:
        clash = self._clash(where)
        _merged(into.effects, row.effects, "", clash)
        for action, entries in row.outputs.items():
            _merged(into.outputs.setdefault(action, {}), entries, UNSEEN_TEXT, clash)

    def _clash(self, where: str) -> Callable[[str], None]:
        return lambda what: self._suite.notes.append(f"{where}: it expects two things of {what!r}")

    def _aux(self, name: str | Unknown, where: str) -> str:
        if isinstance(name, Unknown):
            return UNSEEN_TEXT
        if not name:
            return NOTHING
        found = self._aux_data.get(name)
        if found is None:
            self._suite.notes.no(where, f"auxData {quoted(name)} is in no fixture")
            return UNSEEN_TEXT
        return found


def _add(names: Names, to: list[str]) -> bool:
    """Add the names that are known and not there yet; False when there may be more."""
    # A list that could not be read may hold any name, so the axis is not whole.
    if isinstance(names, Unknown):
        return False
    whole = True
    for name in names:
        if isinstance(name, Unknown):
            whole = False
        elif name not in to:
            to.append(name)
    return whole


def _merged(into: dict[str, str], more: dict[str, str], unknown: str, clash: Callable[[str], None]) -> None:
    for key, value in more.items():
        if into.setdefault(key, value) != value:
            into[key] = unknown
            clash(key)
