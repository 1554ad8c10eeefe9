"""Where the spec of a run is kept: beside the policies once it is confirmed, and nothing is lost before that."""

from collections.abc import Mapping
from pathlib import Path

from policyloop import outcome
from policyloop.confirmed.believed import remember
from policyloop.confirmed.specfile import confirmed_text, write_spec
from policyloop.errors import PersonNeeded, PolicyloopError, Unavailable
from policyloop.outcome import Outcome
from policyloop.run.onward import ANSWERS
from policyloop.run.prepared import Known
from policyloop.specification import FILE_NAME, Spec, lost_comments, parse_spec, renewed
from policyloop.yaml_text.writing import block


class Keeper:
    """Writes the spec's file. What stood there is put into the run's folder first, once."""

    def __init__(self, known: Known, folder: Path) -> None:
        self.place = known.path
        """Where the spec, or the latest draft of it, is."""
        self.source = known.text
        """The text by people whose comments are kept."""
        self._known, self._folder = known, folder
        self._stands = known.text
        self._aside = folder / f"before.{FILE_NAME}"

    @property
    def is_new(self) -> bool:
        """Whether no file stood there at the start."""
        return self._known.text is None

    def confirm(self, spec: Spec, by: str, *, seen: bool) -> Spec | Outcome:
        """Write the spec as confirmed, beside the policies: what stands there now, or how the run ends instead."""
        text = confirmed_text(self.source, spec, by, seen=seen)
        try:
            self._write_known(text)
        except PersonNeeded as error:
            return outcome.person("changed", str(error))
        except Unavailable as error:
            return outcome.unavailable(error)
        confirmed = parse_spec(text)
        try:
            remember(confirmed, self._known.path)
        except Unavailable as error:
            return outcome.unavailable(error)
        return confirmed

    def lost(self) -> str:
        """What is to be said of comments that could not be kept in the file; empty when none was lost."""
        lost = lost_comments(self.source or "", self._stands or "") if self._stands != self._known.text else ()
        if not lost:
            return ""
        count = "A comment" if len(lost) == 1 else f"{len(lost)} comments"
        kept = f"; the file as it was is {self._aside}" if self._aside.exists() else f": {'; '.join(lost)}"
        return f"{count} of {self._known.path} could not be kept{kept}."

    def keep(self, draft: Spec, given: Mapping[str, str], *, ours: bool) -> str:
        """Keep a draft, in the file when it is `ours` to write; where it is, and where the answers are.

        `given`: answers that are not in it, for no rule was changed for them yet.
        """
        if self._known.spec == draft:
            return f"The spec is {self._known.path}. {self._given(given)}".strip()
        text = renewed(self.source, draft)
        if not (ours and self._kept(text)):
            path = self._folder / FILE_NAME
            try:
                write_spec(path, text, expect=None)
            except PolicyloopError:
                return "The draft is in the ledger of this run."
            self.place = path
        return " ".join(filter(None, (f"The draft is kept in {self.place}.", self.lost(), self._given(given))))

    def _kept(self, text: str) -> bool:
        try:
            self._write_known(text)
        except PolicyloopError:
            return False
        return True

    def _write_known(self, text: str) -> None:
        if self._stands is not None and not self._aside.exists():
            write_spec(self._aside, self._stands, expect=None)
        write_spec(self._known.path, text, expect=self._stands)
        self._stands = text
        self.place = self._known.path

    def _given(self, given: Mapping[str, str]) -> str:
        if not given:
            return ""
        file = self._folder / ANSWERS
        try:
            write_spec(file, "\n".join(block(given)) + "\n", expect=None)
        except PolicyloopError:
            return f"Your answers were: {dict(given)}."
        return f"Your answers are kept in {file}."
