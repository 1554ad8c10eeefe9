"""Where a key really leads on this machine. The one file of this room that looks at a disk."""

import os

from policyloop.shell.marks import ANY_MARK


def resolved(key: str) -> str | None:
    """The path with every link followed, also where its last parts do not exist yet; None where the key is not one path
    of this machine (a pattern, an open beginning, another system's) or a link leads in a circle.
    """
    if not key.startswith("/") or ANY_MARK.search(key) or "\0" in key:
        return None
    try:
        return os.path.realpath(key, strict=False)
    except (OSError, ValueError):
        return None
