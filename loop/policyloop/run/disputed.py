"""A test that a model disputes: what a person may say to it, as whole commands, and what comes of the answer."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from policyloop.effects import DECISIONS
from policyloop.errors import PersonNeeded, UsageError
from policyloop.guard import Assertion, Release
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


def answers_to(prepared: Prepared, dispute: Dispute, lock: Sequence[Assertion]) -> str:
    """The two commands that settle a dispute, each whole; or why there is nothing to settle."""
    disputed = [assertion for assertion in lock if assertion.names() == _as_names(dispute)]
    keep = _command(prepared, "--keep")
    if not disputed:
        return f"No locked test is called {_names(dispute)}. To go on with all tests locked: {keep}"
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
    file = write_release(prepared.folder, entries)
    release = f"To release {_names(dispute)} and go on: {_command(prepared, '--release', str(file))} . " if file else ""
    return f"{release}To keep it and go on: {keep}"


def _command(prepared: Prepared, *answer: str) -> str:
    """The command that goes on with this run, with the model and the runner that it had."""
    model, runner = prepared.config.model, prepared.config.cerbos.runner
    words = ["policyloop", "run", "--resume", prepared.run_id, "--policies", str(prepared.policies)]
    if model.kind == "command" and model.command:
        words += ["--model-command", model.command]
    elif model.kind == "recorded" and model.replay:
        words += ["--replay", str(model.replay)]
    if runner != "auto":
        words += ["--runner", runner]
    return shlex.join([*words, *answer])


def _is_released(dispute: Dispute, releases: Sequence[Release]) -> bool:
    """Whether a file of releases names the disputed test itself, not with a `*`."""
    named = ((r.suite, r.test, r.principal, r.resource, r.action) for r in releases)
    return _as_names(dispute) in named


def _as_names(dispute: Dispute) -> tuple[str, str, str, str, str]:
    return dispute.suite, dispute.test, dispute.principal, dispute.resource, dispute.action


def _names(dispute: Dispute) -> str:
    return f"{dispute.suite} / {dispute.test}: {dispute.principal} {dispute.action} {dispute.resource}"
