"""The page of `doctor`: what is here, what is missing, what to do."""

from functools import partial

from policyloop.documents.doctor import doctor_document
from policyloop.printing import one_line
from policyloop.validators.probe import Diagnosis
from policyloop.view.blocks import Fact, Facts, Mark, Page, Verdict

_MARKS: dict[str, Mark] = {"ok": "good", "missing": "warn", "broken": "bad"}


def doctor_page(diagnosis: Diagnosis) -> Page:
    """Everything a run may need was looked at."""
    facts = tuple(
        Fact(thing.name, one_line(thing.detail), _MARKS[thing.state], thing.state, one_line(thing.hint))
        for thing in diagnosis.found
    )
    verdict = Verdict("ready", "", "good") if diagnosis.usable else Verdict("no compiler can be run", "", "bad")

    return Page(
        title="policyloop doctor", blocks=(Facts(facts),), verdict=verdict, document=partial(doctor_document, diagnosis)
    )
