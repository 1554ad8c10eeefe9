"""`engineTraceBatch`: how the engine came to an effect, one action of one test at a time.

Source: Cerbos 0.55.0, observed. The trace on the details of one action is that of all actions of its test. Derived
roles and variables are evaluated once, before the first action that needs them, and stand outside of every action; a
condition that two actions share is told under the first of them only. A principal's rules and a role policy's rules
are told under the resource policy; those of a role policy have no name.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from policyloop.cerbos.shape import Misshapen, Object, obj, objects, text, whole

MAX_ENTRIES = 20_000
"""The most entries of one trace that are read."""

_OPERATORS = ("CONDITION_ALL", "CONDITION_ANY", "CONDITION_NONE")
_ERROR_PREFIXES = ("failed to evaluate `{}`: ", 'error evaluating expression "{}": ')


@dataclass(frozen=True, slots=True)
class Evaluated:
    """One CEL expression and what it gave: a value as JSON, or an error; `within` names the operator around it."""

    expression: str
    value: str
    error: str
    within: str = ""


@dataclass(slots=True)
class Rule:
    """One rule that was looked at for an action. `skipped` says why it did not apply; empty when it did."""

    policy: str
    scope: str
    name: str
    skipped: str = ""
    error: str = ""
    conditions: list[Evaluated] = field(default_factory=list)


@dataclass(slots=True)
class Role:
    """One derived role: whether its parent roles matched, and what its condition gave."""

    policy: str
    name: str
    skipped: str = ""
    conditions: list[Evaluated] = field(default_factory=list)


@dataclass(slots=True)
class Decision:
    """How one action was decided. `rejected` is what the JSON Schemas had against the input."""

    policy: str = ""
    effect: str = ""
    rejected: str = ""
    rules: list[Rule] = field(default_factory=list)
    elsewhere: list[Rule] = field(default_factory=list)
    """The rules that are traced under other actions alone: a rule with a star may be one of this action's as well."""
    roles: list[Role] = field(default_factory=list)
    variables: dict[str, Evaluated] = field(default_factory=dict)

    def errors(self) -> dict[str, str]:
        """Every expression that failed, and its error."""
        told: list[Rule | Role] = [*self.rules, *self.roles]
        everywhere = [condition for one in told for condition in one.conditions]
        return {one.expression: one.error for one in (*everywhere, *self.variables.values()) if one.error}


@dataclass(frozen=True, slots=True)
class _Entry:
    steps: tuple[tuple[str, str, str], ...]
    event: Object

    def named(self, kind: str) -> str | None:
        return next((name for step, name, _ in self.steps if step == kind), None)

    @property
    def last(self) -> str:
        return self.steps[-1][0] if self.steps else ""

    def said(self, key: str) -> str:
        return text(self.event.get(key), key)


def decision(details: Object, action: str) -> Decision:
    """The decision about `action` out of the trace on an assertion's details. Raises `Misshapen`."""
    told = Decision()
    rules: dict[tuple[str, str], Rule] = {}
    roles: dict[tuple[str, str], Role] = {}
    elsewhere: dict[tuple[str, str], list[Evaluated]] = {}
    others: dict[tuple[str, str], Rule] = {}
    for entry in _entries(obj(details.get("engineTraceBatch"), "engineTraceBatch")):
        policy, rule, role = (entry.named(kind) or "" for kind in ("POLICY", "RULE", "DERIVED_ROLE"))
        of = entry.named("ACTION")
        if entry.last == "VARIABLE":
            _, name, expression = entry.steps[-1]
            told.variables[name] = _evaluated(entry, expression)
        elif entry.named("RULE") is not None:
            key = (entry.named("SCOPE") or "", rule)
            if of == action:
                _rule(entry, rules.setdefault(key, Rule(policy, *key)))
                continue
            _rule(entry, others.setdefault(key, Rule(policy, *key)))
            if entry.last == "EXPR":
                _once(elsewhere.setdefault(key, []), _evaluated(entry))
        elif role and of is None:
            _role(entry, roles.setdefault((policy, role), Role(policy, role)))
        elif of == action:
            told.policy, told.effect = policy, entry.said("effect") or told.effect
        elif of is None and entry.last == "POLICY":
            told.policy, told.rejected = policy, entry.said("error") or told.rejected
    for key, found in rules.items():
        found.conditions = found.conditions or elsewhere.get(key, [])
    told.rules, told.roles = list(rules.values()), list(roles.values())
    told.elsewhere = [rule for key, rule in others.items() if key not in rules]
    return told


def _rule(entry: _Entry, rule: Rule) -> None:
    if entry.last == "RULE" and entry.said("status") == "STATUS_SKIPPED":
        rule.skipped = entry.said("message") or "skipped"
        rule.error = entry.said("error")
    elif entry.last == "EXPR":
        _once(rule.conditions, _evaluated(entry))


def _role(entry: _Entry, role: Role) -> None:
    if entry.last == "DERIVED_ROLE" and entry.said("status") == "STATUS_SKIPPED":
        role.skipped = entry.said("message") or "skipped"
    elif entry.last == "EXPR":
        _once(role.conditions, _evaluated(entry))


def _once(found: list[Evaluated], one: Evaluated) -> None:
    """A principal with several roles has the same rule evaluated several times."""
    if one not in found:
        found.append(one)


def _evaluated(entry: _Entry, expression: str | None = None) -> Evaluated:
    expression = entry.steps[-1][1] if expression is None else expression
    error = entry.said("error")
    for prefix in _ERROR_PREFIXES:
        error = error.removeprefix(prefix.format(expression))
    operators = [kind.removeprefix("CONDITION_").lower() for kind, *_ in entry.steps if kind in _OPERATORS]
    within = operators[-1] if operators else ""
    return Evaluated(expression, whole(entry.event.get("result")), error, within)


def _entries(batch: Object) -> Iterator[_Entry]:
    steps = [_step(definition) for definition in objects(batch.get("definitions"), "definitions")]
    for entry in objects(batch.get("entries"), "entries")[:MAX_ENTRIES]:
        indices = entry.get("componentIndices") or []
        if not isinstance(indices, list) or not all(isinstance(i, int) and 0 <= i < len(steps) for i in indices):
            raise Misshapen(f"componentIndices: {whole(indices)}")
        yield _Entry(tuple(steps[i] for i in indices), obj(entry.get("event"), "event"))


def _step(definition: Object) -> tuple[str, str, str]:
    """A component as its kind, its name, and for a variable its expression."""
    kind = text(definition.get("kind"), "kind").removeprefix("KIND_")
    variable = obj(definition.get("variable"), "variable")
    if variable:
        return kind, text(variable.get("name"), "name"), text(variable.get("expr"), "expr")
    names = (value for key, value in definition.items() if key not in ("kind", "index"))
    return kind, text(next(names, ""), "details"), ""
