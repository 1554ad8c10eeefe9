"""No test demands that anything is denied."""

from collections.abc import Iterator

from policyloop.access.lint.check import Check, Target
from policyloop.access.lint.hole import Code, Hole, hole
from policyloop.effects import DENY
from policyloop.guard import Lock
from policyloop.guard.canon import decode

CODE = Code("no-denial-test", "warning")


def _untested(target: Target) -> Iterator[Hole]:
    """Resource policies of which no test demands a denial. Raises `UsageError` for suites too large to be read."""
    denied: set[tuple[str, str]] = set()
    asked: set[tuple[str, str]] = set()
    for one in Lock.of(target.bundle):
        what = decode(one.demand.inputs.resource)
        if isinstance(what, dict):
            about = (str(what.get("kind", "")), str(what.get("policyVersion") or "default"))
            asked.add(about)
            denied |= {about} if one.demand.effect == DENY else set()
    told: set[tuple[str, str]] = set()
    for policy in target.policies:
        about = (policy.name, policy.version)
        if policy.what == "resource" and about not in denied and about not in told:
            told.add(about)
            how = "no test demands that anything is denied" if about in asked else "no test asks about it at all"
            message = f"{policy.name}: {how}, so a policy that allows everything would pass"
            yield hole(target.bundle, CODE, policy.file, policy.body, message)


CHECK = Check(codes=(CODE,), written=_untested)
