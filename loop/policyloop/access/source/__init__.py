"""The policies of a bundle as they are written: every part with its place in the text, and edits that move no line."""

from policyloop.access.source.policies import Definition, Expression, Policy, Rule, Unread, policies_of, unread
from policyloop.access.source.splice import Splice, spliced
from policyloop.access.source.tree import Doubtful, Node, tree

__all__ = [
    "Definition",
    "Doubtful",
    "Expression",
    "Node",
    "Policy",
    "Rule",
    "Splice",
    "Unread",
    "policies_of",
    "spliced",
    "tree",
    "unread",
]
