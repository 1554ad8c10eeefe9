"""Where Cerbos looks: which files of a bundle are suites, and which fixture files stand beside a suite.

Facts (Cerbos 0.55.0, observed): the first name of `principals.*` in byte order that ends in a supported extension is
taken, so `principals.json` or `principals.aaa.yaml` goes before `principals.yaml`, and so does a *folder* of such a
name, which cannot be read. Auxiliary data is `auxdata.*`, else `auxData.*`, else `aux_data.*`. The folder's own name is
taken as a pattern too, should it hold `*`, `?`, `[` or a backslash.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from posixpath import splitext

from policyloop.bundle import Bundle
from policyloop.layout import EXTENSIONS, TESTDATA, Kind, kind

KINDS = ("principals", "resources", "auxData")
_STEMS = {"principals": ("principals",), "resources": ("resources",), "auxData": ("auxdata", "auxData", "aux_data")}
_MAGIC = re.compile(r"[*?\[\\]")


@dataclass(frozen=True, slots=True)
class Beside:
    """The fixture files that one suite gets, None where there is none, in the order of `KINDS`."""

    principals: str | None
    resources: str | None
    aux_data: str | None

    def __iter__(self) -> Iterator[str | None]:
        return iter((self.principals, self.resources, self.aux_data))


class Places:
    """The suites of a bundle and the fixtures beside them."""

    def __init__(self, bundle: Bundle) -> None:
        self.suites = tuple(path for path in bundle if kind(path) is Kind.SUITE)
        self._names: dict[str, set[str]] = {}
        for path in bundle:
            folders = path.split("/")
            for n, folder in enumerate(folders[:-1]):
                # The outermost one: whatever lies in it, at any depth, is no suite.
                if folder == TESTDATA:
                    self._names.setdefault("/".join(folders[: n + 1]), set()).add(folders[n + 1])
                    break
        self._beside: dict[str, Beside] = {}

    def beside(self, suite: str) -> Beside:
        """The fixture files for the suite at `suite`. A path that is a folder in the bundle cannot be read."""
        folder = suite.rpartition("/")[0]
        known = self._beside.get(folder)
        if known is None:
            testdata = f"{folder}/{TESTDATA}" if folder else TESTDATA
            there = testdata in self._names
            known = Beside(*(self._first(testdata, _STEMS[what]) if there else None for what in KINDS))
            self._beside[folder] = known
        return known

    def _first(self, testdata: str, stems: Iterable[str]) -> str | None:
        for stem in stems:
            for folder in self._folders(testdata):
                for name in sorted(self._names[folder]):
                    if name.startswith(f"{stem}.") and splitext(name)[1].lower() in EXTENSIONS:
                        return f"{folder}/{name}"
        return None

    def _folders(self, testdata: str) -> list[str]:
        # Cerbos looks for fixtures with a pattern made from the folder's own name, so a `[` in that name is a pattern
        # too.
        if not _MAGIC.search(testdata):
            return [testdata]
        pattern = re.compile(_translated(testdata) + r"\Z")
        return sorted((folder for folder in self._names if pattern.match(folder)), key=lambda one: one.split("/"))


def _translated(pattern: str) -> str:
    """A Go `path.Match` pattern as a regular expression; a malformed one matches nothing."""
    out, rest = "", pattern
    while rest:
        piece = re.match(r"\[\^?(?:[^\]\\/]|\\.)+\]|\\.|.", rest, re.DOTALL)
        part = piece.group() if piece else rest
        rest = rest[len(part) :]
        if part == "*":
            out += "[^/]*"
        elif part == "?":
            out += "[^/]"
        elif part == "[":
            return r"(?!)"
        elif part.startswith("["):
            out += part.replace("[[", "[\\[")
        else:
            out += re.escape(part.removeprefix("\\"))
    return out
