"""Whether what a PDP decides contradicts the cells of a matrix that speak of it."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

from policyloop.access.ask.request import Batch, Principal, Request
from policyloop.access.ask.unnamed import may_fit
from policyloop.access.matrix import OTHERS, Matrix, Row
from policyloop.access.pdp import Pdp


def states_of(
    matrices: Sequence[Matrix],
    pdp: Pdp,
    batch: Batch,
    side: Literal["before", "after"] = "after",
    bundle: Callable[[Request], str] = lambda _: "",
) -> Counter[str]:
    """The states of the cells that each decision belongs to; an `AssertionError` with the `bundle` for a wrong one."""
    states: Counter[str] = Counter()
    for at, decision in enumerate(pdp.check(batch)):
        request = batch.request(at)
        who, what = request.principal, request.resource
        version = "" if what.policy_version == "default" else what.policy_version
        own = [m for m in matrices if (m.resource, m.version) == (what.kind, version)]
        for matrix in _speaking(own, who, request.action):
            for row in matrix.rows:
                if _belongs(row, who, what.scope, decision.derived_roles, matrix):
                    state = _state(matrix, row, request.action, side)
                    states[state or "several patterns"] += 1
                    wrong = {"always": not decision.allowed, "never": decision.allowed}.get(state or "", False)
                    assert not wrong, (side, state, request.to_json(), row, bundle(request))
    return states


def _speaking(matrices: Sequence[Matrix], who: Principal, action: str) -> list[Matrix]:
    """The matrix of a person whose policy speaks of the action, else that of everybody."""
    own = [matrix for matrix in matrices if matrix.person == who.id]
    speaking = [m for m in own if any(name in (action, OTHERS) or _pattern_fits(name, action) for name in m.actions)]
    return speaking or [matrix for matrix in matrices if not matrix.person]


def _pattern_fits(name: str, action: str) -> bool:
    return name.startswith(f"{OTHERS} ") and may_fit(name.removeprefix(f"{OTHERS} "), action)


def _belongs(row: Row, who: Principal, scope: str, derived: Sequence[str], matrix: Matrix) -> bool:
    named = {role for other in matrix.rows for role in other.roles}
    roles = tuple(role if role in named else OTHERS for role in who.roles)
    return row.roles == roles and row.scope == scope and (not row.derived or row.derived in derived)


def _state(matrix: Matrix, row: Row, action: str, side: Literal["before", "after"]) -> str | None:
    """The state of the cell of an action; None where more than one pattern may stand for it.

    The column of any other action is left out where nobody may do it.
    """
    if action in matrix.actions:
        return _said(row, matrix.actions.index(action), side)
    fitting = [name for name in matrix.actions if _pattern_fits(name, action)]
    if len(fitting) > 1:
        return None
    column = fitting[0] if fitting else OTHERS
    return _said(row, matrix.actions.index(column), side) if column in matrix.actions else "never"


def _said(row: Row, column: int, side: Literal["before", "after"]) -> str | None:
    cell = row.cells[column]
    answer = cell.after if side == "after" else cell.before
    return answer.state if answer is not None else None
