"""The lock: what a bundle's tests demand may not get weaker, however they are rewritten. Pure code."""

from policyloop.findings import Weakened
from policyloop.guard.demand import Assertion, Demand, Inputs
from policyloop.guard.lock import Lock, compare
from policyloop.guard.releases import Release, parse_releases

__all__ = ["Assertion", "Demand", "Inputs", "Lock", "Release", "Weakened", "compare", "parse_releases"]
