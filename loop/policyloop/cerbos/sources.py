"""The bundle's texts, as findings need them: lines, outlines and excerpts, each read once."""

import re
from collections.abc import Mapping
from functools import cached_property

from policyloop.bundle import Bundle
from policyloop.cerbos import text
from policyloop.cerbos.outline import Path, Place, outline
from policyloop.findings import AssertionId, ErrorClass, Finding
from policyloop.layout import Kind, kind
from policyloop.redact import redact

MAX_OUTLINED = 1_048_576
"""The longest file, in characters, whose outline is taken."""


_NAMES = re.compile(r"""\b(?:resource|principal|role)["']?[ \t]*:[ \t]*["']?([^"'\n,}#]{1,300})""")


class Sources:
    """What stands where in the files of `bundle`."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._lines: dict[str, list[str]] = {}
        self._clean: dict[str, list[str]] = {}
        self._outlines: dict[str, Mapping[Path, Place]] = {}

    @cached_property
    def policies(self) -> tuple[str, ...]:
        """The files that the compiler reads as policies."""
        return tuple(path for path in self.bundle if kind(path) is Kind.POLICY)

    @cached_property
    def of_principals(self) -> tuple[str, ...]:
        """Those that may hold a principal policy."""
        return tuple(path for path in self.policies if "principalPolicy" in self.bundle[path])

    @cached_property
    def naming(self) -> Mapping[str, tuple[str, ...]]:
        """The policy files that state a name as that of a resource, principal or role, by the compiler's spelling."""
        found: dict[str, dict[str, None]] = {}
        for path in self.policies:
            for name in _NAMES.findall(self.bundle[path][:MAX_OUTLINED]):
                found.setdefault(sanitized(name.strip()), {})[path] = None
        return {name: tuple(paths) for name, paths in found.items()}

    def lines(self, file: str) -> list[str]:
        """The lines of a file as the compiler counts them; none when the bundle does not hold it."""
        if file not in self._lines:
            whole = self.bundle.files.get(file)
            split = [] if whole is None else whole.removesuffix("\n").split("\n")
            self._lines[file] = [line.removesuffix("\r") for line in split]
        return self._lines[file]

    def _shown(self, file: str) -> list[str]:
        """The lines as they may be shown: what gives a secret away may stand lines above it."""
        if file not in self._clean:
            self._clean[file] = redact("\n".join(self.lines(file))).split("\n")
        return self._clean[file]

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
        shown = text.excerpt(self._shown(file), at.line, at.column) if file and at else None
        known = file if file is None or file in self.bundle else text.one_line(file, 500)
        return Finding(
            error_class=error_class,
            code=code,
            message=text.one_line(redact(message)) or "the compiler gave no message",
            file=known or None,
            line=at.line if at else None,
            column=at.column if at else None,
            excerpt=shown or (text.block(redact(context), 12, 4000) if context.strip() else None),
            why=why,
            assertion=assertion,
        )


def sanitized(name: str) -> str:
    """A name as the compiler spells it in a policy's key."""
    return re.sub(r"[^\w.]+", "_", name, flags=re.ASCII)
