"""The straight line of a run."""

from contextlib import ExitStack

from policyloop.errors import Exit
from policyloop.run.asked import Asked
from policyloop.run.clarify import clarify
from policyloop.run.compare import compare
from policyloop.run.drive import drive_policies
from policyloop.run.finish import ended_in_any_case, finish, interrupts
from policyloop.run.people import Audience, Person
from policyloop.run.prepare import prepare, tell_beginning
from policyloop.run.wonder import wonder


def run(asked: Asked, audience: Audience, person: Person | None = None) -> Exit:
    """Run it and answer the exit code. Without a `person` nobody is asked, and nobody's yes is given.

    The directory is held, and the compiler, the model and the ledger are open, until the last stage is through. Raises
    `PolicyloopError` for what stops the run before it begins; after that every end is told and kept in the ledger.
    """
    with interrupts() as ignore_interrupts, ExitStack() as held:
        prepared = prepare(asked, audience, person, held)
        with ended_in_any_case(prepared):
            tell_beginning(prepared)
            clarity = clarify(prepared)
            driven = drive_policies(clarity)
            compared = compare(driven)
            wondered = wonder(compared)
        ignore_interrupts()
        return finish(wondered)
