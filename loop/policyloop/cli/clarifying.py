"""The stage before any policy: the model drafts the spec, a person answers, and a person confirms.

The same controller and the same `drive` as for policies; the bundle is the one file, and the judge is the check of the
spec. Whatever ends this stage, the draft and all that a person said are kept, and the ending says where.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from policyloop import outcome
from policyloop.budget import Spent
from policyloop.cerbos_loop import State
from policyloop.cli.against import unreleased
from policyloop.cli.agreeing import Agreement
from policyloop.cli.asking import ask_questions
from policyloop.cli.clarity import Clarity, Over, Room
from policyloop.cli.confirming import believed
from policyloop.cli.drafting import ask_model
from policyloop.cli.keeping import Keeper
from policyloop.cli.resuming import Past
from policyloop.drive import INTERRUPTED
from policyloop.errors import UsageError
from policyloop.events import Against, AskedOption, AskedQuestion, Clarified, SpecUsed
from policyloop.outcome import Outcome
from policyloop.spec import (
    Spec,
    assumed_answers,
    assuming,
    assumptions,
    changes,
    check_choices,
    check_spec,
    parse_spec,
    spec_to_yaml,
    with_answers,
)
from policyloop.spec.answers import is_answered
from policyloop.spec.draft import same_words
from policyloop.spec.gap import OPEN_QUESTION
from policyloop.spec.model import Question


def clarify(room: Room, past: Past | None = None) -> Clarity:
    """Draft, ask, confirm. `past`: where an interrupted run had come to."""
    told = past.clarified if past else None
    if past is None or told is None:
        return _Clarifier(room).clarity()
    if past.base is not None:
        room.emit(past.base)
    room.emit(told)
    if told.agreed:
        # The person's own file, for the ledger hides what looks like a secret.
        return Clarity(
            spec=room.known.spec,
            used=told.used,
            spent=told.spent,
            earlier=told.earlier,
            assumptions=told.assumptions,
            changes=told.changes,
        )
    clarifier = _Clarifier(room)
    clarifier.resume(told, past.base)
    return clarifier.clarity()


class _Clarifier:
    def __init__(self, room: Room) -> None:
        self.room = room
        self.keeper = Keeper(room.known, room.folder)
        self.before = room.known.spec
        self.spec = self.before
        self.spent, self.earlier = Spent(usage=room.carried), 0
        self.state: State | None = None
        self.answers = dict(room.wishes.answers)
        self.due = False
        """Whether there are answers that the model has not taken in yet: `given`, upon `base`."""
        self.base = self.spec
        self.given: dict[str, str] = {}
        self.told: Clarified | None = None
        self.assumed: tuple[str, ...] = ()

    def resume(self, told: Clarified, base: Clarified | None) -> None:
        """Go on where a run had come to; `base` is the draft on which the answers that are due were given."""
        self.told, self.spent, self.earlier, self.due = told, told.spent, told.earlier, told.due
        self.spec = believed(parse_spec(told.text), self.room.known.path)
        self.base = parse_spec(base.text) if base else self.before
        said = {one.id: one.answer for one in self.spec.questions if one.answer is not None}
        asked = {one.id: one.answer for one in self.base.questions} if self.base else {}
        self.given = {name: answer for name, answer in said.items() if self.due and asked.get(name) != answer}
        self.answers = {name: answer for name, answer in self.answers.items() if said.get(name) != answer}

    # --- the whole of it ---------------------------------------------------------------------------------------------

    def clarity(self) -> Clarity:
        """Go through it, and keep what there is however it ends."""
        against: tuple[Against, ...] = ()
        how: Outcome | None = None
        reused = False
        try:
            reused = self._settled()
            if not reused:
                self._draft()
                self._agree()
        except Over as over:
            how, against = over.how, over.against
        except KeyboardInterrupt:
            how = INTERRUPTED
        except UsageError as error:
            if self.spec is None or self.spec is self.before:
                raise
            raise UsageError(error.message, f"{error.hint} {self._keep()}") from None
        if how is not None and self.spec is not None and not self.spec.is_confirmed:
            how = replace(how, message=f"{how.message} {self._keep()}")
        elif how is not None and self.spec is None:
            how = replace(how, message=f"{how.message} No spec was drafted.")
        if self.spec is not None:
            self._tell(agreed=how is None, reused=reused)
        return Clarity(
            spec=self.spec,
            used=self._used(),
            spent=self.spent,
            earlier=self.earlier,
            how=how,
            state=self.state,
            questions=tuple(map(_asked, _open(self.spec))) if self.spec else (),
            assumptions=self._assumptions(),
            changes=self._changes(),
            contradictions=against,
        )

    def _settled(self) -> bool:
        """Whether a spec about this request was confirmed before, and nothing that is there speaks against it."""
        spec = self.spec
        if spec is None or not spec.is_confirmed or not self._same(spec) or check_spec(spec):
            return False
        return not unreleased(spec, self.room.bundle, self.room.releases)

    # --- drafting and answering --------------------------------------------------------------------------------------

    def _draft(self) -> None:
        spec = self.spec
        if self.answers and spec is not None and self._same(spec):
            self._take_answers()
        spec = self.spec
        if spec is None or not self._same(spec) or _lacking(spec) or (self.due and not self._asks_on(spec)):
            self._ask_model()
        while True:
            if self.answers:
                self._take_answers()
            elif questions := _open(self._drafted()):
                self._settle(questions)
            if not self.due:
                return
            self._ask_model()

    def _asks_on(self, spec: Spec) -> bool:
        """Whether a person is there to be asked the rest first, so that the model takes in all answers at once."""
        return self.room.wishes.interactive and bool(_open(spec))

    def _settle(self, questions: Sequence[Question]) -> None:
        """Answers from a person, or assumptions for them; else this is as far as it goes."""
        wishes = self.room.wishes
        if wishes.assume:
            self.spec = assuming(self._drafted())
            if _open(self.spec):
                raise Over(outcome.person("questions", "A question has no recommended answer to assume."))
        elif wishes.interactive:
            with self.room.clock.paused():
                self.room.view.pause()
                self._tell(agreed=False)
                ask_questions(questions, lambda name, said: self._take({name: said}))
        else:
            count = len(questions)
            words = f"{count} question{'s' * (count != 1)} must be answered first: --answers FILE, or --assume."
            raise Over(outcome.person("questions", words))

    def _take_answers(self) -> None:
        """Those of the file, all or none. Raises `UsageError`."""
        answers, self.answers = self.answers, {}
        check_choices(self._drafted(), answers)
        self._take(answers)

    def _take(self, answers: Mapping[str, str]) -> None:
        answered = with_answers(self._drafted(), answers)
        if not self.due:
            self.base, self.given = self.spec, {}
        self.given |= answers
        self.spec, self.due = answered, True
        self._tell(agreed=False)

    def _ask_model(self) -> None:
        """One round of the loop over the draft. Raises `Over` when it did not end with a whole spec."""
        done = ask_model(self.room, self.spec, self.spent, self.earlier)
        self.state, self.spent = done.state, done.state.spent
        self.earlier += len(done.state.attempts)
        self.spec = done.spec or self.spec
        if done.how is not None:
            raise Over(done.how)
        self.due = False
        self._tell(agreed=False)

    def _agree(self) -> None:
        agreement = Agreement(self.room, self.keeper, self._drafted())
        try:
            agreement.reach()
        finally:
            self.spec, self.assumed = agreement.spec, agreement.assumed

    # --- keeping and telling -----------------------------------------------------------------------------------------

    def _keep(self) -> str:
        """Keep the draft, and say where and how to go on."""
        known = self.before
        ours = self.room.known.text is None or (known is not None and not known.is_confirmed and self._same(known))
        due = self.due and self.base is not None and self.given
        spec = self.base if due and self.base is not None else self._drafted()
        return self.keeper.keep(spec, self.given if due else {}, ours=ours)

    def _tell(self, *, agreed: bool, reused: bool = False) -> None:
        spec, used = self._drafted(), self._used()
        assert used is not None
        told = Clarified(
            text=spec_to_yaml(spec),
            used=used,
            agreed=agreed,
            rules=len(spec.rules),
            decisions=len(spec.decisions),
            questions=tuple(map(_asked, _open(spec))),
            assumptions=self._assumptions(),
            changes=self._changes(),
            spent=self.spent,
            earlier=self.earlier,
            due=self.due,
            reused=reused,
        )
        if told != self.told:
            self.told = told
            self.room.emit(told)

    def _used(self) -> SpecUsed | None:
        spec = self.spec
        if spec is None:
            return None
        known = spec.confirmed if spec.is_confirmed else None
        return SpecUsed(str(self.keeper.place), spec.digest, known.by if known else None, known.at if known else None)

    def _changes(self) -> tuple[str, ...]:
        """What is other than in the file at the start, once the model has had its say on it."""
        return changes(self.before, self.spec) if self.before and self.spec and not self.due else ()

    def _assumptions(self) -> tuple[str, ...]:
        if self.spec is None:
            return ()
        if not self.spec.is_confirmed:
            return assumptions(self.spec)
        # Confirmed in the same breath, perhaps without a look at them: this run's report still tells them.
        return tuple(dict.fromkeys((*self.assumed, *assumed_answers(self.spec))))

    def _drafted(self) -> Spec:
        assert self.spec is not None
        return self.spec

    def _same(self, spec: Spec) -> bool:
        return same_words(spec.request, self.room.request)


def _open(spec: Spec) -> tuple[Question, ...]:
    return tuple(one for one in spec.questions if not is_answered(one))


def _lacking(spec: Spec) -> bool:
    """Whether anything but answers is missing."""
    return any(gap.code != OPEN_QUESTION for gap in check_spec(spec))


def _asked(question: Question) -> AskedQuestion:
    options = tuple(AskedOption(one.id, one.text, one.recommended) for one in question.options)
    return AskedQuestion(question.id, question.text, options)
