"""What one bundle decides in every case of the conditions that may matter: asked of the real PDP, none left out.

Each condition stands for itself as a switch (`policyloop.access.prove.shape`), so what comes back holds for every
resource and every principal of that id and these roles, whatever their attributes: a condition is true for them or it
is not. Strict evaluation is off, as is the PDP's default: there a condition that ends in an error is not true.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Literal

from policyloop.access.ask.request import MAX_BATCH, Attributes, Batch, Principal, Resource
from policyloop.access.matrix import formula
from policyloop.access.matrix.formula import MOST_IN_WORDS, Row
from policyloop.access.pdp import Pdp
from policyloop.access.prove.reduced import Condition
from policyloop.access.prove.resolve import Asker
from policyloop.access.prove.shape import Shape

State = Literal["always", "when", "never", "unknown"]

MOST_CONDITIONS = 12
"""A cell that more conditions decide together is not looked at whole: 4,096 cases are asked at the most."""
MOST_OTHERS = 400
"""So many conditions of the rest of the bundle are switched as well, to see that they do not matter."""

_NAMED = re.compile(r"\b(?:V|variables|C|constants|runtime)\b")


@dataclass(frozen=True, slots=True)
class Written:
    """A condition in its own words, and where it stands."""

    text: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether somebody may do something. `terms` are the combinations of conditions for which it is allowed.

    Where the state is `when` and `terms` is empty, more conditions matter than can be read together: `on` names them.
    `because` says why the state is unknown.
    """

    state: State
    terms: tuple[tuple[tuple[Written, bool], ...], ...] = ()
    on: tuple[Written, ...] = ()
    because: str = ""

    @property
    def meaning(self) -> object:
        """The same for answers that say the same of the same words, wherever these stand."""
        words = sorted(tuple(sorted((held.text, true) for held, true in term)) for term in self.terms)
        return self.state, words, sorted(held.text for held in self.on), self.because


@dataclass(frozen=True, slots=True)
class Asked:
    """One cell: a principal with its roles, a kind, a version, a scope, an action; `derived` must be held as well."""

    principal: Principal
    kind: str
    version: str
    scope: str
    action: str
    derived: str = ""


class Unexpected(Exception):
    """Something decides that was not expected to; the message says what."""


@dataclass(slots=True)
class Tables:
    """One bundle: its shape, and a PDP that serves the shape. `left` is how many cases may still be asked."""

    shape: Shape
    pdp: Pdp
    left: int
    _written: Mapping[str, Written] = field(init=False)

    def __post_init__(self) -> None:
        """Say where each condition stands."""
        self._written = {name: Written(held.text, held.file, held.line) for name, held in self.shape.conditions.items()}

    def answer(self, asked: Asked) -> Answer | None:
        """What this bundle answers; None when the derived role is never held."""
        asker = Asker(asked.principal, asked.kind, asked.version, asked.scope)
        deciding = (*self.shape.deciding(asker, asked.action), *self.shape.of_derived_role(asked.derived))
        if doubt := self.shape.doubt(asker, asked.action, deciding):
            return Answer("unknown", because=doubt)
        groups = _alike(deciding)
        cases = 1 << len(groups)
        if len(groups) > MOST_CONDITIONS:
            return Answer("unknown", because=f"{len(groups)} conditions decide together, at most {MOST_CONDITIONS} do")
        if cases * 2 > self.left:
            return Answer("unknown", because="the bound of cases to ask was reached")
        self.left -= cases * 2
        try:
            table = self._table(asked, groups)
        except Unexpected as error:
            return Answer("unknown", because=str(error))
        if all(case is None for case in table):
            return None
        return self._in_words(table, groups)

    def _in_words(self, table: Sequence[Row], groups: Sequence[Sequence[str]]) -> Answer:
        settled = formula.decided(table)
        if settled is not None:
            return Answer("always" if settled else "never")
        kept = formula.relevant(table, len(groups))
        written = [self._written[groups[number][0]] for number in kept]
        if len(kept) > MOST_IN_WORDS:
            return Answer("when", on=tuple(written))
        terms = formula.terms(formula.narrowed(table, len(groups), kept), len(kept))
        return Answer("when", tuple(tuple((written[number], true) for number, true in term) for term in terms))

    def _table(self, asked: Asked, groups: Sequence[Sequence[str]]) -> list[Row]:
        """The decision in each case, the last group changing fastest. Raises `Unexpected`."""
        deciding = {name for group in groups for name in group}
        others = [name for name in self.shape.conditions if name not in deciding]
        if len(others) > MOST_OTHERS:
            near = self.shape.near(Asker(asked.principal, asked.kind, asked.version, asked.scope))
            others = [name for name in others if name in near]
        first = self._decisions(asked, groups, {})
        if others and self._decisions(asked, groups, dict.fromkeys(others, True)) != first:
            raise Unexpected("a condition decides that was not expected to")
        return first

    def _decisions(self, asked: Asked, groups: Sequence[Sequence[str]], others: Attributes) -> list[Row]:
        cases = [
            {name: True for group, true in zip(groups, case, strict=True) if true for name in group}
            for case in product((False, True), repeat=len(groups))
        ]
        resources = [Resource(asked.kind, "x", {**others, **held}, asked.version, asked.scope) for held in cases]
        decisions: list[Row] = []
        for part in _parts(resources):
            batch = Batch(asked.principal, part, (asked.action,))
            if asked.derived:
                # Who holds a derived role is the PDP's to say, too.
                told = self.pdp.check(batch)
                decisions += [one.allowed if asked.derived in one.derived_roles else None for one in told]
            else:
                decisions += [allowed for _, effects in self.pdp.effects([batch]) for allowed in effects]
        return decisions


def _parts(resources: Sequence[Resource]) -> Iterator[Sequence[Resource]]:
    for start in range(0, len(resources), MAX_BATCH):
        yield resources[start : start + MAX_BATCH]


def _alike(conditions: Sequence[Condition]) -> list[list[str]]:
    """Conditions that are true together: the same words, with the same variables where they use any."""
    groups: dict[object, dict[str, None]] = {}
    for condition in conditions:
        own = id(condition.names) if _NAMED.search(condition.text) else None
        groups.setdefault((condition.text, own), {})[condition.attribute] = None
    return [list(group) for group in groups.values()]
