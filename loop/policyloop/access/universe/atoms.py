"""One comparison, membership or test of a condition: values for its fields that make it true, and that make it false.

Guesses, made to be asked: the PDP alone says what a condition gives. What is not understood here gets the constants
that stand near it.
"""

from policyloop.access.cel import Call, Const, Node, walk
from policyloop.access.universe.comparisons import comparison
from policyloop.access.universe.fields import ABSENT, PRESENT, Assignment, path_of, settable
from policyloop.access.universe.memberships import membership, sets
from policyloop.access.universe.near import MOST_CONSTANTS, Guesses, Near
from policyloop.access.universe.terms import constant
from policyloop.access.universe.texts import kin, matched, text
from policyloop.access.universe.values import SHARED, addresses, around, json_of

_KIN = frozenset(
    ["ancestorOf", "descendentOf", "siblingOf", "overlaps", "immediateChildOf", "immediateParentOf", "commonAncestors"]
)


def guess(node: Node, near: Near) -> Guesses:
    """Assignments under which the atom `node` should be true, and false."""
    match node:
        case Call(function="has", args=(inner,)) if (path := path_of(inner)) and settable(path):
            return [{path: PRESENT}, {path: True}], [{path: ABSENT}]
        case Call(function="==" | "!=" | "<" | "<=" | ">" | ">=" as operator, args=(left, right)):
            found = comparison(operator, left, right, near)
        case Call(function="in", args=(left, right)):
            found = membership(left, right, near)
        case Call(function="hasIntersection" | "has_intersection" | "isSubset" | "is_subset" as name):
            found = sets(name, _operands(node))
        case Call(function="matches", args=(Const(value=str(pattern)),), target=left) if left is not None:
            found = matched(pattern, left)
        case Call(function="matches", args=(left, Const(value=str(pattern))), target=None):
            found = matched(pattern, left)
        case Call(function="startsWith" | "endsWith" | "contains" | "matches" as name, args=(right,), target=left):
            found = text(name, left, right) if left is not None else None
        case Call(function=name, args=(right,), target=left) if name in _KIN and left is not None:
            found = kin(left, right)
        case Call(function="inIPAddrRange", args=(Const(value=str(network)),), target=left):
            path = path_of(left) if left is not None else None
            inside, outside = addresses(network)
            found = ([{path: a} for a in inside], [{path: a} for a in outside]) if path and inside else None
        case _:
            path = path_of(node)
            found = ([{path: True}], [{path: False}]) if path and settable(path) else None
    return found or _nearby(node)


def _operands(node: Call) -> tuple[Node, ...]:
    return node.args if node.target is None else (node.target, *node.args)


def _nearby(node: Node) -> Guesses:
    """What is not understood: each field in it gets each constant in it, and whatever is around that."""
    paths = dict.fromkeys(path for part in walk(node) if (path := path_of(part)) and settable(path))
    constants = [value for part in walk(node) for known, value in (constant(part),) if known and value is not None]
    found: list[Assignment] = []
    for value in constants[:MOST_CONSTANTS]:
        for near in (*around(value), [value]):
            found.extend({path: json_of(near)} for path in paths)
    found += [{path: value} for path in paths for value in (SHARED, True, [SHARED])]
    return found, list(found)
