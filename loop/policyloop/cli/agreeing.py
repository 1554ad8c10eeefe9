"""A person's yes to a whole spec: which tests it releases, and that this is what they want."""

import getpass

from policyloop import outcome
from policyloop.agreed import agent_mark
from policyloop.cli.against import unreleased, with_releases
from policyloop.cli.asking import ask_releases, ask_yes_no_edit, edited
from policyloop.cli.clarity import Over, Room
from policyloop.cli.keeping import Keeper
from policyloop.results import SpecResult
from policyloop.spec import Spec, assumptions


class Agreement:
    """Confirms `spec`, which is always what a person had their say on last, also when it ends in between."""

    def __init__(self, room: Room, keeper: Keeper, spec: Spec) -> None:
        self.room, self.keeper, self.spec = room, keeper, spec
        self.assumed: tuple[str, ...] = ()
        """What was taken for granted when it was confirmed."""

    def reach(self) -> None:
        """Get the yes. Raises `Over` without one."""
        if self.room.wishes.interactive:
            with self.room.clock.paused():
                self._on_terminal()
        else:
            self._without_terminal()

    def _without_terminal(self) -> None:
        against = unreleased(self.spec, self.room.bundle, self.room.releases)
        if against:
            words = f"{len(against)} locked tests contradict this spec; only a person releases them, under `releases`."
            raise Over(outcome.person("contradictions", words), against)
        if self.spec.is_confirmed:
            return
        if not self.room.wishes.yes:
            raise Over(outcome.person("confirm", _nobody()))
        self._confirm(seen=False)

    def _on_terminal(self) -> None:
        room = self.room
        room.view.pause()
        while True:
            against = unreleased(self.spec, room.bundle, room.releases)
            if against:
                self.spec = with_releases(self.spec, ask_releases(against))
            left = unreleased(self.spec, room.bundle, room.releases)
            if left:
                words = f"{len(left)} locked tests contradict this spec and were not released."
                raise Over(outcome.person("contradictions", words), left)
            if self.spec.is_confirmed:
                return
            room.view.spec(SpecResult(path=str(self.keeper.place), spec=self.spec))
            said = "y" if room.wishes.yes else ask_yes_no_edit()
            if said == "e":
                changed, self.keeper.source = edited(self.spec, self.keeper.source)
                self.spec = changed.model_copy(update={"confirmed": None})
                continue
            if said == "n":
                raise Over(outcome.person("confirm", "You did not confirm this spec."))
            self._confirm(seen=not room.wishes.yes)
            return

    def _confirm(self, *, seen: bool) -> None:
        self.assumed = assumptions(self.spec)
        self.spec = self.keeper.confirm(self.spec, self.room.wishes.by or _user(), seen=seen)
        if lost := self.keeper.lost():
            self.room.view.note(lost)


def _nobody() -> str:
    mark = agent_mark()
    return f"Nobody has confirmed this spec{f'; under an agent ({mark} is set) --yes is nobody' if mark else ''}."


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
