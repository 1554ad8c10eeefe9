"""One bundle as formulas: when it allows, in terms of what the resource holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import z3

from policyloop.access.ask.request import MAX_BATCH, Batch, Principal, Resource
from policyloop.access.pdp import Pdp
from policyloop.access.prove.reduced import Condition
from policyloop.access.prove.resolve import Asker, resolve
from policyloop.access.prove.shape import Shape
from policyloop.access.prove.syntax import Unreadable
from policyloop.access.prove.translate import Translator
from policyloop.access.prove.values import NO, YES, both, either, no
from policyloop.access.prove.verdict import Asked

_FALSE, _TRUE, _ERROR = "false", "true", "error"
State = str
"""How a condition came out. Where evaluation is not strict, an error is the same as false."""


class TooMany(Exception):
    """More cases than may be asked, or cases that the PDP itself mixes up."""


@dataclass(frozen=True, slots=True)
class Holds:
    """When a condition is true, and when it is an error."""

    true: Any
    error: Any

    @property
    def key(self) -> tuple[int, int]:
        """The same for the same formulas."""
        return self.true.get_id(), self.error.get_id()


@dataclass(slots=True)
class Side:
    """A bundle: its PDP, and a second PDP that serves its shape."""

    name: str
    pdp: Pdp
    shape: Shape
    shape_pdp: Pdp
    strict: bool
    rows: int
    _tables: dict[tuple[Any, ...], tuple[bool, ...]] = field(default_factory=dict)

    def allows(self, asked: Asked, translator: Translator) -> tuple[Any, list[str]]:
        """When this bundle allows, and what in its conditions could not be read. Raises `TooMany`."""
        asker = Asker(asked.principal, asked.kind, asked.policy_version, asked.scope, asked.claims, asked.anybody)
        reasons: list[str] = []
        groups: dict[tuple[int, int], list[str]] = {}
        formulas: dict[tuple[int, int], Holds] = {}
        deciding = self.shape.deciding(asker, asked.action)
        # Rules that Cerbos takes for each other: which of them wins is drawn at each start, so no table of it holds.
        if doubt := self.shape.doubt(asker, asked.action, deciding):
            raise TooMany(doubt)
        for condition in deciding:
            holds = self._holds(condition, asker, translator, reasons)
            # Conditions that are the same formula are one: each further one would multiply the cases.
            groups.setdefault(holds.key, []).append(condition.attribute)
            formulas[holds.key] = holds
        fixed: dict[str, State] = {}
        free: list[tuple[Holds, tuple[str, ...]]] = []
        for key, attributes in groups.items():
            state = _settled(formulas[key])
            if state is None:
                free.append((formulas[key], tuple(attributes)))
            else:
                fixed.update(dict.fromkeys(attributes, state))
        looked_at = {*fixed, *(one for _, attributes in free for one in attributes)}
        others = tuple(sorted(self.shape.near(asker) - looked_at))
        table = self._table(asked, fixed, [attributes for _, attributes in free], others)
        return _diagram([holds for holds, _ in free], table, self.states), reasons

    @property
    def states(self) -> tuple[State, ...]:
        """How a condition may come out."""
        return (_FALSE, _TRUE, _ERROR) if self.strict else (_FALSE, _TRUE)

    def _holds(self, condition: Condition, asker: Asker, translator: Translator, reasons: list[str]) -> Holds:
        try:
            value = translator.value(resolve(condition.text, condition.names, asker))
        except (Unreadable, RecursionError) as error:
            reason = error if isinstance(error, Unreadable) else "it is nested too deep"
            reasons.append(f"`{condition.text}` is not translated: {reason}")
            name = f"{self.name}.{condition.attribute}"
            # Under a name of this side: what could not be read must not be taken for the same in both bundles.
            value = translator.unread(name)
        return Holds(_plain(value.true), _plain(value.error) if self.strict else NO)

    def _table(
        self, asked: Asked, fixed: dict[str, State], free: Sequence[tuple[str, ...]], others: tuple[str, ...]
    ) -> tuple[bool, ...]:
        """What the PDP decides in every case of the free conditions, the last one changing fastest."""
        if len(self.states) ** len(free) > self.rows:
            raise TooMany(f"{len(free)} conditions decide together")
        principal = Principal(
            asked.principal.id, asked.principal.roles, {}, asked.principal.policy_version, asked.principal.scope
        )
        where = (asked.kind, asked.policy_version, asked.scope)
        key = (principal, where, asked.action, tuple(sorted(fixed.items())), tuple(free))
        if key not in self._tables:
            rest = [dict.fromkeys(others, state) | fixed for state in (_ERROR, _TRUE)]
            self._tables[key] = self._ask(principal, where, asked.action, rest if others else rest[:1], free)
        return self._tables[key]

    def _ask(
        self,
        principal: Principal,
        where: tuple[str, str, str],
        action: str,
        rest: Sequence[dict[str, State]],
        free: Sequence[tuple[str, ...]],
    ) -> tuple[bool, ...]:
        """The decisions in every case; the same ones for each `rest`, the states of what should not matter."""
        kind, version, scope = where

        def resources() -> Iterator[Resource]:
            for states in rest:
                for case in product(self.states, repeat=len(free)):
                    told = dict(states)
                    for group, state in zip(free, case, strict=True):
                        told.update(dict.fromkeys(group, state))
                    attributes = {name: state == _TRUE for name, state in told.items() if state != _ERROR}
                    yield Resource(kind, "x", attributes, version, scope)

        answers = [one for _, part in self.shape_pdp.effects(_batches(principal, resources(), action)) for one in part]
        rows = len(self.states) ** len(free)
        # With all other conditions failing, and again with all of them true. Where that makes a difference, one of them
        # matters that we thought does not.
        if any(answers[at : at + rows] != answers[:rows] for at in range(rows, len(answers), rows)):
            raise TooMany("conditions decide that were not expected to")
        return tuple(answers[:rows])


def _batches(principal: Principal, resources: Iterator[Resource], action: str) -> Iterator[Batch]:
    held: list[Resource] = []
    for one in resources:
        held.append(one)
        if len(held) == MAX_BATCH:
            yield Batch(principal, tuple(held), (action,))
            held = []
    if held:
        yield Batch(principal, tuple(held), (action,))


def _plain(formula: Any) -> Any:
    """A formula that is true or false whatever the resource, as that. Others stay as they were made: what the solver
    makes of one depends on all that it has seen before.
    """
    simple = z3.simplify(formula)
    return simple if z3.is_true(simple) or z3.is_false(simple) else formula


def _settled(holds: Holds) -> State | None:
    if z3.is_true(holds.true):
        return _TRUE
    # Only where evaluation is strict; else an error was made false above, as the PDP makes it.
    if z3.is_true(holds.error):
        return _ERROR
    return _FALSE if z3.is_false(holds.true) and z3.is_false(holds.error) else None


def _diagram(conditions: Sequence[Holds], table: tuple[bool, ...], states: Sequence[State]) -> Any:
    """The table as a formula: decide by one condition after the other, the same rest only once."""
    done: dict[tuple[bool, ...], Any] = {(True,): YES, (False,): NO}

    def below(depth: int, rows: tuple[bool, ...]) -> Any:
        if all(rows) or not any(rows):
            return YES if rows[0] else NO
        if rows not in done:
            size = len(rows) // len(states)
            parts = [below(depth + 1, rows[at : at + size]) for at in range(0, len(rows), size)]
            holds = conditions[depth]
            formulas = (no(either(holds.true, holds.error)), holds.true, holds.error)
            done[rows] = either(*(both(guard, part) for guard, part in zip(formulas, parts, strict=False)))
        return done[rows]

    return below(0, table)
