"""Settings of Claude Code that keep an agent to the policy directory: what they hold, merging, and drift."""

from policyloop.harden.drift import Drift
from policyloop.harden.plan import Plan, plan

__all__ = ["Drift", "Plan", "plan"]
