"""The policy directory at one moment, and the edits that lead from one moment to the next. No file is touched here."""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from policyloop.diff import file_diff
from policyloop.layout import EXTENSIONS, Kind, is_ours, kind

MAX_EDIT_BYTES = 1_048_576
"""The most that one edit may write to one file, in bytes of UTF-8."""
MAX_EDITS = 200
"""The most edits that one proposal may hold."""
MAX_PATH_BYTES = 512
MAX_NAME_BYTES = 200
MAX_DEPTH = 64
"""The most folders that a file may lie in, below the policy directory: as many are read back."""
MAX_FILES = 20_000
"""The most files that a bundle may hold."""
MAX_FOLDERS = 100_000
"""The most folders that they may lie in, a quarter of what is looked at when a policy directory is read."""
MAX_TOTAL_BYTES = 128 * 1_048_576
"""The most that they may hold together, in bytes of UTF-8."""

_NEW_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+ -]*\Z")


class EditRejected(ValueError):
    """An edit that cannot be made; the text says which and why. It is told to the model, and nothing is changed."""


@dataclass(frozen=True, slots=True)
class Write:
    """Give `path` the whole text `content`, whether or not it exists."""

    path: str
    content: str


@dataclass(frozen=True, slots=True)
class Replace:
    """Put `new` in place of `old`, which must stand in `path` exactly once."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Delete:
    """Take `path` out of the bundle."""

    path: str


Edit = Write | Replace | Delete


class Bundle:
    """Path -> text, immutable and sorted by path. Paths are relative to the policy directory, separated by `/`."""

    def __init__(self, files: Mapping[str, str], *, drafts: frozenset[str] = frozenset()) -> None:
        """`drafts`: paths that an edit may make although the name is ours: a spec that is drafted."""
        self.files: Mapping[str, str] = MappingProxyType(dict(sorted(files.items())))
        self._drafts = drafts

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    def __contains__(self, path: object) -> bool:
        return path in self.files

    def __getitem__(self, path: str) -> str:
        return self.files[path]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bundle) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"Bundle({len(self)} files, {self.digest[:12]})"

    @cached_property
    def digest(self) -> str:
        """SHA-256 over every path and text; two bundles with the same digest are the same bundle."""
        whole = hashlib.sha256()
        for path, text in self.files.items():
            for part in (path, text):
                data = part.encode()
                whole.update(len(data).to_bytes(8, "big"))
                whole.update(data)
        return whole.hexdigest()

    def apply(self, edits: Iterable[Edit]) -> "Bundle":
        """The bundle after all `edits`, in order. Raises `EditRejected`; then none of them is made."""
        files = dict(self.files)
        edits = list(edits)
        if len(edits) > MAX_EDITS:
            raise EditRejected(f"{len(edits)} edits in one proposal; at most {MAX_EDITS} are taken")
        for edit in edits:
            if edit.path not in files and edit.path not in self._drafts:
                _check_new_path(edit.path, files)
            _apply(edit, files)
        _check_limits(files)
        return Bundle(files, drafts=self._drafts)

    def without_tests(self) -> "Bundle":
        """Its policies and schemas alone: all that a PDP serves of it."""
        return Bundle({path: text for path, text in self.files.items() if kind(path) in (Kind.POLICY, Kind.SCHEMA)})

    def schemas(self) -> dict[str, str]:
        """Its schemas, path -> text."""
        return {path: text for path, text in self.files.items() if kind(path) is Kind.SCHEMA}

    def overlaid(self, texts: Mapping[str, str]) -> "Bundle":
        """The bundle with these texts of ours, path -> text, in place of its own and beside them.

        Nobody proposed them, so what a proposal may not do, hold or name does not bind them.
        """
        return Bundle({**self.files, **texts}, drafts=self._drafts)

    def changed(self, after: "Bundle") -> tuple[str, ...]:
        """The paths that `after` holds differently, adds or lacks, sorted."""
        paths = {*self.files, *after.files}
        return tuple(sorted(p for p in paths if self.files.get(p) != after.files.get(p)))

    def diff(self, after: "Bundle", *, clean: Callable[[str], str] | None = None) -> str:
        """What `after` changes, as a unified diff that `git apply` and `patch -p1` take.

        With `clean`, which takes secrets out of a text, it is only to be shown (`file_diff`).
        """
        return "".join(file_diff(p, self.files.get(p), after.files.get(p), clean) for p in self.changed(after))


def _apply(edit: Edit, files: dict[str, str]) -> None:
    path = edit.path
    match edit:
        case Write(content=content):
            _check_text(path, content)
            files[path] = content
        case Replace(old=old, new=new):
            if path not in files:
                raise EditRejected(f"{_show(path)} does not exist, so nothing in it can be replaced")
            found = files[path].count(old) if old else 0
            if found != 1:
                raise EditRejected(f"{_show(path)}: the text to replace stands there {found} times, not exactly once")
            after = files[path].replace(old, new)
            _check_text(path, after)
            files[path] = after
        case Delete():
            if path not in files:
                raise EditRejected(f"{_show(path)} does not exist, so it cannot be deleted")
            del files[path]


def _check_limits(files: Mapping[str, str]) -> None:
    """What is written must be read again: the limits are those of reading a policy directory."""
    if len(files) > MAX_FILES:
        raise EditRejected(f"a bundle holds at most {MAX_FILES:,} files")
    if sum(path.count("/") for path in files) > MAX_FOLDERS and len(_spellings(files)) > MAX_FOLDERS:
        raise EditRejected(f"a bundle holds at most {MAX_FOLDERS:,} folders")
    # A character has four bytes at the most, so a small bundle need not be encoded to be counted.
    large = 4 * sum(map(len, files.values())) > MAX_TOTAL_BYTES
    if large and sum(len(text.encode()) for text in files.values()) > MAX_TOTAL_BYTES:
        raise EditRejected(f"a bundle holds at most {MAX_TOTAL_BYTES >> 20} MiB")


def _check_text(path: str, text: str) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise EditRejected(f"{_show(path)}: the text holds a lone surrogate, which is not UTF-8") from None
    if size > MAX_EDIT_BYTES:
        raise EditRejected(f"{_show(path)}: {size} bytes; at most {MAX_EDIT_BYTES} are taken")
    if "\0" in text:
        raise EditRejected(f"{_show(path)}: the text holds a NUL character")


def _check_new_path(path: str, files: Mapping[str, str]) -> None:
    """A path that the bundle does not hold yet: only plain names below the policy directory are taken."""
    shown = _show(path)
    if not path or len(path.encode(errors="surrogatepass")) > MAX_PATH_BYTES:
        raise EditRejected(f"{shown}: a path has 1 to {MAX_PATH_BYTES} bytes")
    if path.startswith(("/", "\\", "~")) or re.match(r"[A-Za-z]:", path):
        raise EditRejected(f"{shown}: paths are relative to the policy directory")
    _check_names(path)
    if not path.lower().endswith(EXTENSIONS):
        raise EditRejected(f"{shown}: a bundle holds .yaml, .yml and .json files only")
    if kind(path) is None:
        raise EditRejected(f"{shown}: Cerbos does not read this path (schemas are _schemas/*.json)")
    folded = _fold(path)
    for known in files:
        other = _fold(known)
        if other == folded:
            raise EditRejected(f"{shown} and {_show(known)} are one file on some systems")
        if other.startswith(folded + "/") or folded.startswith(other + "/"):
            raise EditRejected(f"{shown}: a file and a folder cannot have one name ({_show(known)})")
    spellings = _spellings(files)
    for above in _folders(path):
        spelt = spellings.get(_fold(above), above)
        if spelt != above:
            raise EditRejected(f"{shown}: {_show(above)} and {_show(spelt)} are one folder on some systems")


def _check_names(path: str) -> None:
    shown = _show(path)
    if path.count("/") > MAX_DEPTH:
        raise EditRejected(f"{shown}: a file lies in at most {MAX_DEPTH} folders")
    for name in path.split("/"):
        if name in ("", ".", ".."):
            raise EditRejected(f"{shown}: a path may not leave the policy directory or hold empty parts")
        if is_ours(name):
            raise EditRejected(f"{shown}: {name} is a name of policyloop's own, and out of reach")
        if name.startswith("."):
            raise EditRejected(f"{shown}: hidden files and folders are out of reach")
        if not _NEW_NAME.match(name) or name[-1] in ". " or len(name) > MAX_NAME_BYTES:
            raise EditRejected(f"{shown}: a new name is made of A-Z a-z 0-9 _ - . @ + and inner spaces")


def _folders(path: str) -> Iterator[str]:
    """The folders on the way to `path`, from the top one down."""
    above = path.split("/")[:-1]
    return ("/".join(above[:depth]) for depth in range(1, len(above) + 1))


def _spellings(files: Iterable[str]) -> dict[str, str]:
    """How each folder of these paths is written, by its name where capitals are not told apart."""
    return {
        _fold(above): above
        for folder in {path.rpartition("/")[0] for path in files}
        for above in _folders(f"{folder}/")
        if folder
    }


def _fold(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()


def _show(path: str) -> str:
    """A path as one printable line, not longer than a path may be."""
    kept = path if len(path) <= MAX_PATH_BYTES else f"{path[:MAX_PATH_BYTES]}..."
    return kept if kept.isprintable() and kept else repr(kept)
