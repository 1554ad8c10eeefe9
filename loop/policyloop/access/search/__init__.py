"""What changed is looked at first: for each changed rule, values under which its old and its new condition differ.

Both conditions of a rule, and the parts that they are made of, are put into a bundle of our own as rules for anybody.
So one request tells directly whether they differ, and thousands of values are tried at the cost of a few. What is found
is asked of both bundles before anything else (`Universe.first`); what was not covered is named by rule (`known_of`).
"""

from policyloop.access.search.known import known_of
from policyloop.access.search.search import search

__all__ = ["known_of", "search"]
