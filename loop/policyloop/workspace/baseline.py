"""The policy directory as it was: another directory, or the same one at a git revision, read with git's plumbing."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from policyloop.bundle import Bundle
from policyloop.errors import Unavailable, UsageError
from policyloop.layout import kind
from policyloop.workspace.inside import open_directory, shown
from policyloop.workspace.read import MAX_FILE_BYTES, MAX_FILES, MAX_TOTAL_BYTES, read_bundle

TIMEOUT_SECONDS = 60
_LINK, _SUBMODULE = "120000", "160000"


@dataclass(frozen=True, slots=True)
class _Entry:
    mode: str
    object: str
    size: int
    path: str


def read_baseline(spec: str, directory: Path) -> Bundle:
    """The bundle in the directory `spec`, or else `directory` as it was at the git revision `spec`.

    Nothing of the repository's configuration is run, and nothing is fetched. Raises `UsageError` for what is neither,
    and for what `read_bundle` refuses; `Unavailable` when git is missing or does not answer.
    """
    name = shown(spec)
    readable = spec and "\0" not in spec
    if readable and Path(spec).is_dir():
        return read_bundle(Path(spec))
    if not readable or spec.startswith("-"):
        raise UsageError(f"The baseline {name} is neither a directory nor a git revision.", "Give one of them.")
    root, real = open_directory(directory)
    os.close(root)
    git = _Git(real)
    where = git.ask("rev-parse", "--show-prefix")
    if where is None:
        raise UsageError(
            f"The baseline {name} is no directory, and {shown(str(directory))} is in no git work tree ({git.said}).",
            "Give a directory.",
        )
    prefix = os.fsdecode(where.removesuffix(b"\n"))
    commit = git.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{spec}^{{commit}}")
    if commit is None:
        raise UsageError(
            f"The baseline {name} is neither a directory nor a git revision.",
            "In a shallow clone, fetch the revision first.",
        )
    tree = f"{commit.decode().strip()}:{prefix}"
    if git.ask("cat-file", "-e", tree) is None:
        raise UsageError(f"At the revision {name} there is no folder {shown(prefix)}.", "Give a directory.")
    entries = _entries(git.must("ls-tree", "-r", "-z", "-l", "--full-tree", tree))
    _refuse_links(git, tree, [e for e in entries if e.mode == _LINK], name)
    return _bundle(git, entries, name)


class _Git:
    """git in one folder, asked only what needs no hook, filter, pager, prompt or network."""

    def __init__(self, folder: Path) -> None:
        self.said = ""
        self._folder = folder
        kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k.startswith("GIT_CONFIG")}
        self._environment = {
            **kept,
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",
        }

    def ask(self, *arguments: str, stdin: bytes = b"") -> bytes | None:
        """What git prints, None when it fails; then `said` is its last line."""
        try:
            done = subprocess.run(
                ["git", "--no-pager", *arguments],
                cwd=self._folder,
                env=self._environment,
                input=stdin,
                capture_output=True,
                timeout=TIMEOUT_SECONDS,
                check=False,
            )
        except FileNotFoundError:
            raise Unavailable("git is not installed, so no revision can be read.", "Install git.") from None
        except subprocess.TimeoutExpired:
            raise Unavailable(f"git {arguments[0]} did not answer in {TIMEOUT_SECONDS} seconds.") from None
        lines = done.stderr.decode(errors="replace").splitlines() or [f"exit code {done.returncode}"]
        self.said = lines[0]
        return None if done.returncode else done.stdout

    def must(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """As `ask`; raises `Unavailable` when git fails."""
        answer = self.ask(*arguments, stdin=stdin)
        if answer is None:
            raise Unavailable(f"git {arguments[0]} failed: {self.said}.", "See whether the repository is whole.")
        return answer


def _entries(listing: bytes) -> list[_Entry]:
    """What `git ls-tree -r -z -l` says, less what the compiler does not read; links and submodules are kept."""
    entries = []
    for line in listing.split(b"\0")[:-1]:
        head, _, raw = line.partition(b"\t")
        mode, _, object_id, size = head.decode().split()
        path = os.fsdecode(raw)
        if kind(path) is not None or mode in {_LINK, _SUBMODULE}:
            entries.append(_Entry(mode, object_id, int(size) if size.isdigit() else 0, path))
    return entries


def _refuse_links(git: _Git, tree: str, links: Sequence[_Entry], name: str) -> None:
    """As `read_bundle` does: links in place of a policy file, and links to a folder, which hides policies."""
    for link in links:
        answer = b"tree"
        if kind(link.path) is None and "\n" not in link.path:
            target = os.fsencode(tree + link.path)
            answer = git.must("cat-file", "--batch-check=%(objecttype)", "--follow-symlinks", stdin=target + b"\n")
        if answer.split()[:1] in ([b"tree"], [b"symlink"]):
            raise UsageError(
                f"At the revision {name}, {shown(link.path)} is a symbolic link, which policyloop does not follow.",
                "Give a directory as the baseline.",
            )


def _bundle(git: _Git, entries: Sequence[_Entry], name: str) -> Bundle:
    for entry in entries:
        if entry.mode == _SUBMODULE:
            raise UsageError(
                f"At the revision {name}, {shown(entry.path)} is a submodule.", "Give a directory as the baseline."
            )
        if entry.size > MAX_FILE_BYTES:
            raise UsageError(
                f"At the revision {name}, {shown(entry.path)} has {entry.size:,} bytes; "
                f"at most {MAX_FILE_BYTES >> 20} MiB are read.",
                "Give a directory as the baseline.",
            )
    files = [e for e in entries if e.mode != _LINK]
    if len(files) > MAX_FILES or sum(e.size for e in files) > MAX_TOTAL_BYTES:
        raise UsageError(f"At the revision {name} the folder holds too many policies.", "Give a smaller directory.")
    answer = git.must("cat-file", "--batch", stdin="".join(f"{e.object}\n" for e in files).encode())
    texts, at = {}, 0
    for entry in files:
        start = answer.index(b"\n", at) + 1
        if answer[at : start - 1].split()[1:] != [b"blob", str(entry.size).encode()]:
            raise Unavailable(f"git has lost {shown(entry.path)} of the revision {name}.", "Fetch it again.")
        at = start + entry.size + 1
        texts[entry.path] = _text(answer[start : at - 1], entry.path, name)
    return Bundle(texts)


def _text(data: bytes, path: str, name: str) -> str:
    try:
        path.encode()
        return data.decode()
    except UnicodeDecodeError as error:
        where = f"byte {data[error.start]:#04x} at offset {error.start}"
        raise UsageError(f"At the revision {name}, {shown(path)} is not UTF-8: {where}.") from None
    except UnicodeEncodeError:
        raise UsageError(f"At the revision {name}, the name of {shown(path)} is not UTF-8.") from None
