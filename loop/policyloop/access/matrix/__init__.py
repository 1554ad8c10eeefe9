"""Who may do what, before and after, as a matrix of roles by actions, in which nothing is sampled.

    matrices, missing = matrices_of(old, new, settings, access)

A cell is *always*, *never* or *when*, with the conditions in their own words; or it is unknown, and says why. Rows are
roles and derived roles in each scope: somebody who holds just that role. Whom a principal policy names has a matrix of
their own. JSON Schemas are not looked at, as is the PDP's default.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from policyloop.access.ask.request import Principal
from policyloop.access.ask.unnamed import may_fit
from policyloop.access.matrix.axes import (
    OTHERS,
    Axes,
    axes_of,
)
from policyloop.access.matrix.table import Answer, Asked, Tables, Written
from policyloop.access.pdp import Refused, Settings
from policyloop.access.prove.reduced import Hidden
from policyloop.access.prove.shape import switched
from policyloop.access_report import AccessReport, Reason
from policyloop.bundle import Bundle

__all__ = ["OTHERS", "Answer", "Cell", "Matrix", "Row", "Written", "matrices_of"]

MOST_CASES = 400_000
"""The most cases that are asked of each of the two bundles."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What a row may do; `before` is None where nothing is known of it. `reasons` are changes, by their place."""

    before: Answer | None
    after: Answer
    reasons: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """Somebody with just these roles, on a resource of this scope; `derived` where they hold that derived role too."""

    roles: tuple[str, ...]
    scope: str
    derived: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Roles by actions of one kind of resource in one policy version. `person` is whom a principal policy names."""

    resource: str
    version: str
    actions: tuple[str, ...]
    rows: tuple[Row, ...]
    person: str = ""


@dataclass(frozen=True, slots=True)
class _Line:
    """A row to be asked about."""

    roles: tuple[str, ...]
    scope: str
    derived: str = ""


def matrices_of(
    old: Bundle | None, new: Bundle, settings: Settings, access: AccessReport | None
) -> tuple[tuple[Matrix, ...], tuple[str, ...]]:
    """The matrices of `new`, beside `old` where it is known, and what could not be drawn, a sentence each.

    Raises `Unavailable` without a PDP.
    """
    bundles = [new, *([old] if old is not None else [])]
    with ExitStack() as stack:
        try:
            served = stack.enter_context(switched(bundles, replace(settings, strict=False)))
        except Hidden as error:
            return (), (f"The matrix is not drawn: {error}.",)
        except Refused as error:
            return (), (f"The matrix is not drawn: Cerbos does not take the bundle: {error}",)
        sides = [Tables(one, pdp, MOST_CASES) for one, pdp in served]
        drawing = _Drawing(sides[0], sides[1] if old is not None else None, axes_of(bundles), access)
        return drawing.matrices(), ()


class _Drawing:
    def __init__(self, after: Tables, before: Tables | None, axes: Sequence[Axes], access: AccessReport | None) -> None:
        self._after, self._before, self._axes = after, before, axes
        self._changes = _changes(axes, access.reasons if access is not None else ())

    def matrices(self) -> tuple[Matrix, ...]:
        drawn = [self._matrix(number, axes) for number, axes in enumerate(self._axes)]
        return tuple(matrix for matrix in drawn if matrix.rows and matrix.actions)

    def _matrix(self, number: int, axes: Axes) -> Matrix:
        changes = self._changes.get(number, {})
        columns = (*axes.actions, *axes.patterns, *(["*"] if axes.any_action else []))
        rows = []
        for line in _lines(axes, [line for line, _ in changes]):
            cells = [self._cell(axes, line, action, changes.get((line, action), ())) for action in columns]
            if all(cell is not None for cell in cells):
                rows.append((line, [cell for cell in cells if cell is not None]))
        whole = axes.person is not None
        kept = [
            at for at, name in enumerate(columns) if whole or name != "*" or any(_tells(row[at]) for _, row in rows)
        ]
        named = tuple(_column(columns[at]) for at in kept)
        shown = [(line, row) for line, row in rows if whole or OTHERS not in line.roles or any(map(_tells, row))]
        return Matrix(
            axes.kind,
            axes.version,
            named,
            tuple(Row(line.roles, line.scope, line.derived, tuple(row[at] for at in kept)) for line, row in shown),
            axes.person.id if axes.person is not None else "",
        )

    def _cell(self, axes: Axes, line: _Line, action: str, reasons: Sequence[int]) -> Cell | None:
        """One cell; None when nobody of that row can hold its derived role in either bundle."""
        roles = tuple(sorted(axes.others.role if role == OTHERS else role for role in line.roles))
        person = axes.person
        who = Principal(axes.others.person, roles)
        if person is not None:
            who = Principal(person.id, roles, {}, person.policy_version, person.scope)
        asked = Asked(who, axes.asked_kind, axes.version, line.scope, axes.others.action(action), line.derived)
        after = self._after.answer(asked)
        before = self._before.answer(asked) if self._before is not None else None
        if after is None and before is None:
            return None
        if doubt := _doubt(axes, line, action):
            before = Answer("unknown", because=doubt) if before is not None else None
            after = Answer("unknown", because=doubt)
        return Cell(before, after or Answer("never"), tuple(reasons))


def _doubt(axes: Axes, line: _Line, action: str) -> str:
    """Why what one unnamed role or action may do says nothing of all others; else ""."""
    if OTHERS in line.roles and axes.role_patterns:
        return f"rules name roles by patterns, such as {axes.role_patterns[0]}, which any other role may fit"
    if axes.odd_patterns and (action == "*" or action in axes.patterns or action in axes.odd_patterns):
        return f"rules name actions by patterns, such as {axes.odd_patterns[0]}, which any other action may fit"
    return ""


def _lines(axes: Axes, changed: Sequence[_Line]) -> list[_Line]:
    """Each role alone, each derived role with a role it is derived from, then the roles that changes need together."""
    lines = [_Line((role,), scope) for scope in axes.scopes for role in (*axes.roles, OTHERS)]
    if axes.person is None:
        lines += [_Line((role.parent,), scope, role.name) for scope in axes.scopes for role in axes.derived]
    return list(dict.fromkeys([*lines, *changed]))


def _column(action: str) -> str:
    if action == "*":
        return OTHERS
    return f"{OTHERS} {action}" if "*" in action else action


def _tells(cell: Cell) -> bool:
    """Whether there is more to say than that it is denied, and was."""
    denied = cell.after.state == "never" and (cell.before is None or cell.before.state == "never")
    return bool(cell.reasons) or not denied


_Changes = dict[int, dict[tuple[_Line, str], list[int]]]


def _changes(axes: Sequence[Axes], reasons: Sequence[Reason]) -> _Changes:
    """The changes by matrix, row and column: each in the one place where its request belongs."""
    placed: _Changes = {}
    for number, reason in enumerate(reasons):
        at = _matrix_for(axes, reason)
        if at is not None:
            place = _place(axes[at], reason)
            placed.setdefault(at, {}).setdefault(place, []).append(number)
    return placed


def _matrix_for(axes: Sequence[Axes], reason: Reason) -> int | None:
    who, what = _part(reason.request, "principal"), _part(reason.request, "resource")
    version = "" if what.get("policyVersion") in (None, "default") else what["policyVersion"]
    kinds = {part.kind for part in axes}
    kind = reason.resource if reason.resource in kinds else OTHERS
    fitting = [at for at, part in enumerate(axes) if (part.kind, part.version) == (kind, version)]
    persons = [
        at
        for at in fitting
        if (person := axes[at].person) is not None
        and person.id == who.get("id")
        and _speaks_of(axes[at], reason.action)
    ]
    everybody = [at for at in fitting if axes[at].person is None]
    return next(iter([*persons, *everybody]), None)


def _speaks_of(axes: Axes, action: str) -> bool:
    return axes.any_action or action in axes.actions or any(may_fit(pattern, action) for pattern in axes.patterns)


def _place(axes: Axes, reason: Reason) -> tuple[_Line, str]:
    scope = str(_part(reason.request, "resource").get("scope") or "").removeprefix(".")
    roles = tuple(sorted({role if role in axes.roles else OTHERS for role in reason.roles}))
    patterns = (pattern for pattern in axes.patterns if may_fit(pattern, reason.action))
    action = reason.action if reason.action in axes.actions else next(patterns, "*")
    return _Line(roles, scope), action


def _part(request: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = request.get(name)
    return part if isinstance(part, Mapping) else {}
