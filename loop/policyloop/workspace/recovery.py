"""Finishing a write-back that was killed. Only commands that write do so; the others say that it is pending.

The journal lies outside the project. The file `.policyloop-writeback` in the policy directory stands there while a
write-back goes on, and says only that; whoever finds it without a journal of their own asks a person.

What is right when somebody changed one of its files between the kill and now? Nothing of theirs is overwritten, and
policies half old and half new are not left behind either: every other file goes back to what it was before, so the
directory is the one the person had, with their change, and the result is kept as a patch. That is what they would have
got had they made their change a moment earlier, before the write-back began.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from policyloop.errors import PersonNeeded, Unavailable
from policyloop.layout import PENDING
from policyloop.next_command import Next, policyloop, shell
from policyloop.workspace.inside import InTheWay, open_directory, prepare, shown
from policyloop.workspace.journal import BACK, FORWARD, BadJournal, Journal, JournalFile, is_marked
from policyloop.workspace.lock import lock_directory
from policyloop.workspace.patch import how_to_apply, keep_somewhere, kept_as
from policyloop.workspace.settle import go_back, go_forward

_MARK_TEMP = f"{PENDING}.tmp"
_MARK_WORDS = b"A write-back of policyloop goes on here, or was interrupted.\n"


@dataclass(frozen=True, slots=True)
class Recovery:
    """An interrupted write-back that is finished now: the paths it wrote, and when it was begun (UTC, ISO 8601)."""

    paths: tuple[str, ...]
    time: str


def recover(policies: Path) -> Recovery | None:
    """Finish an interrupted write-back to `policies`, if there is one; then every path of it has its new content.

    Raises `PersonNeeded` when somebody changed one of its files meanwhile (see above) or its journal is gone,
    `Unavailable` when a run is using the directory or the disk does not let it finish, and `UsageError`.
    """
    root, real = open_directory(policies)
    try:
        # Looked at without the lock: with nothing to finish, a run that is at work here need not be waited for.
        if not JournalFile.pending(root, real) and not is_marked(root):
            return None
        lock_directory(root, real)
        return finish(root, real)
    finally:
        os.close(root)


def finish(root: int, real: Path) -> Recovery | None:
    """As `recover`, for one who holds the lock."""
    file = JournalFile.pending(root, real)
    if file is not None:
        return _finish_one(root, real, file)
    if is_marked(root):
        raise unexplained(real)
    return None


def unexplained(real: Path) -> PersonNeeded:
    """A mark without a journal: left by another user or machine, or put there by whoever made these files."""
    mark = shown(str(real / PENDING))
    return PersonNeeded(
        f"{mark} says that a write-back was interrupted, but there is no journal of it: it came with these files, or "
        "another user or another machine began it.",
        "Compare the policies with your version control, then remove it.",
        [Next(shell(["rm", str(real / PENDING)]), "once you have compared")],
    )


def _finish_one(root: int, real: Path, file: JournalFile) -> Recovery:
    try:
        journal = file.load(root, real)
    except BadJournal as error:
        raise PersonNeeded(
            f"A write-back to {shown(str(real))} was interrupted, and its journal {error}: {file.stem}.",
            f"Compare the policies with your version control, then remove {PENDING} there"
            + (f" and {file.at(step)}." if (step := file.step()) else "."),
        ) from None
    try:
        if file.step() == BACK:
            _, patch = undo(root, file, journal)
            raise PersonNeeded(
                f"A write-back to {shown(str(real))} could not be finished, and is taken back now. {kept_as(patch)}",
                next=how_to_apply(real, patch),
            )
        carry_out(root, real, file, journal)
    except OSError as error:
        raise Unavailable(
            f"An interrupted write-back to {shown(str(real))} cannot be finished: {error.strerror}.",
            "Make room and see to its permissions.",
            [Next(policyloop("recover", named=real), "then")],
        ) from None
    return Recovery(journal.paths, journal.time)


def carry_out(root: int, real: Path, file: JournalFile, journal: Journal) -> None:
    """Do what a committed journal says. Raises `PersonNeeded` when it had to be undone, and `OSError`."""
    try:
        _mark(root)
        go_forward(root, journal)
    except InTheWay as error:
        # Turned round on the disk before the first file goes back, so that a kill in between does not turn it again.
        file.move(FORWARD, BACK)
        left, patch = undo(root, file, journal)
        raise changed_meanwhile(real, sorted({*left, error.path}), patch) from None
    settled(root, file)


def undo(root: int, file: JournalFile, journal: Journal) -> tuple[tuple[str, ...], Path | None]:
    """Take a write-back back; answers the paths that somebody else changed, and the patch. Raises `OSError`."""
    patch = keep_somewhere(Path(journal.patch), journal.diff)
    left = go_back(root, journal)
    settled(root, file)
    return left, patch


def settled(root: int, file: JournalFile) -> None:
    """The write-back is over, one way or the other. Raises `OSError`."""
    for name in (_MARK_TEMP, PENDING):
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=root)
    # The mark must be gone for good before the journal is: a mark without a journal is for a person.
    os.fsync(root)
    file.discard()


def changed_meanwhile(real: Path, paths: Sequence[str], patch: Path | None) -> PersonNeeded:
    """What a person is told whose change kept a result from being written."""
    names = ", ".join(shown(path) for path in paths[:5]) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")
    what = f" ({names})" if names else ""
    return PersonNeeded(
        f"{shown(str(real))} was changed by somebody else meanwhile{what}; nothing was overwritten. {kept_as(patch)}",
        next=how_to_apply(real, patch),
    )


def _mark(root: int) -> None:
    # By a rename, like every other file: a mark that is half there would look like one that somebody else left.
    prepare(root, (), _MARK_TEMP, _MARK_WORDS, None)
    os.rename(_MARK_TEMP, PENDING, src_dir_fd=root, dst_dir_fd=root)
    os.fsync(root)
