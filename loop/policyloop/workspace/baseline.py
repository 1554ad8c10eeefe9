"""The policy directory as it was: another directory, or the same one at a git revision, read with git's plumbing."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from policyloop.bundle import MAX_FILES, MAX_TOTAL_BYTES, Bundle
from policyloop.errors import Unavailable, UsageError
from policyloop.layout import is_ours, kind
from policyloop.workspace.gather import MAX_FILE_BYTES
from policyloop.workspace.git import Git, git_tracks, in_work_tree
from policyloop.workspace.inside import is_archive, open_directory, shown
from policyloop.workspace.read import read_bundle

_HASH = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_LINK, _SUBMODULE = "120000", "160000"


@dataclass(frozen=True, slots=True)
class _Entry:
    mode: str
    object: str
    size: int
    path: str


def read_baseline(spec: str, directory: Path) -> Bundle:
    """The bundle in the directory `spec`, or else `directory` as it was at the git revision `spec`.

    A name that is both is neither: a folder can be put beside the policies by whoever wrote the change that is held
    against the revision. Nothing of the repository's configuration is run, and nothing is fetched. Raises `UsageError`
    for what is neither or both, and for what `read_bundle` refuses; `Unavailable` when git is missing or silent.
    """
    name = shown(spec)
    if not spec or "\0" in spec or spec.startswith("-"):
        raise UsageError(f"The baseline {name} is neither a directory nor a git revision.", "Give one of them.")
    is_path = spec in (".", "..") or spec.startswith(("/", "./", "../"))
    is_folder = Path(spec).is_dir() or is_archive(Path(spec))
    if is_path:
        return read_bundle(Path(spec))
    if not is_folder:
        return _at_revision(spec, directory)
    if _is_revision(spec, directory):
        raise UsageError(
            f"The baseline {name} is a directory and a git revision, and it matters which.",
            f"Give ./{name} for the directory; for the revision a name that no folder has, such as refs/heads/{name}.",
        )
    return read_bundle(Path(spec))


def read_revision(spec: str, directory: Path) -> Bundle:
    """`directory` as it was at the git revision `spec`, whatever folder has its name. Raises as `read_baseline`."""
    return _at_revision(spec, directory)


def _is_revision(spec: str, directory: Path) -> bool:
    """Whether git, asked in `directory` or here, knows the name; without git no revision can be meant."""
    for place in (directory, Path()):
        try:
            root, real = open_directory(place)
        except UsageError:
            continue
        os.close(root)
        if not in_work_tree(real):
            continue
        if Git(real).ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{spec}^{{commit}}") is not None:
            return True
    return False


def _at_revision(spec: str, directory: Path) -> Bundle:
    name = shown(spec)
    root, real = open_directory(directory)
    os.close(root)
    git = Git(real)
    # Asked for the top first: a bare repository, which the files of a commit can be, has none.
    top = git.ask("rev-parse", "--show-toplevel")
    where = git.ask("rev-parse", "--show-prefix") if top is not None else None
    if top is None or where is None:
        raise UsageError(
            f"The baseline {name} is no directory, and {shown(str(directory))} is in no git work tree ({git.said}).",
            "Give a directory.",
        )
    _refuse_inner(Path(os.fsdecode(top.removesuffix(b"\n"))), spec)
    prefix = os.fsdecode(where.removesuffix(b"\n"))
    # Without --quiet, which would keep back that a name is ambiguous.
    commit = git.ask("rev-parse", "--verify", "--end-of-options", f"{spec}^{{commit}}")
    if commit is None:
        raise UsageError(
            f"The baseline {name} is neither a directory nor a git revision.",
            "In a shallow clone, fetch the revision first.",
        )
    if spec != "HEAD" and b"ambiguous" in git.complaints:  # git takes its own HEAD before any branch of that name
        raise UsageError(
            f"The baseline {name} names more than one thing in git, such as a branch and a tag.",
            f"Give the whole name: refs/heads/{name} or refs/tags/{name}.",
        )
    tree = f"{commit.decode().strip()}:{prefix}"
    if git.ask("cat-file", "-e", tree) is None:
        raise UsageError(f"At the revision {name} there is no folder {shown(prefix)}.", "Give a directory.")
    entries = _entries(git.must("ls-tree", "-r", "-z", "-l", "--full-tree", tree))
    _refuse_ours(entries, name)
    _refuse_links(git, tree, [e for e in entries if e.mode == _LINK], name)
    return _bundle(git, entries, name)


def _refuse_inner(top: Path, spec: str) -> None:
    """A repository inside another that tracks its place: a submodule, or one that was put over the policies.

    Its names are chosen by whoever chose or made it. A commit's whole hash says the same in every repository.
    """
    if not _HASH.fullmatch(spec) and git_tracks(top):
        raise UsageError(
            f"{shown(str(top))} is a git repository of its own inside another one that tracks it, so {shown(spec)} may "
            "be a revision of either.",
            "Give the whole hash of the commit, or a directory.",
        )


def _refuse_ours(entries: Sequence[_Entry], name: str) -> None:
    """As `read_bundle` does: files with a name of policyloop's own."""
    for entry in entries:
        if is_ours(entry.path.rpartition("/")[2]):
            raise UsageError(
                f"At the revision {name}, {shown(entry.path)} bears a name of policyloop's own, and is not read where "
                "a model writes.",
                "Give a revision without it.",
            )


def _entries(listing: bytes) -> list[_Entry]:
    """What `git ls-tree -r -z -l` says, less what the compiler does not read; links and submodules are kept."""
    entries = []
    for line in listing.split(b"\0")[:-1]:
        head, _, raw = line.partition(b"\t")
        mode, _, object_id, size = head.decode().split()
        path = os.fsdecode(raw)
        if kind(path) is not None or is_ours(path.rpartition("/")[2]) or mode in {_LINK, _SUBMODULE}:
            entries.append(_Entry(mode, object_id, int(size) if size.isdigit() else 0, path))
    return entries


def _refuse_links(git: Git, tree: str, links: Sequence[_Entry], name: str) -> None:
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


def _bundle(git: Git, entries: Sequence[_Entry], name: str) -> Bundle:
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
