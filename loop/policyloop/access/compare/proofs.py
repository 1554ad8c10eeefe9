"""What the solver says of a change: first for everybody, then, where that is open, for people that conditions name."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from policyloop.access.ask.request import Request
from policyloop.access_report import Proofs

if TYPE_CHECKING:
    from policyloop.access.prove import Asked
    from policyloop.access.prove.prover import Prover

MOST_WHY = 10
"""So many reasons are told why something is not proved."""


@dataclass(slots=True)
class Said:
    """The counts, the requests that tell the two bundles apart, and what is proved whole."""

    proofs: Proofs = field(default_factory=Proofs)
    witnesses: list[tuple[Request, bool]] = field(default_factory=list)
    """Each with whether it is allowed now and was denied."""
    proved: frozenset[tuple[str, str]] = frozenset()
    """Kinds and actions for which it is proved that nobody gets in who did not."""


def ask_solver(prover: "Prover", people: "Iterable[Asked]", changed: Iterable[str], most: int) -> Said:
    """At most `most` questions for everybody, and as many for `people` where those are open.

    `changed`: the files of policies and schemas that are not the same. Everything that was not put to the solver counts
    as not proved, and is named.
    """
    from policyloop.access.prove import Counterexample, NotProved, Proved

    kinds = {prover.kind_of(file) for file in changed}
    everything = prover.coverage(None if None in kinds else [kind for kind in kinds if kind is not None])
    asked, left = everything.asked[:most], everything.asked[most:]
    said = Said()
    proved = refuted = unproved = 0
    sure: set[tuple[str, str]] = set()
    unsure = {(one.kind, one.action) for one in left}
    open_places: set[tuple[str, str, str, str]] = set()
    because: dict[str, None] = dict.fromkeys(everything.missing)
    if left:
        because[f"only {most} of {len(everything.asked)} questions were put to the solver"] = None
    for verdict in prover.compare(asked):
        one, wider = verdict.asked, verdict.direction == "wider"
        if isinstance(verdict, Counterexample):
            refuted += 1
            said.witnesses.append((verdict.request, wider))
        if isinstance(verdict, NotProved):
            open_places.add((one.kind, one.action, one.policy_version, one.scope))
            unproved += wider
            because |= {verdict.because: None} if wider else {}
        if wider:
            proved += isinstance(verdict, Proved)
            (sure if isinstance(verdict, Proved) else unsure).add((one.kind, one.action))
    who = [one for one in people if (one.kind, one.action, one.policy_version, one.scope) in open_places][:most]
    for verdict in prover.compare(who):
        if isinstance(verdict, Counterexample):
            refuted += 1
            said.witnesses.append((verdict.request, verdict.direction == "wider"))
    said.proved = frozenset() if everything.missing else frozenset(sure - unsure)
    count = unproved + len(left) + len(everything.missing)
    said.proofs = Proofs(proved=proved, refuted=refuted, unproved=count, because=tuple(because)[:MOST_WHY])
    return said
