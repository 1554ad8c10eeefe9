"""Reading Cerbos's conditions: a CEL expression as a tree."""

from policyloop.access.cel.parse import NotCel, parse
from policyloop.access.cel.tree import Call, Const, ListOf, MapOf, Name, Node, Select, children, walk
from policyloop.access.cel.write import Unwritable, written

__all__ = [
    "Call",
    "Const",
    "ListOf",
    "MapOf",
    "Name",
    "Node",
    "NotCel",
    "Select",
    "Unwritable",
    "children",
    "parse",
    "walk",
    "written",
]
