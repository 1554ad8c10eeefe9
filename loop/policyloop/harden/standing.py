"""Whether managed settings are root's alone, and what holds once the drop-ins beside them were read.

Settings that another user can write, or a folder above them in which another user can put another file in their place,
bind nobody. Measured in the client 2.1.329 (`tests/test_harden_merge.py` measures it again): it reads each
`managed-settings.d/*.json` over `managed-settings.json`, by name as texts are ordered (`10` before `9`, `B` before
`a`), but no hidden file, no folder below, no other ending. Of a value the last file that sets it wins, also for
`requiredMinimumVersion`, `disableAllHooks` and the `allowManaged...Only` keys; lists of rules and of hooks add up, and
nothing takes away from them. A value of a wrong type is left out with a warning; with a file that is no JSON object the
client does not start.
"""

import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from policyloop.harden import files
from policyloop.harden.document import Path as Key
from policyloop.harden.document import Settings
from policyloop.harden.drift import Drift, Role, loose, strict_enough
from policyloop.harden.rules import Wanted

DROP_INS = "managed-settings.d"
_RUNS = {
    "apiKeyHelper": "runs a program for the key.",
    "awsAuthRefresh": "runs a program for the key.",
    "awsCredentialExport": "runs a program for the key.",
    "gcpAuthRefresh": "runs a program for the key.",
    "otelHeadersHelper": "runs a program for the headers of telemetry.",
    "policyHelper": "runs a program that makes managed settings.",
    "policyHelpers": "runs a program that makes managed settings.",
    "statusLine": "runs a program for each line of status.",
    "subagentStatusLine": "runs a program for each line of status.",
    "fileSuggestion": "runs a program for the names of files.",
    "enabledPlugins": "brings along hooks, servers and commands of plugins.",
}
_ALLOWED_OUT: tuple[tuple[Key, object, str], ...] = (
    (("sandbox", "enabled"), False, "turns the sandbox off."),
    (("sandbox", "allowUnsandboxedCommands"), True, "lets commands out of the sandbox."),
)
_EVENTS = ("SessionStart", "Setup")
"""Events whose hooks run before anything is asked."""


def standing(where: files.Place, wanted: Wanted) -> Iterator[Drift]:
    """What is wrong with the place of managed settings, and with what holds after the drop-ins beside them.

    Raises `UsageError` for a drop-in that is no settings file.
    """
    path = where.root / where.path
    yield from owned(path)
    drop_ins, drift = read_drop_ins(where)
    yield from drift
    base = files.read(where)
    for over in drop_ins:
        yield from loose(over, Role.MANAGED, wanted, managed=True)
    yield from undone(base, drop_ins, wanted)
    yield from running([base, *drop_ins])


def read_drop_ins(where: files.Place) -> tuple[list[Settings], list[Drift]]:
    """The drop-ins beside managed settings, in the order in which the client reads them; and what is wrong with them.

    Raises `UsageError` for one that is no settings file.
    """
    folder = (where.root / where.path).parent / DROP_INS
    drop_ins: list[Settings] = []
    drift: list[Drift] = []
    try:
        names = sorted((entry.name for entry in folder.iterdir()), key=_as_the_client)
    except FileNotFoundError:
        names = []
    except OSError as error:
        drift.append(_drift(folder, f"cannot be read: {error.strerror}."))
        names = []
    else:
        drift += owned(folder, above=False)
    for name in names:
        if not name.endswith(".json") or name.startswith("."):
            continue
        drift += owned(folder / name, above=False)
        drop_ins.append(files.read(files.Place(folder, name)))
    return drop_ins, drift


def undone(base: Settings, drop_ins: Sequence[Settings], wanted: Wanted) -> Iterator[Drift]:
    """Values that are another in the end: of the drop-ins, in the order in which they are read, the last one says."""
    for value in wanted.values:
        last = _last([base, *drop_ins], value.key)
        if last is not None and last is not base and not strict_enough(last.value(value.key), value):
            key = ".".join(value.key)
            yield Drift(last.name, last.line(value.key), key, "undoes what the managed settings say.", mendable=False)


def running(documents: Sequence[Settings]) -> Iterator[Drift]:
    """What in settings, in the order in which they are read, starts programs beside the hooks or opens the sandbox."""
    for key, words in _RUNS.items():
        last = _last(documents, (key,))
        if last is not None and last.value((key,)):
            yield Drift(last.name, last.line((key,)), key, words, mendable=False)
    for settings in documents:
        for event in _EVENTS:
            if settings.groups(event):
                line = settings.line(("hooks", event))
                yield Drift(settings.name, line, f"hooks.{event}", "runs when a session starts.", mendable=False)
    for path, value, words in _ALLOWED_OUT:
        last = _last(documents, path)
        if last is not None and last.value(path) is value:
            yield Drift(last.name, last.line(path), ".".join(map(str, path)), words, mendable=False)


def _last(documents: Sequence[Settings], key: Key) -> Settings | None:
    """The last document that says something of a key."""
    return next((settings for settings in reversed(documents) if settings.value(key) is not None), None)


def _as_the_client(name: str) -> bytes:
    """Names in the order of UTF-16, as the client's language compares texts."""
    return name.encode("utf-16-be", "surrogatepass")


def owned(path: Path, *, above: bool = True) -> Iterator[Drift]:
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
