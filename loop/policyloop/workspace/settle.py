"""Doing what a journal says, from wherever a kill left it: forward to the new contents, or back to the old ones.

Each path is looked at first. What already is as it shall be is done; what still is as it was is changed; anything else
was put there by somebody else and is never touched. Meeting that on the way forward turns the whole write-back round
(the caller does), so that it happens wholly or not at all, and the other's change is kept either way.

All new contents are on the disk, in files beside their places, before the first path changes: a disk that fills up is
met while there is still nothing to take back, and what follows are removals and renames, which need no room.

A change by somebody else between the last look at a file and the rename over it, some microseconds, is not seen; and
a folder that somebody moves away while all this goes on may carry one of those files with it.
"""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from policyloop.workspace.inside import (
    Held,
    InTheWay,
    digest_of,
    folder,
    held,
    make_folders,
    nearest_folder,
    place,
    prepare,
    remove,
    remove_folder,
    split,
    sync_folder,
)
from policyloop.workspace.journal import Journal


@dataclass(frozen=True, slots=True)
class _Step:
    path: str
    before: str | None
    after: str | None
    like: Held | None
    temp: str


def go_forward(root: int, journal: Journal) -> None:
    """Take every path to its new content. Raises `InTheWay` for what somebody else changed, and `OSError`."""
    steps = [_Step(c.path, c.old, c.new, None, _temp(n)) for n, c in enumerate(journal.changes)]
    todo, foreign = _look(root, steps)
    if foreign:
        raise InTheWay(foreign[0])
    foreign = _take(root, todo, (path for path, _ in reversed(journal.emptied)), {})
    if foreign:
        raise InTheWay(foreign[0])
    _clean(root, journal)


def go_back(root: int, journal: Journal) -> tuple[str, ...]:
    """Take every path to its old content; answers those that somebody else changed and are left. Raises `OSError`."""
    steps = [_Step(c.path, c.new, c.old, c.like(), _temp(n)) for n, c in enumerate(journal.changes)]
    todo, foreign = _look(root, steps)
    foreign += _take(root, todo, reversed(journal.made), dict(journal.emptied))
    _clean(root, journal)
    return tuple(sorted(foreign))


def _look(root: int, steps: Iterable[_Step]) -> tuple[list[_Step], list[str]]:
    """What is left to do, and the paths that somebody else changed."""
    todo, foreign = [], []
    for step in steps:
        now = held(root, step.path)
        digest = now.digest if now else None
        if digest == digest_of(step.after):
            continue
        if digest == digest_of(step.before):
            todo.append(step)
        else:
            foreign.append(step.path)
    return todo, foreign


def _take(root: int, todo: list[_Step], emptied: Iterable[str], modes: Mapping[str, int]) -> list[str]:
    """Do the steps; answers the paths at which something else stood by then."""
    where = {}
    for step in todo:
        if step.after is not None:
            where[step.path] = nearest_folder(root, step.path)
            like = held(root, step.path) or step.like
            prepare(root, where[step.path], step.temp, step.after.encode(), like)
    foreign = []
    for step in todo:
        if step.after is None:
            try:
                remove(root, step.path, digest_of(step.before))
            except InTheWay:
                foreign.append(step.path)
    for path in emptied:
        remove_folder(root, path)
    for step in todo:
        if step.after is not None:
            try:
                make_folders(root, step.path, modes)
                place(root, step.path, where[step.path], step.temp, digest_of(step.before))
            except InTheWay:
                foreign.append(step.path)
    return foreign


def _clean(root: int, journal: Journal) -> None:
    """Remove what a kill left half-written, and wait until every folder is on the disk."""
    for number, change in enumerate(journal.changes):
        above = split(change.path)[:-1]
        for depth in range(len(above) + 1):
            with suppress(FileNotFoundError, NotADirectoryError), folder(root, above[:depth]) as parent:
                os.unlink(_temp(number), dir_fd=parent)
    touched = {tuple(split(path)[:-1]) for path in (*journal.paths, *journal.made, *dict(journal.emptied))}
    for parts in {(), *touched}:
        sync_folder(root, parts)


def _temp(number: int) -> str:
    return f".policyloop-{number}.tmp"
