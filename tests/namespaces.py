"""Commands that see another /etc, or a disk that is full: in mount namespaces of their own, so nothing of ours changes.

The tests run as root in CI; elsewhere a user namespace is tried, and a test that can have neither is skipped.
"""

import os
import subprocess
from pathlib import Path

import pytest

_MANAGED = """
set -e
mount --make-rprivate /
upper=$(mktemp -d)
mount -t tmpfs tmpfs "$upper"
mkdir "$upper/u" "$upper/w"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$upper/u,workdir=$upper/w" /etc
mkdir -p /etc/claude-code
cp -a "$0/." /etc/claude-code/
exec "$@"
"""

_FULL = """
set -e
mount --make-rprivate /
kept=$(mktemp -d)
cp -a "$0/." "$kept/"
mount -t tmpfs -o size=64k tmpfs "$0"
cp -a "$kept/." "$0/"
rm -r "$kept"
cat /dev/zero > "$0/filler" 2>/dev/null || true
[ "$(df --output=avail "$0" | tail -n 1)" -eq 0 ]
code=0
"$@" || code=$?
rm "$0/filler"
find "$0" -mindepth 1 -printf 'left %P\\n'
[ ! -f "$0/$KEPT" ] || sha256sum "$0/$KEPT"
exit $code
"""


def managed_folder(folder: Path) -> list[str]:
    """The beginning of a command that sees the content of `folder` in the place of the machine's managed settings."""
    folder.mkdir(exist_ok=True)
    return _private(_MANAGED, folder)


def full_disk(folder: Path) -> list[str]:
    """The beginning of a command for which `folder`, with what lies in it, is a disk without any space left.

    Afterwards it prints `left NAME` for all that lies there, and the SHA-256 of the file that `KEPT` names in it.
    """
    return _private(_FULL, folder)


def _private(script: str, place: Path) -> list[str]:
    user = [] if os.geteuid() == 0 else ["-r"]
    prefix = ["unshare", *user, "-m", "sh", "-c", script, str(place)]
    tried = subprocess.run([*prefix, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        words = f"no private mount namespace: {tried.stderr.strip()}"
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)
    return prefix
