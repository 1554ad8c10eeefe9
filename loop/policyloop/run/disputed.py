"""A test that a model disputes: what a person may say to it, as whole commands, and what comes of the answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from policyloop.effects import DECISIONS
from policyloop.errors import PersonNeeded, UsageError
from policyloop.guard import Assertion, Release
from policyloop.next_command import Next
from policyloop.run.asked import again
from policyloop.run.letting import write_release
from policyloop.run.prepared import Prepared
from policyloop.task import Dispute

KEPT = "A person keeps the disputed test: it stays locked and must pass. Change the policies."
RELEASED = "A person released the disputed test: it is named under RELEASED, and no longer locked."


@dataclass(frozen=True, slots=True)
class Settled:
    """A dispute of the run before, and what the model is told of a person's answer to it."""

    dispute: Dispute
    words: str


def settled(disputes: Sequence[Dispute], releases: Sequence[Release], *, keep: bool) -> tuple[Settled, ...]:
    """What a person said to the disputes of a run, of which the last ended it. Raises where that has no answer."""
    if not disputes:
        if keep:
            raise UsageError("--keep is the answer to a disputed test, and no test is disputed.", "Leave it out.")
        return ()
    last = disputes[-1]
    if not keep and not _is_released(last, releases):
        raise PersonNeeded(
            f"The run ended over a disputed test, {_names(last)}, and nobody has said what becomes of it.",
            "Give --keep to keep it, or --release FILE with a file that releases exactly this test.",
        )
    return tuple(
        Settled(dispute, KEPT if not _is_released(dispute, releases) or (keep and dispute == last) else RELEASED)
        for dispute in disputes
    )


def answers_to(prepared: Prepared, dispute: Dispute, lock: Sequence[Assertion]) -> tuple[Next, ...]:
    """The commands that settle a dispute, each whole: release this very test, where it is one, or keep it."""
    disputed = [assertion for assertion in lock if assertion.names() == _as_names(dispute)]
    asked = partial(again, prepared.asked, words="", resume=prepared.run_id)
    keep = Next(asked(release=None, keep=True), f"to keep {_names(dispute)} and go on")
    entries = [
        {
            "suite": assertion.id.suite,
            "test": assertion.id.test,
            "principal": assertion.id.principal,
            "resource": assertion.id.resource,
            "action": assertion.id.action,
            "file": assertion.id.file,
            "reason": f"disputed in run {prepared.run_id}",
            **({"demanded": demanded} if (demanded := DECISIONS.get(assertion.demand.effect)) else {}),
        }
        for assertion in disputed
    ]
    file = write_release(prepared.folder, entries) if entries else None
    if file is None:
        return (keep,)
    return Next(asked(release=file, keep=None), f"to release {_names(dispute)} and go on"), keep


def _is_released(dispute: Dispute, releases: Sequence[Release]) -> bool:
    """Whether a file of releases names the disputed test itself, not with a `*`."""
    named = ((r.suite, r.test, r.principal, r.resource, r.action) for r in releases)
    return _as_names(dispute) in named


def _as_names(dispute: Dispute) -> tuple[str, str, str, str, str]:
    return dispute.suite, dispute.test, dispute.principal, dispute.resource, dispute.action


def _names(dispute: Dispute) -> str:
    return f"{dispute.suite} / {dispute.test}: {dispute.principal} {dispute.action} {dispute.resource}"
