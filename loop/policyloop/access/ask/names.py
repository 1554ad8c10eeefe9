"""What policies, tests and schemas name about one kind of resource."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from policyloop.access.ask.questions import Question
from policyloop.access.ask.request import canonical
from policyloop.access.ask.unnamed import filled, unnamed
from policyloop.access.cel import Call, Const, Name, Node, NotCel, Select, children, parse, walk
from policyloop.access.source import Policy
from policyloop.bundle import Bundle
from policyloop.layout import Kind
from policyloop.layout import kind as kind_of

OTHER_ROLE = "another-role"
OTHER_ACTION = "another-action"
OTHER_KIND = "another-kind"
OTHER = "something-else"
"""What stands for all roles, actions and kinds that nothing names, where nothing names these; and a text like them."""

Side = Literal["principal", "resource"]
_SIDES: Mapping[str, Side] = {"R": "resource", "resource": "resource", "P": "principal", "principal": "principal"}
_HOURS = re.compile(r"""duration\s*\(\s*["'](\d+)h["']""")
_OF_TIME = ("now", "timestamp", "timeSince")
_CLOCK = ("now", "timeSince")


@dataclass(frozen=True, slots=True)
class Words:
    """What is named about one kind: roles, actions, versions and scopes, attributes, and constants of conditions.

    `other_role` and `other_action` stand for all that nothing names; they are among the roles and actions.
    """

    roles: tuple[str, ...]
    actions: tuple[str, ...]
    other_role: str
    other_action: str
    places: tuple[tuple[str, str], ...]
    attributes: tuple[tuple[Side, tuple[str, ...]], ...]
    constants: Mapping[tuple[Side, tuple[str, ...]], tuple[Any, ...]]
    """By attribute: those that stand in one expression with it, and those that a schema lists for it."""
    hours: tuple[int, ...]
    of_time: bool


def looks_at_the_clock(expression: str) -> bool:
    """Whether the answer can depend on the moment; said of every expression that cannot be read and may."""
    try:
        return any(isinstance(node, Call) and node.function in _CLOCK for node in walk(parse(expression)))
    except NotCel:
        return any(name in expression for name in _CLOCK)


def words_of(
    kind: str, policies: Sequence[Policy], tested: Sequence[Question], values: Mapping[str, Sequence[Any]]
) -> Words:
    """What policies and tests name. `values`: name of an attribute -> what a schema lists for it."""
    texts = list(dict.fromkeys(one.text for policy in policies for one in policy.expressions()))
    parts = [tree for tree in map(_tree, texts) if tree is not None]
    constants = _constants_by_attribute(parts, policies, values)
    places = {(policy.version, policy.scope) for policy in policies if policy.name == kind}
    hours = {int(hours) for text in texts for hours in _HOURS.findall(text)}
    roles, actions = _roles(policies, tested), _actions(kind, policies, tested)
    other_role, other_action = unnamed(OTHER_ROLE, roles), unnamed(OTHER_ACTION, actions)
    return Words(
        roles=tuple(sorted({*roles, other_role} - {"*", ""})),
        actions=tuple(sorted({other_action, *(filled(action, other_action) for action in actions)})),
        other_role=other_role,
        other_action=other_action,
        places=tuple(sorted(places)),
        attributes=tuple(sorted(constants)),
        constants={at: tuple(held[key] for key in sorted(held)) for at, held in sorted(constants.items())},
        hours=tuple(sorted(hours)),
        of_time=any(map(_looks_at_time, parts)),
    )


def _roles(policies: Sequence[Policy], tested: Sequence[Question]) -> set[str]:
    roles: set[str] = set()
    for policy in policies:
        for rule in policy.rules:
            roles.update(rule.roles)
        for definition in policy.definitions:
            roles.update(definition.parent_roles)
    for question in tested:
        roles.update(question.request.principal.roles)
    return roles


def _actions(kind: str, policies: Sequence[Policy], tested: Sequence[Question]) -> set[str]:
    """What tests and rules name, patterns as they stand."""
    actions = {question.request.action for question in tested}
    for policy in policies:
        for rule in policy.rules:
            if rule.resource == kind or set(rule.resource) & set("*?[{"):
                actions.update(action for action in rule.actions if action)
    return actions


def _constants_by_attribute(
    parts: Sequence[Node], policies: Sequence[Policy], values: Mapping[str, Sequence[Any]]
) -> dict[tuple[Side, tuple[str, ...]], dict[str, Any]]:
    """For each attribute the constants beside it in an expression, those of its schema, and those of policies."""
    constants: dict[tuple[Side, tuple[str, ...]], dict[str, Any]] = {}
    for part in parts:
        for at in _attributes(part):
            constants.setdefault(at, {}).update({canonical(value): value for value in _constants(part)})
    shared = [value.text for policy in policies for _, value in policy.constants if value.shape == "scalar"]
    for (_, path), held in constants.items():
        held.update({canonical(value): value for value in values.get(path[-1], ())})
        held.update({text: text for text in shared})
    return constants


def _looks_at_time(part: Node) -> bool:
    return any(isinstance(node, Call) and node.function in _OF_TIME for node in walk(part))


def of_schemas(bundle: Bundle) -> Mapping[str, list[Any]]:
    """Name of a property -> what JSON Schemas list for it: where they are enforced, nothing else gets through."""
    named: dict[str, list[Any]] = {}
    for path, text in bundle.files.items():
        if kind_of(path) is Kind.SCHEMA:
            try:
                held: list[tuple[str, Any]] = [("", json.loads(text))]
            except (ValueError, RecursionError):
                continue
            while held:
                name, found = held.pop()
                if isinstance(found, dict):
                    values = [*_listed(found.get("enum")), found.get("const")]
                    named.setdefault(name, []).extend(value for value in values if isinstance(value, str | float))
                    held += found.items()
    return named


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _tree(expression: str) -> Node | None:
    try:
        return parse(expression)
    except NotCel:
        return None


def _attributes(node: Node) -> Iterator[tuple[Side, tuple[str, ...]]]:
    path = _path(node)
    if path[:1] == ("request",):
        path = path[1:]
    if len(path) > 2 and path[0] in _SIDES and path[1] == "attr":
        yield _SIDES[path[0]], path[2:]
    elif not path:
        for child in children(node):
            yield from _attributes(child)


def _path(node: Node) -> tuple[str, ...]:
    """The names of `a.b["c"]`, one after the other; none for anything else."""
    match node:
        case Name(name=name):
            return (name,)
        case Select(of=of, field=field) | Call(function="[]", args=(of, Const(value=str(field)))):
            inner = _path(of)
            return (*inner, field) if inner else ()
    return ()


def _constants(tree: Node) -> Iterator[Any]:
    for node in walk(tree):
        if isinstance(node, Const) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, Const) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
            yield from (float(node.value) + step for step in (0, 1, -1))
