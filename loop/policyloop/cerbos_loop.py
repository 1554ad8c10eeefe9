"""The loop over Cerbos policies: the controller with the lock of `policyloop.guard` and the choice of `compose`."""

from collections.abc import Iterable

from policyloop import controller, drive, state
from policyloop.budget import Budget
from policyloop.bundle import Bundle
from policyloop.compose import compose
from policyloop.guard import Lock

State = state.State[Lock]
Judge = drive.Judge[Lock]


def begin(bundle: Bundle, lock: Lock, budget: Budget, request: str = "", released: Iterable[object] = ()) -> State:
    """A run over a Cerbos bundle at its start. `released`: what a person let go of, which `lock` no longer holds."""
    return controller.begin(bundle, lock, budget, compose, request, tuple(map(str, released)))
