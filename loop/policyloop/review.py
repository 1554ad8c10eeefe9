"""What somebody needs who signs for a change: a run, what it changed in access, and how far its tests bite."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from policyloop.access.lint import LintResult
from policyloop.access.mutate import MutateResult
from policyloop.access.nearby import OTHER_ACTION, OTHER_ROLE
from policyloop.access.pool import Pool
from policyloop.access.questions import Question, put
from policyloop.access.universe.enumerate import UNKNOWN_ACTION, UNKNOWN_ROLE
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.events import Ended, Event, Started
from policyloop.guard.demand import ALLOW
from policyloop.widened import AccessReport, Reason

State = Literal["always", "sometimes", "never", "unknown"]
"""How many of the requests that were asked for a cell are allowed: all, some, none; unknown when none was asked."""

OTHERS = "any other"
"""The row or column of a role or an action that no policy names; it is there only when something of it is allowed."""

_UNNAMED = frozenset({OTHER_ROLE, UNKNOWN_ROLE, OTHER_ACTION, UNKNOWN_ACTION})


@dataclass(frozen=True, slots=True)
class Cell:
    """What people with these roles may do, before and after; `reasons` are the changes, by their place in the list."""

    before: State
    after: State
    reasons: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One role, or several that one person has."""

    roles: tuple[str, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Roles by actions of one kind of resource."""

    resource: str
    actions: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """Everything in one place. What could not be measured is None, and `missing` says why, a sentence each.

    `broken` says what is wrong with the ledger, None when it is whole; `records` is how many it holds. `against` names
    what access is compared with; `access` is None when nothing was.
    """

    events: tuple[Event, ...]
    ledger: str
    records: int
    broken: str | None
    against: str
    access: AccessReport | None = None
    matrices: tuple[Matrix, ...] = ()
    mutation: MutateResult | None = None
    lint: LintResult | None = None
    missing: tuple[str, ...] = ()

    @property
    def started(self) -> Started | None:
        """How the run began."""
        return next((event for event in self.events if isinstance(event, Started)), None)

    @property
    def ended(self) -> Ended | None:
        """How the run ended."""
        return next((event for event in reversed(self.events) if isinstance(event, Ended)), None)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Every change in access."""
        return self.access.reasons if self.access is not None else ()


def matrices_of(pool: Pool, old: Bundle | None, access: AccessReport | None) -> tuple[Matrix, ...]:
    """The matrix of each kind of resource of `pool`, whose bundle is the new one. Raises `Unavailable`.

    Without `old` nothing is known of before but the changes in `access`.
    """
    reasons = access.reasons if access is not None else ()
    sources = [pool, *([Pool(pool.runner, old)] if old is not None else [])]
    kinds = dict.fromkeys([kind for source in sources for kind in source.kinds] + [one.resource for one in reasons])
    found = []
    for kind in sorted(kinds):
        questions = [q for source in sources if kind in source.kinds for q in source.questions(kind)]
        found.append(_matrix(kind, {q.key: q for q in questions}.values(), (old, pool.bundle), pool.runner, reasons))
    return tuple(found)


_Key = tuple[tuple[str, ...], str]
_Counts = Mapping[_Key, list[bool]]


def _matrix(
    kind: str,
    asked: Iterable[Question],
    bundles: tuple[Bundle | None, Bundle],
    runner: Runner,
    reasons: Sequence[Reason],
) -> Matrix:
    changes: dict[_Key, list[int]] = {}
    for number, one in enumerate(reasons):
        if one.resource == kind:
            changes.setdefault((_roles(one.roles), _name(one.action)), []).append(number)
    together = {roles for roles, _ in changes}
    rolled = [(_roles(question.request.principal.roles), question) for question in asked]
    questions = [question for roles, question in rolled if len(roles) == 1 or roles in together]
    keys = [(_roles(question.request.principal.roles), _name(question.request.action)) for question in questions]
    before, after = (
        _counted(keys, put(runner, bundle, questions, schemas=False) if bundle is not None else ())
        for bundle in bundles
    )
    cells = {key for key in (*after, *before, *changes) if _shown(key, after, before, changes)}
    actions = tuple(sorted({action for _, action in cells}, key=lambda name: (name == OTHERS, name)))
    rows = sorted({roles for roles, _ in cells}, key=lambda roles: (len(roles), roles == (OTHERS,), roles))
    return Matrix(
        kind,
        actions,
        tuple(
            Row(roles, tuple(_cell((roles, action), before, after, changes) for action in actions)) for roles in rows
        ),
    )


def _counted(keys: Sequence[_Key], effects: Sequence[str | None]) -> _Counts:
    found: dict[_Key, list[bool]] = {}
    for key, effect in zip(keys, effects, strict=False):
        found.setdefault(key, []).append(effect == ALLOW)
    return found


def _shown(key: _Key, after: _Counts, before: _Counts, changes: Mapping[_Key, Sequence[int]]) -> bool:
    """What no policy names is shown only where something of it is allowed."""
    roles, action = key
    named = OTHERS not in (*roles, action)
    return named or key in changes or any(after.get(key, ())) or any(before.get(key, ()))


def _cell(
    key: _Key,
    before: _Counts,
    after: _Counts,
    changes: Mapping[_Key, Sequence[int]],
) -> Cell:
    return Cell(_state(before.get(key, ())), _state(after.get(key, ())), tuple(changes.get(key, ())))


def _state(allowed: Sequence[bool]) -> State:
    if not allowed:
        return "unknown"
    return "always" if all(allowed) else "sometimes" if any(allowed) else "never"


def _roles(roles: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted({_name(role) for role in roles}))


def _name(name: str) -> str:
    return OTHERS if name in _UNNAMED else name


def witnessed(review: Review, resource: str) -> Iterator[tuple[int, Reason]]:
    """The changes about one kind of resource, numbered as in the cells."""
    yield from ((number, one) for number, one in enumerate(review.reasons) if one.resource == resource)
