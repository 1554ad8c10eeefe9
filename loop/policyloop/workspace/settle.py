"""Doing what a journal says, from wherever a kill left it: forward to the new contents, or back to the old ones.

Each path is looked at first. What already is as it shall be is done; what still is as it was is changed; anything else
was put there by somebody else and is never touched. Meeting that on the way forward turns the whole write-back round
(the caller does), so that it happens wholly or not at all, and the other's change is kept either way.

A change by somebody else between the last look at a file and the rename over it, some microseconds, is not seen.
"""

import os
from contextlib import suppress

from policyloop.workspace.inside import (
    InTheWay,
    digest_of,
    folder,
    held,
    make_folders,
    put,
    remove,
    remove_folder,
    split,
    sync_folder,
)
from policyloop.workspace.journal import Change, Journal


def go_forward(root: int, journal: Journal) -> None:
    """Take every path to its new content. Raises `InTheWay` for what somebody else changed, and `OSError`."""
    for change in journal.changes:
        if _digest(root, change.path) not in {digest_of(change.old), digest_of(change.new)}:
            raise InTheWay(change.path)
    for number, change in enumerate(journal.changes):
        if change.new is None:
            _settle(root, change, number, change.old, None)
    for path, _ in reversed(journal.emptied):
        remove_folder(root, path)
    for number, change in enumerate(journal.changes):
        if change.new is not None:
            _settle(root, change, number, change.old, change.new)
    _clean(root, journal)


def go_back(root: int, journal: Journal) -> tuple[str, ...]:
    """Take every path to its old content; answers those that somebody else changed and are left. Raises `OSError`."""
    left = []
    modes = dict(journal.emptied)
    changes = list(enumerate(journal.changes))
    for number, change in [c for c in changes if c[1].old is None]:
        try:
            _settle(root, change, number, change.new, None)
        except InTheWay:
            left.append(change.path)
    for path in reversed(journal.made):
        remove_folder(root, path)
    for number, change in [c for c in changes if c[1].old is not None]:
        try:
            _settle(root, change, number, change.new, change.old, modes)
        except InTheWay:
            left.append(change.path)
    _clean(root, journal)
    return tuple(sorted(left))


def _settle(
    root: int, change: Change, number: int, before: str | None, after: str | None, modes: dict[str, int] | None = None
) -> None:
    now = held(root, change.path)
    digest = now.digest if now else None
    if digest == digest_of(after):
        return
    if digest != digest_of(before):
        raise InTheWay(change.path)
    if after is None:
        remove(root, change.path)
        return
    make_folders(root, change.path, modes or {})
    put(root, change.path, after.encode(), over=now, like=now or change.like(), temp=_temp(number))


def _clean(root: int, journal: Journal) -> None:
    """Remove what a kill left half-written, and wait until every folder is on the disk."""
    for number, change in enumerate(journal.changes):
        with suppress(FileNotFoundError, NotADirectoryError), folder(root, split(change.path)[:-1]) as parent:
            os.unlink(_temp(number), dir_fd=parent)
    touched = {tuple(split(path)[:-1]) for path in (*journal.paths, *journal.made, *dict(journal.emptied))}
    for parts in {(), *touched}:
        sync_folder(root, parts)


def _temp(number: int) -> str:
    return f".policyloop-{number}.tmp"


def _digest(root: int, path: str) -> str | None:
    now = held(root, path)
    return now.digest if now else None
