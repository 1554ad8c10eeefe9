"""The policy directory, looked at again and again: what it holds once it has come to rest, and whether that passes.

Watching is done by the stat of each entry, so it holds on every file system, over a network and through links that are
swapped. It costs a hundredth of a core at most: the more files there are, the longer it rests in between.
"""

import asyncio
import os
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.errors import Exit, PersonNeeded, PolicyloopError, Unavailable, UsageError
from policyloop.findings import Finding
from policyloop.layout import NEVER, Kind, is_ours, kind
from policyloop.printing import one_line
from policyloop.serve.pdp.interface import RefusedPolicies
from policyloop.validators.judge import validate
from policyloop.workspace.baseline import read_revision
from policyloop.workspace.git import Git, in_work_tree
from policyloop.workspace.read import read_bundle

Signature = tuple[tuple[object, ...], ...]
"""The stat of each entry; two that are equal are of one content, but for changes within one tick of the clock."""

_SHARE = 100
"""Between two looks it rests at least so many times as long as a look takes."""
_QUIET_SECONDS = 0.2
"""A directory is at rest when nothing in it changed for so long: a save or a checkout writes file after file."""
_MOST_UNREST_SECONDS = 10.0
_TICK_SECONDS = 2.0
"""What was read so soon after a change is read once more: two writes in one tick of the clock have one stat."""
_MOST_ENTRIES = 200_000


def signature(directory: Path) -> Signature:
    """What the directory looks like now. Never raises: what cannot be looked at looks like that."""
    try:
        # The folder that the name leads to: a link to it may be swapped for one to another.
        real = os.path.realpath(directory)
        status = os.stat(real)  # noqa: PTH116 - pathlib costs more
        # An archive of policies is one file.
        return (("at", real, *_stat(status)), *(_entries(real, "") if stat.S_ISDIR(status.st_mode) else ()))
    except OSError as error:
        return (("not", error.errno),)


def _looked_at(directory: Path) -> tuple[Signature, float]:
    """What it looks like, and the seconds of processor time that looking took."""
    before = time.thread_time()
    return signature(directory), time.thread_time() - before


def _entries(folder: str, prefix: str) -> Iterator[tuple[object, ...]]:
    below = [(folder, prefix)]
    seen = 0
    while below:
        folder, prefix = below.pop()
        with os.scandir(folder) as listed:
            entries = sorted(listed, key=lambda entry: entry.name)
        seen += len(entries)
        if seen > _MOST_ENTRIES:
            # Reading it will say that there are too many.
            return
        for entry in entries:
            path = prefix + entry.name
            if entry.is_symlink():
                yield path, os.readlink(entry.path)  # noqa: PTH115
            elif entry.is_dir(follow_symlinks=False):
                if entry.name not in NEVER:
                    below.append((entry.path, f"{path}/"))
                    yield path, "folder"
            elif kind(path) is not None or is_ours(entry.name):
                yield path, *_stat(entry.stat(follow_symlinks=False))


def _stat(status: os.stat_result) -> tuple[object, ...]:
    folder = stat.S_ISDIR(status.st_mode)
    # A folder's own times change with files in it that nobody reads as policies.
    times = () if folder else (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return (status.st_dev, status.st_ino, status.st_mode, *times)


class Watch:
    """Looks at one directory. `changed` waits for what it holds to become something else."""

    def __init__(self, directory: Path, look_seconds: float) -> None:
        self._directory = directory
        self._look_seconds = look_seconds
        self._seen: Signature | None = None
        self._again_at = 0.0
        """When to read once more although nothing seems to have changed, 0 for never. By the loop's clock."""

    async def changed(self) -> Bundle | RefusedPolicies:
        """What the directory holds, at rest, after a change; or why it cannot be read."""
        loop = asyncio.get_running_loop()
        while True:
            now, took = await asyncio.to_thread(_looked_at, self._directory)
            due = bool(self._again_at) and loop.time() >= self._again_at
            if now != self._seen or due:
                return await self._at_rest(now)
            await asyncio.sleep(max(self._look_seconds, took * _SHARE))

    def once_more(self, seconds: float) -> None:
        """Read it again after so many seconds, whether or not it changes."""
        self._again_at = asyncio.get_running_loop().time() + seconds

    async def _at_rest(self, now: Signature) -> Bundle | RefusedPolicies:
        loop = asyncio.get_running_loop()
        changed = now != self._seen
        until = loop.time() + _MOST_UNREST_SECONDS
        while True:
            await asyncio.sleep(_QUIET_SECONDS if changed else 0)
            before, now = now, await asyncio.to_thread(signature, self._directory)
            over = loop.time() > until
            if before != now and not over:
                changed = True
                continue
            read = await asyncio.to_thread(_read, self._directory)
            after = await asyncio.to_thread(signature, self._directory)
            # A file that changed while it was read, or a write-back that goes on, is no more at rest than the others.
            if (after == now and not isinstance(read, PersonNeeded)) or over:
                break
            changed, now = True, after
        self._seen = now
        self._again_at = loop.time() + _TICK_SECONDS if changed else 0.0
        if after != now:
            return _refused("the directory does not come to rest: it changes while it is read")
        return read if isinstance(read, Bundle) else _refused(read.message)


def _read(directory: Path) -> Bundle | PolicyloopError:
    try:
        return read_bundle(directory)
    except (UsageError, PersonNeeded) as error:
        return error
    except OSError as error:
        return UsageError(f"{directory} cannot be read: {error.strerror}.")


def judged(runner: Runner, bundle: Bundle) -> RefusedPolicies | None:
    """Why `bundle` may not serve: it must compile, with no test failing in the normal or in the strict pass.

    A bundle without a test may serve, one without a policy may not: it would leave every question open. Raises
    `Unavailable` when the compiler cannot be run, or did not come to an end.
    """
    if not any(kind(path) is Kind.POLICY for path in bundle):
        return _refused("there is no policy in the directory", bundle.digest, Exit.USAGE)
    report = validate(runner, bundle, require_tests=False)
    if report.green:
        return None
    if report.timed_out:
        raise Unavailable(f"The policies were not judged: {report.findings[0].message}.")
    return _refused(_sentence(report.first[0]), bundle.digest, report.exit_code)


def commit_of(directory: Path, bundle: Bundle) -> str:
    """The commit that git says is checked out, where it holds exactly `bundle` at `directory`; else empty."""
    with suppress(PolicyloopError, OSError, ValueError):
        real = directory.resolve()
        if in_work_tree(real):
            head = Git(real).ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
            commit = head.decode("ascii").strip() if head else ""
            if commit and read_revision(commit, real).digest == bundle.digest:
                return commit
    return ""


def _sentence(finding: Finding) -> str:
    place = f"{finding.file}:{finding.line}: " if finding.file and finding.line else ""
    place = place or (f"{finding.file}: " if finding.file else "")
    about = f"{finding.assertion}: " if finding.assertion else ""
    return f"{place}{about}{finding.message}"


def _refused(finding: str, digest: str = "", exit_code: Exit = Exit.USAGE) -> RefusedPolicies:
    return RefusedPolicies(finding=one_line(finding), when=datetime.now(UTC), digest=digest, exit_code=exit_code)
