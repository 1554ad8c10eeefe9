"""Where settings of Claude Code lie, and reading and writing them without following a link.

Source of the places: the client 2.1.329.
"""

import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from policyloop.errors import PersonNeeded, Unavailable, UsageError
from policyloop.harden.document import Settings, parse
from policyloop.workspace.inside import (
    FOLDER,
    Held,
    InTheWay,
    digest_of,
    held,
    make_folders,
    place,
    prepare,
    remove,
    sync_folder,
)

MAX_BYTES = 1_048_576
_TEMPORARY = ".policyloop-harden"
_MANAGED = {"darwin": ("/Library/Application Support", "ClaudeCode"), "linux": ("/etc", "claude-code")}


@dataclass(frozen=True, slots=True)
class Place:
    """A settings file: `path`, with `/`, below the folder `root`."""

    root: Path
    path: str

    @property
    def name(self) -> str:
        """The file as messages call it."""
        return str(self.root / self.path)


def project_file(project: Path, name: str = "settings.json") -> Place:
    """The settings of a project, or with `settings.local.json` those of one person in it."""
    return Place(project, f".claude/{name}")


def user_file() -> Place:
    """The settings of the user."""
    return Place(Path.home(), ".claude/settings.json")


def managed_file(platform: str = sys.platform) -> Place:
    """The settings that bind every user of this machine. Raises `Unavailable` for another platform."""
    if platform not in _MANAGED:
        raise Unavailable(f"Managed settings are not known for {platform}.", "There are Linux and macOS.")
    root, folder = _MANAGED[platform]
    return Place(Path(root), f"{folder}/managed-settings.json")


def read(where: Place) -> Settings:
    """The settings that are there, through links. Raises `UsageError` for a file that cannot be read or is broken."""
    try:
        # A pipe in its place must not keep us waiting for a writer.
        opened = os.open(where.root / where.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(opened, "rb") as file:
            if not stat.S_ISREG(os.fstat(opened).st_mode):
                raise UsageError(f"{where.name} is no file.", "Move it away.")
            data = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return parse(None, where.name)
    except OSError as error:
        raise UsageError(f"{where.name} cannot be read: {error.strerror}.", "Check its permissions.") from None
    if len(data) > MAX_BYTES:
        raise UsageError(f"{where.name} has more than {MAX_BYTES} bytes.", "Settings are smaller.")
    try:
        return parse(data.decode(), where.name)
    except UnicodeDecodeError as error:
        raise UsageError(f"{where.name} is not UTF-8 at byte {error.start}.", "Save it as UTF-8.") from None


def read_plain(where: Place) -> Settings:
    """As `read`, for a file that is to be written: raises `UsageError` for a link, or anything else but a file."""
    parts = where.path.split("/")
    for depth in range(1, len(parts) + 1):
        step = where.root.joinpath(*parts[:depth])
        try:
            mode = step.lstat().st_mode
        except FileNotFoundError:
            break
        except OSError as error:
            raise UsageError(f"{step} cannot be read: {error.strerror}.", "Check its permissions.") from None
        if stat.S_ISLNK(mode):
            raise UsageError(f"{step} is a link.", "Put a file of its own there; nothing was written.")
        if not (stat.S_ISREG(mode) if depth == len(parts) else stat.S_ISDIR(mode)):
            kind = "file" if depth == len(parts) else "folder"
            raise UsageError(f"{step} is no {kind}.", "Move it away; nothing was written.")
    return read(where)


def write(where: Place, text: str, before: Settings, *, managed: bool) -> None:
    """Put `text` into the file, all or nothing. Managed settings are made readable for everybody.

    Raises `PersonNeeded` when the file is no longer what `before` was read from, and `Unavailable` when it cannot be
    written.
    """
    folders = where.path.split("/")[:-1]
    try:
        root = os.open(where.root, FOLDER)
        try:
            now = held(root, where.path)
            like = Held("", 0o644, 0, 0) if managed else now
            make_folders(root, where.path, {"/".join(folders): 0o755} if managed else {})
            prepare(root, folders, _TEMPORARY, text.encode(), like)
            try:
                place(root, where.path, folders, _TEMPORARY, digest_of(before.text))
            except (InTheWay, OSError):
                remove(root, "/".join([*folders, _TEMPORARY]), digest_of(text))
                raise
            sync_folder(root, folders)
        finally:
            os.close(root)
    except InTheWay:
        raise PersonNeeded(
            f"{where.name} changed meanwhile.", "It was not touched; look at it and run again."
        ) from None
    except OSError as error:
        hint = "Managed settings are root's: run it with sudo." if managed else "Check its permissions."
        raise Unavailable(f"{where.name} cannot be written: {error.strerror}.", hint) from None
