"""A path as it was written, as the one key of its place.

key("../b//c/.", "/srv/app/a", "")      /srv/app/b/c
key("~/.ssh/id_rsa", ..., "")        ~/.ssh/id_rsa        where the home directory is not known
key("x", "", "")                     …/x                  relative to a directory that is not known
"""

import re
import unicodedata
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

from policyloop.places.windows import is_windows, windows_key
from policyloop.shell.marks import HOLE, TILDE

System: TypeAlias = Literal["linux", "darwin", "windows"]
UNKNOWN_START = HOLE
"""What a key begins with where its beginning is not known."""
_PROC = re.compile(
    r"/proc/(?:(?:self|thread-self)(?:/task/[^/]+)?/(root|cwd|fd)|(?:\d+|[\ue000-\ue003])(?:/task/[^/]+)?/(root))(?=/|$)"
)
_PRIVATE = re.compile(r"/private(?=/(?:etc|var|tmp)(?:/|$))")
_DATA_VOLUME = "/System/Volumes/Data"
_STANDARD = {"/dev/stdin": "/dev/fd/0", "/dev/stdout": "/dev/fd/1", "/dev/stderr": "/dev/fd/2"}
_ODD = re.compile(r"//|/\.|^\.|/$|\\|^/(?:proc|private|System|dev)/|^[A-Za-z]:")
_HOMES = re.compile(r"(?:/home/[^/]+|/Users/[^/]+|/root|[A-Z]:/Users/[^/]+)(?=/|$)")


class Whereabouts(NamedTuple):
    """What is known of where a call happens. Empty where it is not."""

    cwd: str
    home: str = ""
    system: System = "linux"

    @property
    def folds_case(self) -> bool:
        """Whether the system's usual volumes take upper and lower case for the same."""
        return self.system != "linux"


@lru_cache(maxsize=512)
def whereabouts(cwd: str, home: str = "") -> Whereabouts:
    """Of a call; which system it is shows in how its working directory is written."""
    system: System = "linux"
    if is_windows(cwd) or is_windows(home):
        system = "windows"
    elif cwd.startswith(("/Users/", "/private/", "/Volumes/", "/Applications/")) or home.startswith("/Users/"):
        system = "darwin"
    start = key(cwd, Whereabouts("", "", system)) if cwd else ""
    return Whereabouts(start, key(home, Whereabouts("/", "", system)) if home else "", system)


def key(path: str, where: Whereabouts) -> str:
    """The key of one place. Marks stay in it: a pattern is still a pattern, what is not known is still open."""
    if path.startswith(TILDE):
        path = _at_home(path, where)
    if where.system == "windows" or is_windows(path):
        return windows_key(path, where.cwd)
    if not path.startswith(("/", "~", HOLE)):
        path = f"{where.cwd or UNKNOWN_START}/{path}"
    if not path.isascii():
        path = unicodedata.normalize("NFC", path)
    if _ODD.search(path):
        path = _special(_folded(path), where)
    return path


def keys(path: str, where: Whereabouts) -> tuple[str, ...]:
    """Every key under which a policy may know a place: as named, from the home directory, and in lower case where the
    volume takes that for the same.
    """
    named = key(path, where)
    at_home = ""
    if where.home:
        if named == where.home or named.startswith(where.home + "/"):
            at_home = "~" + named[len(where.home) :]
    else:
        home = _HOMES.match(named)
        if home is not None:
            at_home = "~" + named[home.end() :]
    found = (named, at_home) if at_home else (named,)
    if where.folds_case:
        return tuple(dict.fromkeys([*found, *(name.lower() for name in found)]))
    return found


def parent(path: str) -> str:
    """The directory that a key lies in."""
    head, slash, _ = path.rpartition("/")
    return head or slash or path


def _at_home(path: str, where: Whereabouts) -> str:
    rest = path[1:]
    if rest.startswith("+"):
        return where.cwd + rest[1:] if where.cwd else UNKNOWN_START + rest[1:]
    if rest.startswith("-"):
        return UNKNOWN_START + rest[2:]
    if rest and not rest.startswith("/"):
        return "~" + rest
    return (where.home or "~") + rest


def _folded(path: str) -> str:
    """Without `.`, `..`, doubled and trailing slashes. Where `..` leads behind a link shows on a disk only."""
    absolute = path.startswith("/")
    parts: list[str] = []
    for part in path.split("/"):
        if part in {"", "."}:
            continue
        if part == "..":
            parts = _link_followed(parts, absolute=absolute)
        if part != "..":
            parts.append(part)
        elif not parts:
            if not absolute:
                parts.append(part)
        elif HOLE in parts[-1] or parts[-1] == "..":
            parts[-1] = HOLE  # how many directories stand for it is not known
        elif len(parts) == 1 and parts[0].startswith("~"):
            parts[0] = HOLE
        else:
            parts.pop()
    return ("/" if absolute else "") + "/".join(parts)


def _link_followed(parts: list[str], *, absolute: bool) -> list[str]:
    """Where `..` is taken from: the system's own links lead elsewhere on each machine, so behind them it is known."""
    path = "/".join(parts) if absolute else ""
    if path in {"dev/fd", "var/run"}:
        return ["proc", "self", "fd"] if path == "dev/fd" else ["run"]
    if path == "proc/thread-self":
        return ["proc", "self", "task", "1"]
    if path.startswith("proc/") and len(parts) == 3 and parts[2] == "root":
        return []
    if path.startswith("proc/") and parts[-1] == "cwd":
        return [HOLE]
    return parts


def _special(path: str, where: Whereabouts) -> str:
    """Second names that systems give: of the root, the working directory, the three standard files."""
    for _ in range(8):
        before = path
        match = _PROC.match(path)
        if match is not None:
            start = {"root": "", "cwd": where.cwd or UNKNOWN_START, "fd": "/dev/fd"}[match[1] or match[2]]
            path = _folded(start + path[match.end() :] or "/")
        if path.startswith(_DATA_VOLUME + "/"):
            path = path[len(_DATA_VOLUME) :]
        elif path == _DATA_VOLUME:
            path = "/"
        path = _PRIVATE.sub("", path, count=1) if path.startswith("/private") else path
        if path == before:
            break
    return _STANDARD.get(path, path)
