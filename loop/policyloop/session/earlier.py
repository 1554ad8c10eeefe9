"""Earlier sessions that a new one answers to: below the tests that they left locked only a person goes.

A record is found by the path of its directory. So that it is not shed by another name, a directory also answers to the
record of a folder around it or in it, of one that is gone (moved), of another one in the same git repository (a
worktree), and of another one of the same Claude Code session, where it holds the same tests or the same policies.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policyloop.bundle import Bundle
from policyloop.errors import PersonNeeded
from policyloop.findings import Weakened
from policyloop.guard import Lock
from policyloop.layout import Kind, kind
from policyloop.session.home import Entry
from policyloop.session.live import RecordedSession, load


@dataclass(frozen=True, slots=True)
class Weaker:
    """What is weaker in a directory than session `entry` left it."""

    entry: Entry
    weakened: tuple[Weakened, ...]


def weaker_than(entries: list[Entry], policies: Path, claude: str | None, now: Bundle) -> tuple[Weaker, ...]:
    """Each earlier session that locked more than `now` holds. `policies`: the real path of the directory.

    Raises `PersonNeeded` where a record that counts is not whole, so that nobody can tell.
    """
    found: list[Weaker] = []
    for entry in entries:
        lock = _lock_on(entry, policies, claude, now)
        weakened = lock.weakened_by(now) if lock is not None else ()
        if weakened:
            found.append(Weaker(entry, weakened))
    return tuple(found)


def _lock_on(entry: Entry, policies: Path, claude: str | None, now: Bundle) -> Lock | None:
    """The lock that a directory answers to; None where the record is about something else."""
    there = Path(entry.policies)
    if there == policies:
        return load(entry).state.lock
    if there.is_relative_to(policies):
        return load(entry).state.lock
    if policies.is_relative_to(there):
        return _below(load(entry), policies.relative_to(there).as_posix())
    if not there.is_dir():
        try:
            past = load(entry)
        except PersonNeeded:
            return None  # neither the directory nor its record is there any more
        return past.state.lock if _alike(past, now) else None
    if (claude and entry.claude == claude) or _same_repository(there, policies):
        past = load(entry)
        return past.state.lock if _alike(past, now) else None
    return None


def _below(past: RecordedSession, folder: str) -> Lock:
    """The lock on what a session left in one of its folders."""
    files = past.state.current.files.items()
    below = {path.removeprefix(f"{folder}/"): text for path, text in files if path.startswith(f"{folder}/")}
    return Lock.of(Bundle(below))


def _alike(past: RecordedSession, now: Bundle) -> bool:
    """Whether half of the tests, by name, or half of the policies, by content, are there in another directory too."""
    tests = {(one.id.suite, one.id.test) for one in past.state.lock}
    tests_here = {(one.id.suite, one.id.test) for one in Lock.of(now)}
    return _half(tests, tests_here) or _half(set(_texts(past.state.current)), set(_texts(now)))


def _half(before: set[Any], here: set[Any]) -> bool:
    return 0 < len(before) <= 2 * len(before & here)


def _texts(bundle: Bundle) -> Iterator[str]:
    return (text for path, text in bundle.files.items() if kind(path) is Kind.POLICY)


def _same_repository(one: Path, other: Path) -> bool:
    mine = _repository(one)
    return mine is not None and mine == _repository(other)


def _repository(folder: Path) -> Path | None:
    """The git directory that all worktrees of a repository share. Git itself is not run: it obeys that directory."""
    for above in (folder, *folder.parents):
        mark = above / ".git"
        try:
            if mark.is_dir():
                return mark.resolve()
            if mark.is_file():
                line = mark.read_text(encoding="utf-8", errors="surrogateescape")[:4096].strip()
                own = Path(os.path.normpath(above / line.removeprefix("gitdir:").strip()))
                common = own / "commondir"
                return (own / common.read_text(errors="surrogateescape").strip() if common.is_file() else own).resolve()
        except OSError:
            return None
    return None
