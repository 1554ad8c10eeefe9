"""The bundle's texts, as findings need them: lines, outlines and excerpts, each read once."""

from collections.abc import Mapping

from policyloop.bundle import Bundle
from policyloop.cerbos import text
from policyloop.cerbos.outline import Path, Place, outline
from policyloop.findings import AssertionId, ErrorClass, Finding

MAX_OUTLINED = 1_048_576
"""The longest file, in characters, whose outline is taken."""


class Sources:
    """What stands where in the files of `bundle`."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._lines: dict[str, list[str]] = {}
        self._outlines: dict[str, Mapping[Path, Place]] = {}

    def lines(self, file: str) -> list[str]:
        """The lines of a file as the compiler counts them; none when the bundle does not hold it."""
        if file not in self._lines:
            whole = self.bundle.files.get(file)
            self._lines[file] = [] if whole is None else [line.removesuffix("\r") for line in whole.split("\n")]
        return self._lines[file]

    def outline(self, file: str) -> Mapping[Path, Place]:
        """Where the keys and items of a file stand; nothing when it is not there, too long or broken."""
        if file not in self._outlines:
            whole = self.bundle.files.get(file, "")
            self._outlines[file] = outline(whole) if len(whole) <= MAX_OUTLINED else {}
        return self._outlines[file]

    def finding(  # noqa: PLR0913 - a finding is what it is
        self,
        error_class: ErrorClass,
        code: str,
        message: str,
        file: str | None = None,
        at: Place | None = None,
        *,
        context: str = "",
        why: tuple[str, ...] = (),
        assertion: AssertionId | None = None,
    ) -> Finding:
        """A finding with a printable message and an excerpt of the file, or else of the compiler's own `context`."""
        shown = text.excerpt(self.lines(file), at.line, at.column) if file and at else None
        known = file if file is None or file in self.bundle else text.one_line(file, 500)
        return Finding(
            error_class=error_class,
            code=code,
            message=text.one_line(message) or "the compiler gave no message",
            file=known or None,
            line=at.line if at else None,
            column=at.column if at else None,
            excerpt=shown or (text.block(context, 12, 4000) if context.strip() else None),
            why=why,
            assertion=assertion,
        )
