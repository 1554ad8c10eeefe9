"""The index of a task: what else the bundle holds, in a bounded number of lines, nearest files first."""

from collections import Counter
from collections.abc import Iterable, Sequence

from policyloop.bundle import MAX_PATH_BYTES, Bundle

MAX_ENTRIES = 60
NEAREST_FILES = 24
"""Files named one by one, beside what a model asked to have listed."""
FOLDERS = 12
"""Folders given with a count."""


def index(bundle: Bundle, shown: Iterable[str], wanted: Sequence[str], said: str = "") -> tuple[str, ...]:
    """At most `MAX_ENTRIES` entries: notes on what was asked for, listings, the nearest files, folders with counts.

    `said`: a folder whose content is said elsewhere: no entry, unless it is asked for.
    """
    shown = set(shown)
    notes = [_note(bundle, path) for path in wanted if path not in shown and not _below(bundle, path)]
    listings = [entry for folder in wanted for entry in _listing(bundle, folder)]
    entries = list(dict.fromkeys([*notes[:10], *listings]))[: MAX_ENTRIES - FOLDERS]
    prefix = f"{said}/"
    rest = [path for path in bundle if path not in shown and path not in entries]
    if said and not listings:
        rest = [path for path in rest if not path.startswith(prefix)]
    near = _nearest(rest, shown)[: min(NEAREST_FILES, MAX_ENTRIES - FOLDERS - len(entries))]
    return (*entries, *near, *_counts(set(rest).difference(near)))


def _note(bundle: Bundle, path: str) -> str:
    what = "too long to be shown together with the rest" if path in bundle else "no such file or folder"
    return f"{path[:MAX_PATH_BYTES]}: {what}"


def _below(bundle: Bundle, folder: str) -> list[str]:
    prefix = folder.strip("/") + "/"
    return [path for path in bundle if path.startswith(prefix) or prefix in ("/", "./")]


def _listing(bundle: Bundle, folder: str) -> list[str]:
    """A folder's own files, and its folders with counts."""
    if folder in bundle:
        return []
    name = "" if folder.strip("/") in ("", ".") else folder.strip("/") + "/"
    inside = [path[len(name) :] for path in _below(bundle, folder)]
    folders = Counter(path.split("/")[0] for path in inside if "/" in path)
    return [
        *(_count(name + below, number) for below, number in sorted(folders.items())),
        *(name + path for path in inside if "/" not in path),
    ]


def _nearest(paths: Iterable[str], shown: Iterable[str]) -> list[str]:
    """`paths`, those in and around the folders of `shown` first."""
    folders = {tuple(path.split("/")[:-1]) for path in shown} or {()}
    distances = {folder: _distance(folder, folders) for folder in {tuple(p.split("/")[:-1]) for p in paths}}
    return sorted(paths, key=lambda path: (distances[tuple(path.split("/")[:-1])], path))


def _distance(folder: tuple[str, ...], others: Iterable[tuple[str, ...]]) -> int:
    def steps(other: tuple[str, ...]) -> int:
        common = 0
        while common < min(len(folder), len(other)) and folder[common] == other[common]:
            common += 1
        return len(folder) + len(other) - 2 * common

    return min(steps(other) for other in others)


def _counts(paths: Iterable[str]) -> list[str]:
    """Folders with how many of `paths` they hold, as deep as `FOLDERS` lines allow."""
    paths = list(paths)
    deepest = max((path.count("/") for path in paths), default=0)
    groups: Counter[str] = Counter()
    for depth in range(deepest, -1, -1):
        groups = Counter("/".join(path.split("/")[:-1][: max(depth, 1)]) for path in paths)
        if len(groups) <= FOLDERS:
            break
    kept = groups.most_common(FOLDERS if len(groups) <= FOLDERS else FOLDERS - 1)
    other = sum(groups.values()) - sum(number for _, number in kept)
    entries = [_count(folder, number) for folder, number in sorted(kept)]
    return entries if not other else [*entries, f"elsewhere ({_files(other)})"]


def _count(folder: str, number: int) -> str:
    return f"{folder or '.'}/ ({_files(number)})"


def _files(number: int) -> str:
    return f"{number} file" if number == 1 else f"{number} files"
