"""Whether two bundles decide alike for all resources there can be: proved by a solver, never by a sample.

    with proving(old, new, old_pdp, new_pdp, settings) as prover:
        for verdict in prover.compare(asked):
            ...                                     Proved | Counterexample | NotProved

What follows from which conditions is asked of the real PDP (`shape`), what a condition means over all resources is
translated (`translate`), with CEL's errors. A witness is confirmed on both PDPs before it is shown.
Needs the extra `policyloop[prove]`.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from policyloop.access.pdp import Pdp, Settings
from policyloop.access.prove.reduced import Hidden
from policyloop.access.prove.shape import switched
from policyloop.access.prove.verdict import Asked, Counterexample, Direction, Limits, NotProved, Proved, Verdict
from policyloop.bundle import Bundle

if TYPE_CHECKING:
    from policyloop.access.prove.prover import Prover

__all__ = ["Asked", "Counterexample", "Direction", "Limits", "NotProved", "Proved", "Unprovable", "Verdict", "proving"]


class Unprovable(Exception):
    """Nothing can be proved about these bundles; the message says why, to follow `not proved, because`."""


def available() -> bool:
    """Whether the solver is installed."""
    return find_spec("z3") is not None


@contextmanager
def proving(
    old: Bundle, new: Bundle, old_pdp: Pdp, new_pdp: Pdp, settings: Settings, limits: Limits | None = None
) -> Iterator["Prover"]:
    """A prover for two bundles and the PDPs that serve them, which were started with `settings`.

    It starts two PDPs of its own. To be entered from the main thread. Raises `Unprovable`, and what `serving` raises.
    """
    if not available():
        raise Unprovable("z3 is not installed: pip install 'policyloop[prove]'")
    from policyloop.access.prove.prover import Prover
    from policyloop.access.prove.side import Side

    limits = limits or Limits()
    with ExitStack() as stack:
        try:
            both = stack.enter_context(switched((old, new), settings, (old_pdp, new_pdp)))
        except Hidden as reason:
            raise Unprovable(str(reason)) from None
        sides = [
            Side(name, pdp, one, served, settings.strict, limits.rows)
            for name, pdp, (one, served) in zip(("old", "new"), (old_pdp, new_pdp), both, strict=True)
        ]
        enforced = settings.schemas == "reject"
        yield Prover(sides[0], sides[1], limits, same_schemas=old.schemas() == new.schemas() if enforced else None)
