"""A person's yes to a whole spec: which tests it releases, and that this is what they want."""

from collections.abc import Generator
from dataclasses import replace

from policyloop import outcome
from policyloop.agreed import agent_mark, user
from policyloop.confirmed.against import unreleased, with_releases
from policyloop.confirmed.believed import unconfirmed
from policyloop.confirmed.letting_go import idle
from policyloop.guard import Lock
from policyloop.outcome import Outcome
from policyloop.results import SpecResult
from policyloop.run.draft import Draft, stopped
from policyloop.run.keeping import Keeper
from policyloop.run.letting import released_by
from policyloop.run.people import Edited, No, Person
from policyloop.run.prepared import Prepared
from policyloop.specification import assumptions


def agreeing(prepared: Prepared, keeper: Keeper, draft: Draft) -> Generator[Draft, None, Draft]:
    """Get the yes: yields what a person changes on the way, and returns the draft agreed, or ended without it."""
    if prepared.person is None:
        return _without_person(prepared, keeper, draft)
    return (yield from _with_person(prepared, keeper, draft, prepared.person))


def _without_person(prepared: Prepared, keeper: Keeper, draft: Draft) -> Draft:
    against = unreleased(draft.drafted, prepared.hold.start, prepared.releases)
    if against:
        words = f"The spec is not confirmed.{released_by(prepared, against)}"
        return stopped(draft, outcome.person("contradictions", words), against)
    if draft.drafted.is_confirmed:
        return replace(draft, agreed=True)
    _tell_idle(prepared, draft)
    if not prepared.wishes.yes:
        return stopped(draft, outcome.person("confirm", _nobody()))
    return _confirmed(prepared, keeper, replace(draft, spec=with_releases(draft.drafted, ())), seen=False)


def _with_person(prepared: Prepared, keeper: Keeper, draft: Draft, person: Person) -> Generator[Draft, None, Draft]:
    """One question for all of it: the tests that go stand first in what is shown, and one yes releases them, too."""
    edited = False
    while True:
        against = unreleased(draft.drafted, prepared.hold.start, prepared.releases)
        if against and edited:
            # Who took a release out of the spec keeps that test; it is not put in again behind their back.
            words = f"The spec does not release all of them.{released_by(prepared, against)}"
            return stopped(draft, outcome.person("contradictions", words), against)
        if not against and draft.drafted.is_confirmed:
            return replace(draft, agreed=True)
        whole = replace(draft, spec=with_releases(unconfirmed(draft.drafted), against))
        _tell_idle(prepared, whole)
        prepared.audience.spec(SpecResult(path=str(keeper.place), spec=whole.drafted, changes=draft.changes))
        if prepared.wishes.yes and not against:
            return _confirmed(prepared, keeper, whole, seen=False)
        with prepared.clock.paused():
            said = person.agree(whole.drafted, keeper.source)
        if isinstance(said, No):
            return stopped(draft, outcome.person("confirm", "You did not confirm this spec."), against)
        if not isinstance(said, Edited):
            return _confirmed(prepared, keeper, whole, seen=True)
        keeper.source = said.text
        edited = True
        draft = replace(draft, spec=unconfirmed(said.spec))
        yield draft


def _tell_idle(prepared: Prepared, draft: Draft) -> None:
    """Say which releases of the spec let nothing go."""
    for words in idle(draft.drafted, tuple(Lock.of(prepared.hold.start)), prepared.releases):
        prepared.audience.note(words)


def _confirmed(prepared: Prepared, keeper: Keeper, draft: Draft, *, seen: bool) -> Draft:
    """The draft with the file written and the yes kept, or ended where that failed."""
    draft = replace(draft, assumed=assumptions(draft.drafted))
    written = keeper.confirm(draft.drafted, prepared.wishes.by or user(), seen=seen)
    if isinstance(written, Outcome):
        return stopped(draft, written)
    if lost := keeper.lost():
        prepared.audience.note(lost)
    return replace(draft, spec=written, agreed=True)


def _nobody() -> str:
    mark = agent_mark()
    return f"Nobody has confirmed this spec{f'; under an agent ({mark} is set) --yes is nobody' if mark else ''}."
