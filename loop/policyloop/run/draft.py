"""A draft of a spec on its way to a person's yes: a value, and what may be said to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from policyloop.budget import Spent
from policyloop.cerbos_loop import State
from policyloop.events import Against, AskedOption, AskedQuestion
from policyloop.outcome import Outcome
from policyloop.specification import (
    Spec,
    assumed_answers,
    assumptions,
    changes,
    check_choices,
    check_spec,
    with_answers,
)
from policyloop.specification.answers import is_answered
from policyloop.specification.gap import OPEN_QUESTION
from policyloop.specification.model import Question

NO_ANSWERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """How far a spec has come. With `ended` or `agreed` nothing more comes."""

    before: Spec | None
    """The spec at the start, which is not confirmed anew while nobody changes it."""
    spec: Spec | None
    """What a person had their say on last; None before the model has drafted any."""
    waiting: Mapping[str, str] = field(default_factory=dict)
    """Answers out of a file, which the spec does not hold yet."""
    base: Spec | None = None
    """The draft that the model had its say on last."""
    given: Mapping[str, str] = field(default_factory=dict)
    """What was answered upon `base`."""
    due: bool = False
    """Whether the model has still to take in what was `given`."""
    spent: Spent = field(default_factory=Spent)
    earlier: int = 0
    """Attempts that the model made at drafts, in this run and those it resumes."""
    state: State | None = None
    """The loop's state when the model was asked last."""
    assumed: tuple[str, ...] = ()
    """What was taken for granted when it was confirmed."""
    agreed: bool = False
    reused: bool = False
    """Whether it was confirmed in an earlier run, and nothing was asked in this one."""
    ended: Outcome | None = None
    against: tuple[Against, ...] = ()
    """The locked tests that stand against the spec, and that nobody released."""

    @property
    def drafted(self) -> Spec:
        """The spec, where the model has drafted one."""
        assert self.spec is not None
        return self.spec

    @property
    def over(self) -> bool:
        """Whether it is confirmed, or ended without that."""
        return self.agreed or self.ended is not None

    @property
    def lacks_more_than_answers(self) -> bool:
        """Whether the model must write something that nobody's answer gives."""
        return any(gap.code != OPEN_QUESTION for gap in check_spec(self.drafted))

    @property
    def changes(self) -> tuple[str, ...]:
        """What is other than at the start, once the model has had its say on it."""
        return changes(self.before, self.spec) if self.before and self.spec and not self.due else ()

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What nobody confirmed."""
        if self.spec is None:
            return ()
        if not self.spec.is_confirmed:
            return assumptions(self.spec)
        # Confirmed in the same breath, perhaps without a look at them: this run's report still tells them.
        return tuple(dict.fromkeys((*self.assumed, *assumed_answers(self.spec))))

    @property
    def asked(self) -> tuple[AskedQuestion, ...]:
        """The questions that are open, as an event tells them."""
        return tuple(_asked(question) for question in self.open_questions)

    @property
    def open_questions(self) -> tuple[Question, ...]:
        """The questions that nobody has answered."""
        questions = self.spec.questions if self.spec else ()
        return tuple(question for question in questions if not is_answered(question))


def answered(draft: Draft, answers: Mapping[str, str]) -> Draft:
    """The draft with these answers in it; the model has still to take them in. Raises `UsageError` for what fits not.

    The answers are counted from the draft on which the model had its say last, however many times a person is asked.
    A draft says what the recommended answers would make of it, so for them there is nothing to take in.
    """
    spec = with_answers(draft.drafted, answers)
    if not draft.due and all(_is_recommended(question, answers) for question in draft.drafted.questions):
        return replace(draft, spec=spec)
    base, given = (draft.base, draft.given) if draft.due else (draft.spec, NO_ANSWERS)
    return replace(draft, spec=spec, base=base, given={**given, **answers}, due=True)


def _is_recommended(question: Question, answers: Mapping[str, str]) -> bool:
    """Whether the answer to an open question, if there is one, is what the draft was made for."""
    said = answers.get(question.id)
    if said is None:
        return True
    chosen = [option for option in question.options if option.recommended]
    return not is_answered(question) and [option.id for option in chosen] == [said]


def answered_from_file(draft: Draft) -> Draft:
    """The draft with all the answers of the file, or none. Raises `UsageError` for what fits no question."""
    check_choices(draft.drafted, draft.waiting)
    return answered(replace(draft, waiting={}), draft.waiting)


def stopped(draft: Draft, ended: Outcome, against: tuple[Against, ...] = ()) -> Draft:
    """The draft, of which nothing more comes in this run."""
    return replace(draft, ended=ended, against=against)


def _asked(question: Question) -> AskedQuestion:
    options = tuple(AskedOption(option.id, option.text, option.recommended) for option in question.options)
    return AskedQuestion(question.id, question.text, options)
