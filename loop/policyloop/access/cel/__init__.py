"""Reading Cerbos's conditions: a CEL expression as its words and as a tree. The only reader of CEL that there is."""

from policyloop.access.cel.parse import parse
from policyloop.access.cel.tree import Call, Const, ListOf, MapOf, Name, Node, Select, children, walk
from policyloop.access.cel.words import NotCel, Word, words
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
    "Word",
    "children",
    "parse",
    "walk",
    "words",
    "written",
]
