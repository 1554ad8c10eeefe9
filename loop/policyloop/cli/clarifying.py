"""The stage before any policy: the model drafts the spec, a person answers, and a person confirms.

The same controller and the same `drive` as for policies; the bundle is the one file, and the judge is the check of the
spec. Whatever ends this stage, the draft and all that a person said are kept, and the ending says where.
"""

import getpass
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from policyloop import outcome
from policyloop.budget import Budget, Spent
from policyloop.bundle import Bundle
from policyloop.cli.against import unreleased, with_releases
from policyloop.cli.asking import ask_questions, ask_releases, ask_yes_no_edit, edited
from policyloop.cli.specfile import confirmed_text, write_spec
from policyloop.controller import begin, go_on
from policyloop.drive import INTERRUPTED, Judge, Stopwatch
from policyloop.errors import PersonNeeded, PolicyloopError, Unavailable, UsageError
from policyloop.events import Against, AskedOption, AskedQuestion, Clarified, Event, SpecUsed
from policyloop.findings import CompilerInfo
from policyloop.guard import Lock, Release
from policyloop.outcome import Ending, Outcome
from policyloop.results import SpecResult
from policyloop.spec import (
    FILE_NAME,
    Spec,
    assuming,
    assumptions,
    changes,
    check_spec,
    parse_spec,
    spec_to_yaml,
    with_answers,
)
from policyloop.spec.draft import Terms, judge_draft, same_words
from policyloop.spec.emit import block
from policyloop.spec.gap import OPEN_QUESTION
from policyloop.spec.model import Question
from policyloop.state import State
from policyloop.view import View

