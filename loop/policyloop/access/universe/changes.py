"""What is not the same in two bundles: each way for a rule to apply that was changed, added or taken out."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from policyloop.access.cel import Call, Const, Node, walk
from policyloop.access.universe.goals import ANY, Goal

NEVER = Const(value=False)
_LOGICAL = ("&&", "||", "!", "?:")


@dataclass(frozen=True, slots=True)
class Change:
    """One way for a rule to apply, before and after; None where there is none. `actions` and `roles`: of both."""

    old: Goal | None
    new: Goal | None

    @property
    def goal(self) -> Goal:
        """The new one, or the old one of what is gone."""
        goal = self.new or self.old
        assert goal is not None
        return goal

    @property
    def sides(self) -> tuple[Goal, ...]:
        """The goals that there are."""
        return tuple(goal for goal in (self.old, self.new) if goal is not None)

    @property
    def before(self) -> Node:
        """The condition before."""
        return self.old.condition if self.old else NEVER

    @property
    def after(self) -> Node:
        """The condition now."""
        return self.new.condition if self.new else NEVER

    @property
    def actions(self) -> tuple[str, ...]:
        """The actions that it is about."""
        return tuple(dict.fromkeys(action for goal in self.sides for action in goal.actions))

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that it is about; empty where no role matters."""
        return tuple(dict.fromkeys(role for goal in self.sides for role in goal.roles))

    def atoms(self) -> tuple[Node, ...]:
        """The parts of both conditions that are not made of others by `&&`, `||` and `!`; what changed comes first."""
        first, second = (dict.fromkeys(_atoms(condition)) for condition in (self.before, self.after))
        changed = [atom for atom in (*second, *first) if not (atom in first and atom in second)]
        return tuple(dict.fromkeys((*changed, *first)))

    def changed_atoms(self) -> frozenset[Node]:
        """Those that only one of the conditions has."""
        return frozenset(_atoms(self.before)) ^ frozenset(_atoms(self.after))


def changes_between(old: Sequence[Goal], new: Sequence[Goal]) -> tuple[Change, ...]:
    """Every goal that is not in both, each with the one that it was made from as far as that can be told."""
    gone, came = _only(old, new), _only(new, old)
    found: list[Change] = []
    for goal in came:
        like = max(gone, key=lambda other: _likeness(other, goal), default=None)
        if like is None or not _likeness(like, goal):
            found.append(Change(None, goal))
            continue
        gone.remove(like)
        found += _apart(like, goal)
    return (*found, *(Change(goal, None) for goal in gone))


def _apart(old: Goal, new: Goal) -> Iterator[Change]:
    """What changed from one goal to the other: the condition, and what came to or went from actions and roles."""
    if old.condition != new.condition or old.denies is not new.denies:
        yield Change(old, new)
    for before, after, side in ((old, new, 1), (new, old, 0)):
        actions = tuple(action for action in after.actions if action not in before.actions)
        roles = tuple(role for role in after.roles if role not in before.roles)
        anybody = bool(before.roles) and not after.roles
        if actions:
            yield _sided(replace(after, actions=actions), side)
        if roles or anybody:
            yield _sided(replace(after, roles=roles), side)


def _sided(goal: Goal, side: int) -> Change:
    return Change(None, goal) if side else Change(goal, None)


def _only(some: Sequence[Goal], others: Sequence[Goal]) -> list[Goal]:
    """Those of `some` that `others` lack, wherever they stand and whatever they are called."""
    left = Counter(map(_anywhere, others))
    found = []
    for goal in some:
        key = _anywhere(goal)
        if left[key]:
            left[key] -= 1
        else:
            found.append(goal)
    return found


def _anywhere(goal: Goal) -> Goal:
    return replace(goal, file="", rule="", line=0, actions=tuple(sorted(goal.actions)), roles=tuple(sorted(goal.roles)))


def _likeness(one: Goal, other: Goal) -> int:
    """How much two goals have in common; 0 for goals about different things."""
    if (one.kind, one.version, one.scope, one.principal) != (other.kind, other.version, other.scope, other.principal):
        return 0
    actions = len({*one.actions} & {*other.actions})
    named = 4 if one.rule == other.rule else 0
    if not actions and not named:
        return 0
    roles = 2 if {*one.roles} & {*other.roles} or one.roles == other.roles else 0
    return named + 3 * min(actions, 2) + roles + (4 if one.condition == other.condition else 0)


def _atoms(node: Node) -> Iterator[Node]:
    if isinstance(node, Call) and node.target is None and node.function in _LOGICAL:
        for part in node.args:
            yield from _atoms(part)
    elif not isinstance(node, Const):
        yield node


def covers(patterns: Iterable[str], action: str) -> bool:
    """Whether a rule's actions are about an action: by name, or by a pattern that could be about it."""
    return any(pattern in (ANY, action) or _glob(pattern, action) for pattern in patterns)


def _glob(pattern: str, action: str) -> bool:
    first, star, last = pattern.partition("*")
    return bool(star) and action.startswith(first) and action.endswith(last.rpartition("*")[2])


def readable(condition: Node) -> bool:
    """Whether all of a condition was read."""
    return not any(getattr(part, "name", "").startswith("?") for part in walk(condition))
