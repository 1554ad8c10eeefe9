"""Whether managed settings are root's alone, and what the drop-ins beside them undo.

Settings that another user can write, or a folder above them in which another user can put another file in their place,
bind nobody. The client also reads `managed-settings.d/*.json`, by name, over `managed-settings.json`.
"""

import stat
from collections.abc import Iterator
from pathlib import Path

from policyloop.harden import files
from policyloop.harden.document import Settings
from policyloop.harden.drift import Drift, Role, loose, strict_enough
from policyloop.harden.rules import Wanted

DROP_INS = "managed-settings.d"
_RUNS = {
    "apiKeyHelper": "runs a program for the key.",
    "awsAuthRefresh": "runs a program for the key.",
    "statusLine": "runs a program for each line of status.",
    "enabledPlugins": "brings along hooks, servers and commands of plugins.",
}


def standing(where: files.Place, wanted: Wanted) -> Iterator[Drift]:
    """What is wrong with the place of managed settings, and with the drop-ins beside them."""
    path = where.root / where.path
    yield from _owned(path)
    folder = path.parent / DROP_INS
    try:
        names = sorted(entry.name for entry in folder.iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        yield _drift(folder, f"cannot be read: {error.strerror}.")
        return
    yield from _owned(folder, above=False)
    for name in names:
        if not name.endswith(".json") or name.startswith("."):
            continue
        yield from _owned(folder / name, above=False)
        over = files.read(files.Place(folder, name))
        yield from undone(over, wanted)
        yield from loose(over, Role.MANAGED, wanted, managed=True)
        yield from running(over)


def undone(over: Settings, wanted: Wanted) -> Iterator[Drift]:
    """Values that a drop-in sets otherwise: it is read after the file that `harden` writes."""
    for value in wanted.values:
        found = over.value(value.key)
        if found is not None and not strict_enough(found, value):
            key = ".".join(value.key)
            yield Drift(over.name, over.line(value.key), key, "undoes what the managed settings say.", mendable=False)


def running(settings: Settings) -> Iterator[Drift]:
    """What in settings starts programs beside the hooks, or lets commands out of the sandbox."""
    for key, words in _RUNS.items():
        if settings.value((key,)):
            yield Drift(settings.name, settings.line((key,)), key, words, mendable=False)
    if settings.groups("SessionStart"):
        path = ("hooks", "SessionStart")
        yield Drift(settings.name, settings.line(path), ".".join(path), "runs when a session starts.", mendable=False)
    if settings.value(("sandbox", "enabled")) is False:
        path = ("sandbox", "enabled")
        yield Drift(settings.name, settings.line(path), ".".join(path), "turns the sandbox off.", mendable=False)


def _owned(path: Path, *, above: bool = True) -> Iterator[Drift]:
    """The file or folder, and each folder above it, of which another user than root could change something."""
    for place in (path, *(path.parents if above else ())):
        try:
            status = place.lstat()
        except OSError:
            continue
        if stat.S_ISLNK(status.st_mode):
            yield _drift(place, "is a link.")
        if status.st_uid != 0:
            yield _drift(place, f"belongs to user {status.st_uid}, not to root.")
        sticky = place != path and status.st_mode & stat.S_ISVTX
        if status.st_mode & 0o022 and not sticky:
            yield _drift(place, f"can be written by others than root (mode {stat.S_IMODE(status.st_mode):04o}).")


def _drift(place: Path, message: str) -> Drift:
    return Drift(str(place), None, "the place", message, mendable=False)