NOTHING = Bundle({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the person said on the command line about the spec."""

    answers: Mapping[str, str]
    assume: bool = False
    yes: bool = False
    by: str | None = None
    interactive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The spec as it stands at the start: `text` is what the file holds, None for no file."""

    path: Path
    text: str | None
    spec: Spec | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What this stage works with. `run` drives a state to its end and tells the events of it."""

    request: str
    wishes: Wishes
    known: Known
    bundle: Bundle
    releases: tuple[Release, ...]
    budget: Budget
    folder: Path
    info: CompilerInfo
    run: Callable[[State, Judge], State]
    emit: Callable[[Event], None]
    view: View
    clock: Stopwatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Clarity:
    """How this stage ended. With `how` None the spec is confirmed and the run goes on."""

    spec: Spec | None
    used: SpecUsed | None
    spent: Spent
    earlier: int
    how: Outcome | None = None
    state: State | None = None
    questions: tuple[AskedQuestion, ...] = ()
    assumptions: tuple[str, ...] = ()
    contradictions: tuple[Against, ...] = ()


class _Over(Exception):
    """This stage ends here."""

    def __init__(self, how: Outcome, against: Sequence[Against] = ()) -> None:
        self.how = how
        self.against = tuple(against)
        super().__init__(how.message)


def clarify(room: Room, past: Clarified | None = None) -> Clarity:
    """Draft, ask, confirm. `past`: where an interrupted run had come to."""
    if past is not None:
        room.emit(past)
    if past is not None and past.agreed:
        return Clarity(spec=parse_spec(past.text), used=past.used, spent=past.spent, earlier=past.earlier)
    return _Clarifier(room, past).clarity()


class _Clarifier:
    def __init__(self, room: Room, past: Clarified | None) -> None:
        self.room = room
        self.before = room.known.spec
        self.spec = parse_spec(past.text) if past else self.before
        self.spent = past.spent if past else Spent()
        self.earlier = past.earlier if past else 0
        self.state: State | None = None
        self.answers = dict(room.wishes.answers) if not past else {}
        self.due = past.due if past else False
        """Whether there are answers that the model has not taken in yet: `given`, upon `base`."""
        self.base = self.spec
        self.given: dict[str, str] = {}
        self.told = past
        self.place = room.known.path
        self.kept: str | None = room.known.text
        self.assumed: tuple[str, ...] = ()

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
        except _Over as over:
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
            contradictions=against,
        )

    def _settled(self) -> bool:
        """Whether a spec about this request was confirmed before, and nothing that is there speaks against it."""
        spec = self.spec
        if spec is None or not spec.is_confirmed or not self._same(spec) or check_spec(spec):
            return False
        if self.answers:
            names = ", ".join(self.answers)
            raise UsageError(f"{self.place} is confirmed, so it asks nothing; answers were given to: {names}.")
        return not unreleased(spec, self.room.bundle, self.room.releases)

    # --- drafting and answering --------------------------------------------------------------------------------------

    def _draft(self) -> None:
        spec = self.spec
        if self.answers and spec is not None and self._same(spec):
            self._take(self.answers)
        if self.spec is None or self.due or not self._same(self.spec) or _lacking(self.spec):
            self._ask_model()
        while True:
            if self.answers:
                self._take(self.answers)
            elif questions := _open(self._drafted()):
                self._settle(questions)
            if not self.due:
                return
            self._ask_model()

    def _settle(self, questions: Sequence[Question]) -> None:
        """Answers from a person, or assumptions for them; else this is as far as it goes."""
        wishes = self.room.wishes
        if wishes.assume:
            self.spec = assuming(self._drafted())
            if _open(self.spec):
                raise _Over(outcome.person("questions", "A question has no recommended answer to assume."))
        elif wishes.interactive:
            with self.room.clock.paused():
                self.room.view.pause()
                self._tell(agreed=False)
                ask_questions(questions, lambda name, said: self._take({name: said}))
        else:
            count = len(questions)
            words = f"{count} question{'s' * (count != 1)} must be answered first: --answers FILE, or --assume."
            raise _Over(outcome.person("questions", words))

    def _take(self, answers: Mapping[str, str]) -> None:
        self.answers = {}
        answered = with_answers(self._drafted(), answers)
        if not self.due:
            self.base, self.given = self.spec, {}
        self.given |= answers
        self.spec, self.due = answered, True
        self._tell(agreed=False)

    def _ask_model(self) -> None:
        """One round of the loop over the draft. Raises `_Over` when it did not end with a whole spec."""
        room = self.room
        text = spec_to_yaml(self._unconfirmed(self.spec)) if self.spec else None
        terms = Terms(room.request, self.spec)
        start = Bundle({FILE_NAME: text}) if text is not None else NOTHING
        state = replace(begin(start, Lock.of(NOTHING), room.budget, room.request), stage="spec")
        state = room.run(go_on(state, self.spent, self.earlier), lambda b, _lock: judge_draft(b, terms, room.info))
        self.state, self.spent = state, state.spent
        self.earlier += len(state.attempts)
        how = state.todo
        assert isinstance(how, Outcome)
        drafted = _readable(state.best)
        if how.ending is not Ending.GREEN:
            if drafted is not None and self.before is None and self.spec is None:
                self.spec = self._unconfirmed(drafted)
            if how.ending in (Ending.STOPPED, Ending.WEAKENED, Ending.PERSON):
                how = outcome.person(how.stopped_by or "stuck", f"The spec is not whole. {how.message}")
            raise _Over(how)
        drafted = _readable(state.current)
        assert drafted is not None
        self.due = False
        self.spec = self._unconfirmed(drafted).model_copy(update={"request": room.request})
        self._tell(agreed=False)

    # --- a person's yes ----------------------------------------------------------------------------------------------

    def _agree(self) -> None:
        wishes = self.room.wishes
        if wishes.interactive:
            with self.room.clock.paused():
                self._agree_on_terminal()
            return
        spec = self._drafted()
        against = unreleased(spec, self.room.bundle, self.room.releases)
        if against:
            words = f"{len(against)} locked tests contradict this spec; only a person releases them, under `releases`."
            raise _Over(outcome.person("contradictions", words), against)
        if spec.is_confirmed:
            return
        if not wishes.yes:
            raise _Over(outcome.person("confirm", "Nobody has confirmed this spec."))
        self._confirm()

    def _agree_on_terminal(self) -> None:
        room = self.room
        room.view.pause()
        if self.before is not None and self.before != self.spec:
            self._tell(agreed=False)
        while True:
            against = unreleased(self._drafted(), room.bundle, room.releases)
            if against:
                self.spec = with_releases(self._drafted(), ask_releases(against))
            left = unreleased(self._drafted(), room.bundle, room.releases)
            if left:
                words = f"{len(left)} locked tests contradict this spec and were not released."
                raise _Over(outcome.person("contradictions", words), left)
            if self._drafted().is_confirmed:
                return
            room.view.spec(SpecResult(path=str(self.place), spec=self._drafted()))
            said = "y" if room.wishes.yes else ask_yes_no_edit()
            if said == "e":
                self.spec = self._unconfirmed(edited(self._drafted()))
                continue
            if said == "n":
                raise _Over(outcome.person("confirm", "You did not confirm this spec."))
            self._confirm()
            return

    def _confirm(self) -> None:
        """Write the spec as confirmed, beside the policies; what stood there goes to the run's folder."""
        spec, known = self._drafted(), self.room.known
        self.assumed = assumptions(spec)
        text = confirmed_text(known.text if known.spec == spec else None, spec, self.room.wishes.by or _user())
        try:
            self._put_aside()
            write_spec(known.path, text, expect=self.kept)
        except PersonNeeded as error:
            raise _Over(outcome.person("changed", str(error))) from None
        except Unavailable as error:
            raise _Over(Outcome(Ending.UNAVAILABLE, error.exit_code, "environment", str(error))) from None
        self.spec, self.kept = parse_spec(text), text

    # --- keeping and telling -----------------------------------------------------------------------------------------

    def _keep(self) -> str:
        """Keep the draft, and say where and how to go on."""
        known, spec = self.room.known, self._drafted()
        if self.due and self.base is not None and self.given:
            spec = self.base
        text = spec_to_yaml(spec)
        if known.spec is not None and known.spec == spec:
            return f"The spec is {known.path}. {self._next(known.path)}"
        ours = known.text is None or (known.spec is not None and not known.spec.is_confirmed and self._same(known.spec))
        for path, expect in ((known.path, self.kept), (self.room.folder / FILE_NAME, None)):
            if path == known.path and not ours:
                continue
            try:
                if path == known.path:
                    self._put_aside()
                write_spec(path, text, expect=expect)
            except PolicyloopError:
                continue
            self.place = path
            return f"The draft is kept in {path}. {self._next(path)}"
        return "The draft is in the ledger of this run."

    def _next(self, path: Path) -> str:
        if self.due and self.given:
            file = self.room.folder / "answers.yaml"
            try:
                write_spec(file, "\n".join(block(self.given)) + "\n", expect=None)
            except PolicyloopError:
                return f"Your answers were: {self.given}."
            return f"Your answers are kept, too: run again with --answers {file}"
        if self.spec is not None and not check_spec(self.spec):
            return f"To confirm it: policyloop spec confirm {path} --by NAME; then run again."
        return ""

    def _put_aside(self) -> None:
        """What stands where the spec is about to be written is kept in the run's folder, once."""
        aside = self.room.folder / f"before.{FILE_NAME}"
        if self.kept is not None and not aside.exists():
            write_spec(aside, self.kept, expect=None)

    def _tell(self, *, agreed: bool, reused: bool = False) -> None:
        spec, used = self._drafted(), self._used()
        assert used is not None
        before = self.before
        told = Clarified(
            text=spec_to_yaml(spec),
            used=used,
            agreed=agreed,
            rules=len(spec.rules),
            decisions=len(spec.decisions),
            questions=tuple(map(_asked, _open(spec))),
            assumptions=self._assumptions(),
            changes=changes(before, spec) if before is not None and not self._same(before) else (),
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
        return SpecUsed(str(self.place), spec.digest, known.by if known else None, known.at if known else None)

    def _assumptions(self) -> tuple[str, ...]:
        if self.spec is None:
            return ()
        # Confirmed in the same breath, without a look at them: this run's report still tells them.
        return self.assumed if self.spec.is_confirmed else assumptions(self.spec)

    def _drafted(self) -> Spec:
        assert self.spec is not None
        return self.spec

    def _same(self, spec: Spec) -> bool:
        return same_words(spec.request, self.room.request)

    def _unconfirmed(self, spec: Spec) -> Spec:
        """A model cannot confirm anything."""
        changed: Spec = spec.model_copy(update={"confirmed": None})
        return changed


def _open(spec: Spec) -> tuple[Question, ...]:
    return tuple(one for one in spec.questions if one.answer is None or not one.answer.strip())


def _lacking(spec: Spec) -> bool:
    """Whether anything but answers is missing."""
    return any(gap.code != OPEN_QUESTION for gap in check_spec(spec))


def _asked(question: Question) -> AskedQuestion:
    options = tuple(AskedOption(one.id, one.text, one.recommended) for one in question.options)
    return AskedQuestion(question.id, question.text, options)


def _readable(bundle: Bundle) -> Spec | None:
    try:
        return parse_spec(bundle[FILE_NAME]) if FILE_NAME in bundle else None
    except UsageError:
        return None


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
