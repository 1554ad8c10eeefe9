"""The folder of this user, outside of every project, in which lies what decides something.

A project's files come from others: with a clone, a pull request, a model's edit. None of them is believed because of
where it lies. This folder, `$XDG_STATE_HOME/policyloop` (`~/.local/state/policyloop`), is its owner's alone. What runs
as the same user can still write there; nothing here is proof against that.

Imported at every tool call of an agent, so it imports next to nothing.
"""

import os
import stat


class NotOurs(Exception):
    """The folder cannot be used, or is not this user's alone; the text says which and why."""


def home() -> str:
    """The folder. It need not exist."""
    base = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.join(os.path.expanduser("~"), ".local", "state")
    return os.path.join(base, "policyloop")


def made(name: str) -> str:
    """The folder `name` in it, made for its owner alone. Raises `NotOurs`."""
    place = home()
    try:
        for folder in (place, os.path.join(place, name)):
            os.makedirs(folder, mode=0o700, exist_ok=True)
            status = os.lstat(folder)
            if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
                raise NotOurs(f"{folder} is not a folder that only its owner, this user, can write")
    except OSError as error:
        raise NotOurs(f"{place} cannot be used: {error.strerror}") from None
    return os.path.join(place, name)
