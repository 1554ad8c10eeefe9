"""The policies of a bundle as they are written: every part with its place in the text, and edits that move no line."""

from policyloop.access.source.policies import Definition, Expression, Policy, Rule, policies_of
from policyloop.access.source.splice import Splice, spliced
from policyloop.access.source.tree import Node, tree

__all__ = ["Definition", "Expression", "Node", "Policy", "Rule", "Splice", "policies_of", "spliced", "tree"]
