"""Whether a value is in a list or a map, and whether lists overlap."""

from collections.abc import Sequence
from typing import Any

from policyloop.access.cel import ListOf, Name, Node, Select
from policyloop.access.universe.comparisons import comparison
from policyloop.access.universe.fields import WHO, Assignment, Path
from policyloop.access.universe.near import MOST_CONSTANTS, Guesses, Near, known_values
from policyloop.access.universe.solve import solve
from policyloop.access.universe.terms import Term, constant, made_of, term_of
from policyloop.access.universe.values import OTHER, SHARED, json_of


def membership(left: Node, right: Node, near: Near) -> Guesses | None:
    """`left in right`."""
    known_left, needle = constant(left)
    known_right, hay = constant(right)
    field, container = term_of(left), term_of(right)
    if known_right and isinstance(hay, list) and hay:
        return _in_constants(left, hay)
    if known_left and container is not None:
        return _holding(container.path, json_of(needle))
    if known_left and not known_right:
        return _solved_holding(right, json_of(needle))
    if field and container:
        return _field_in_field(field.path, container.path, near)
    if field and isinstance(right, ListOf):
        return _listed(field, right, near)
    return None


def _in_constants(left: Node, hay: list[Any]) -> Guesses | None:
    """A list of constants."""
    outside = (*_beside(hay), OTHER, "") if isinstance(hay[0], str) else _beside(hay)
    true = [made for value in hay[:MOST_CONSTANTS] for made in made_of(left, json_of(value))]
    false = [made for value in outside for made in made_of(left, value)]
    return (true, false) if true or false else None


def _holding(container: Path, value: Any) -> Guesses:
    """A constant in a field: as an item of a list, and as a key of a map."""
    holding: list[Assignment] = [{container: [value]}, {container: [OTHER, value]}, {container: {str(value): 1}}]
    return holding, [{container: []}, {container: [OTHER]}]


def _solved_holding(right: Node, value: Any) -> Guesses | None:
    """A constant in what is no field, but can be undone."""
    holding = [solved for held in ([value], [OTHER, value], {str(value): 1}) for solved in solve(right, held)]
    if not holding:
        return None
    return holding, [solved for held in ([], [OTHER]) for solved in solve(right, held)]


def _field_in_field(field: Path, container: Path, near: Near) -> Guesses:
    values = known_values(WHO, near) if field == WHO else (*known_values(field, near), SHARED)
    return (
        [{field: value, container: [value]} for value in values],
        [{field: values[0], container: [OTHER]}, {field: values[0], container: []}],
    )


def _beside(values: Sequence[Any]) -> list[Any]:
    """Values of the same type that are not in a list of constants: all small numbers, for hours and weekdays."""
    if all(type(value) is int for value in values):
        return [n for n in range(-1, 25) if n not in values]
    return []


def _listed(field: Term, right: ListOf, near: Near) -> Guesses:
    """A field in a list whose items are fields and constants."""
    true: list[Assignment] = []
    for item in right.items:
        found = comparison("==", _path_node(field.path), item, near)
        true += found[0][:2] if found else []
    return true, [{field.path: OTHER}]


def _path_node(path: Path) -> Node:
    node: Node = Name(path[0])
    for name in path[1:]:
        node = Select(node, name)
    return node


def sets(name: str, operands: tuple[Node, ...]) -> Guesses | None:
    if len(operands) != 2:
        return None
    subset = name.lower().replace("_", "") == "issubset"
    (known_left, left), (known_right, right) = constant(operands[0]), constant(operands[1])
    one, other = term_of(operands[0]), term_of(operands[1])
    for found, known, values in ((one, known_right, right), (other, known_left, left)):
        if found and known and isinstance(values, list):
            items = [json_of(value) for value in values[:MOST_CONSTANTS]]
            each: list[Assignment] = [{found.path: [item]} for item in items]
            mixed: list[Assignment] = [{found.path: [OTHER, item]} for item in items[:2]]
            none: list[Assignment] = [{found.path: []}]
            foreign: list[Assignment] = [{found.path: [OTHER]}]
            if subset and found is one:
                return [{found.path: items}, *each, *none], [*foreign, *mixed]
            return [{found.path: items}, *each, *mixed], [*none, *foreign]
    if one and other:
        return (
            [
                {one.path: [SHARED], other.path: [SHARED]},
                {one.path: [SHARED], other.path: [OTHER, SHARED]},
                {one.path: [OTHER, SHARED], other.path: [SHARED]},
            ],
            [{one.path: [SHARED], other.path: [OTHER]}, {one.path: [], other.path: [OTHER]}],
        )
    return None
