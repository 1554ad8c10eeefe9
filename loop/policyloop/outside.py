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


_PROJECTS = (".git", "policyloop.yaml", ".policyloop")
"""What makes a folder a project, whose files came from others."""


def home() -> str:
    """The folder. It need not exist. Raises `NotOurs` when it lies in a project.

    A project's settings set the environment of an agent's commands and hooks: so a clone could bring along the state
    that it is to be judged by.
    """
    place = os.path.join(base("XDG_STATE_HOME", ".local", "state"), "policyloop")
    if project := project_around(place):
        raise NotOurs(f"{place} lies in the project {project}, and what comes with a project decides nothing")
    return place


def base(variable: str, *default: str) -> str:
    """The folder that a variable of XDG names, else `default` below the user's home."""
    named = os.environ.get(variable, "")
    return named if os.path.isabs(named) else os.path.join(os.path.expanduser("~"), *default)


def project_around(place: str) -> str | None:
    """The project in which a folder lies, None for none. The home of this user, and what is above it, is no project.

    Under an agent the folder that it works in is one, too.
    """
    import pwd

    real = os.path.realpath(place)
    try:
        own = os.path.realpath(pwd.getpwuid(os.geteuid()).pw_dir)
    except KeyError:
        own = os.sep
    working = [os.environ.get("CLAUDE_PROJECT_DIR", "")]
    if "CLAUDECODE" in os.environ:
        working.append(_here())
    projects = {os.path.realpath(folder) for folder in working if os.path.isabs(folder)} - {own, os.sep}
    while real not in {own, os.sep}:
        if real in projects or any(os.path.lexists(os.path.join(real, name)) for name in _PROJECTS):
            return real
        real = os.path.dirname(real)
    return None


def _here() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""


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
