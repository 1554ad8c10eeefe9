"""The policy directory in the hands of one run: read once, worked on elsewhere, and written back only when green.

The write-back, in the order in which it reaches the disk:

1. the journal, with the old and the new content of every path, outside the project;
2. a look whether the policy directory still is what was read at the start; if not, a person decides;
3. the commit: the journal gets its name `.forward`;
4. the mark `.policyloop-writeback` in the policy directory, then each path by a file beside it and a rename;
5. the mark and the journal go.

Killed before 3, the directory is as it was; killed after it, the next command that writes finishes what was begun, and
those that only look say so (`policyloop.workspace.recovery`).
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from policyloop.bundle import Bundle
from policyloop.errors import PolicyloopError, Unavailable, UsageError
from policyloop.layout import kind
from policyloop.next_command import Next, policyloop
from policyloop.outside import NotOurs
from policyloop.runs import run_directory
from policyloop.workspace.inside import folder, open_directory, shown, split
from policyloop.workspace.journal import BACK, FORWARD, STAGED, Journal, JournalFile, plan
from policyloop.workspace.lock import lock_directory, lock_state
from policyloop.workspace.patch import how_to_apply, keep, keep_somewhere, kept_as
from policyloop.workspace.place import state_directory
from policyloop.workspace.read import read_tree
from policyloop.workspace.recovery import Recovery, carry_out, changed_meanwhile, finish, undo


class Workspace:
    """A policy directory that this process alone works on. A context manager; closing lets others in."""

    def __init__(self, policies: Path, root: int, state: Path, lock: int) -> None:
        self.policies = policies
        """The real path of the policy directory."""
        self.state = state
        """The state directory."""
        self.recovered: Recovery | None = None
        """The interrupted write-back that was finished on opening."""
        self.start = Bundle({})
        """The bundle as it was when the workspace was opened."""
        self._root = root
        self._lock = lock
        self._on_disk = self.start

    @classmethod
    def open(cls, policies: Path, *, state: Path | None = None) -> Self:
        """Take the directory, finish an interrupted write-back, read what is there, and see that it can be written.

        Raises `UsageError` for a directory that cannot be read or written, `Unavailable` when another process has it
        or the state directory cannot be used, `PersonNeeded` as `recover` does.
        """
        root, real = open_directory(policies)
        try:
            place = state_directory(real, state)
            lock = lock_state(place, real)
        except BaseException:
            os.close(root)
            raise
        workspace = cls(real, root, place, lock)
        try:
            workspace._begin()
        except BaseException:
            workspace.close()
            raise
        return workspace

    def _begin(self) -> None:
        # The lock first: whoever reads before it may read what another run is just writing.
        lock_directory(self._root, self.policies)
        self.recovered = finish(self._root, self.policies)
        # A journal that was never committed decided nothing: the run that wrote it was killed before step 3.
        with suppress(OSError):
            JournalFile.of(self.policies).discard(STAGED)
        self.start = self._on_disk = read_tree(self._root, str(self.policies))
        # Said before any money is spent on a model, not after it is green.
        if closed := self._closed_folder(()):
            raise UsageError(f"{closed} cannot be written.", "Make it writable, or work on a copy of the policies.")

    def write_back(self, green: Bundle, run_id: str | None = None) -> tuple[str, ...]:
        """Write `green` to the policy directory, all of it or nothing; answers the changed paths.

        Raises `PersonNeeded` when the directory is not what it was, `Unavailable` when it cannot be written; nothing
        is changed then (or the next command finishes it, if the message says so), and the result is kept as a patch
        that the message names: that of run `run_id`, as `keep_patch` keeps it, when it is given.
        """
        changed = self._on_disk.changed(green)
        if not changed:
            return ()
        # The bundle has looked at each path already; this is the last door before the disk, so it looks once more.
        for path in changed:
            split(path)
            if kind(path) is None:
                raise ValueError(f"{path!r} is no file of a bundle")
        time = datetime.now(UTC).isoformat(timespec="seconds")
        patch = self._patch_of(run_id) if run_id else self.state / "patches" / f"{time.replace(':', '')}.patch"
        file = JournalFile.of(self.policies)
        journal = self._committed(file, green, time, patch)
        try:
            carry_out(self._root, self.policies, file, journal)
        except OSError as error:
            raise self._stopped(file, journal, error) from None
        self._on_disk = green
        return changed

    def keep_patch(self, run_id: str, best: Bundle) -> Path:
        """Keep what leads from the start to `best` as `<state>/runs/<run_id>/best.patch`. Raises `Unavailable`.

        See `policyloop.workspace.patch.keep` for how it is applied.
        """
        path = self._patch_of(run_id)
        try:
            return keep(path, self.start.diff(best))
        except OSError as error:
            raise Unavailable(f"{path} cannot be written: {error.strerror}.", "Free some space.") from None

    def close(self) -> None:
        """Let others in."""
        for file in (self._root, self._lock):
            with suppress(OSError):
                os.close(file)
        self._root = self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.close()

    def _patch_of(self, run_id: str) -> Path:
        return run_directory(self.state, run_id) / "best.patch"

    def _committed(self, file: JournalFile, green: Bundle, time: str, patch: Path) -> Journal:
        """Steps 1 to 3. Whatever goes wrong in them, the policy directory is untouched."""
        try:
            journal = plan(self._root, self.policies, self._on_disk, green, time=time, patch=patch)
            # On the disk before the look at the directory: should the power go between the two, nothing was begun.
            file.stage(journal)
            self._check_unchanged(green, patch)
            if closed := self._closed_folder(journal.paths):
                raise self._not_written(f"{closed} cannot be written", green, patch)
            # From here on the write-back has happened, whatever becomes of us: the next command carries it out.
            file.move(STAGED, FORWARD)
        except PolicyloopError:
            with suppress(OSError):
                file.discard()
            raise
        except NotOurs as error:
            raise self._not_written(str(error), green, patch) from None
        except OSError as error:
            with suppress(OSError):
                file.discard()
            raise self._not_written(f"{file.stem.parent}: {error.strerror}", green, patch) from None
        return journal

    def _not_written(self, why: str, green: Bundle, patch: Path) -> Unavailable:
        return self._unwritten(why, keep_somewhere(patch, self._on_disk.diff(green)))

    def _unwritten(self, why: str, patch: Path | None) -> Unavailable:
        name = shown(str(self.policies))
        return Unavailable(
            f"The result cannot be written to {name} ({why}); nothing was changed. {kept_as(patch)}",
            next=how_to_apply(self.policies, patch),
        )

    def _check_unchanged(self, green: Bundle, patch: Path) -> None:
        try:
            now = read_tree(self._root, str(self.policies))
            # The folder that we hold open may have been renamed, and another put in its place: we would write into the
            # old one.
            moved = not os.path.samestat(os.fstat(self._root), self.policies.stat(follow_symlinks=False))
        except (UsageError, OSError):
            now, moved = self._on_disk, True
        if moved or now != self._on_disk:
            kept = keep_somewhere(patch, self._on_disk.diff(green))
            raise changed_meanwhile(self.policies, self._on_disk.changed(now), kept)

    def _stopped(self, file: JournalFile, journal: Journal, error: OSError) -> PolicyloopError:
        """The disk gave out in the middle: take back what was written, or leave it to the next command."""
        why = error.strerror or "it failed"
        try:
            # Turned round on the disk first. Killed from here on, the next command goes back as well, not forward.
            if file.step() == FORWARD:
                file.move(FORWARD, BACK)
            _, patch = undo(self._root, file, journal)
        except OSError:
            return Unavailable(
                f"The write-back to {shown(str(self.policies))} stopped in the middle ({why}).",
                "Make room; then take back what was written.",
                [Next(policyloop("recover", named=self.policies))],
            )
        return self._unwritten(why, patch)

    def _closed_folder(self, paths: Iterable[str]) -> str | None:
        """The first folder that changing `paths` needs and that cannot be written; a mark goes to the top one."""
        # `access` asks for the real user unless it is told otherwise, and it is the effective one who writes.
        effective = os.access in os.supports_effective_ids
        for parts in sorted({tuple(split(path)[:-1]) for path in paths} | {()}):
            with suppress(FileNotFoundError, NotADirectoryError), folder(self._root, parts) as here:
                if not os.access(".", os.W_OK | os.X_OK, dir_fd=here, effective_ids=effective):
                    return shown("/".join((str(self.policies), *parts)))
        return None
