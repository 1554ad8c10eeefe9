"""Programs that tests fetch through the npm client, once for a machine, into policyloop's cache directory."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from policyloop.errors import Unavailable
from policyloop.validators.pinned import cache_directory


def npm_folder(name: str, *packages: str) -> Path:
    """The folder `node_modules/.bin` that holds the programs of `packages`, each pinned as `name@version`.

    What is there is used as it is. Two at once wait for each other; half an install is never seen. Raises
    `Unavailable` where npm is missing or cannot reach its registry.
    """
    target = cache_directory() / "for-tests" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with _alone(target.with_suffix(".lock")):
        if not target.is_dir():
            _install(target, packages)
    return target / "node_modules" / ".bin"


def _install(target: Path, packages: tuple[str, ...]) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise Unavailable("npm is not here.", "Install Node.js with npm.")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".install-") as folder:
        (Path(folder) / "package.json").write_text('{"private": true}\n')
        quiet = ("--no-audit", "--no-fund", "--no-package-lock", "--no-update-notifier", "--loglevel=error")
        done = subprocess.run(
            [npm, "install", *quiet, *packages],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        if done.returncode != 0:
            raise Unavailable(f"npm could not get {', '.join(packages)}: {done.stderr.strip()[-500:]}")
        # A folder of its own inside, since the temporary one is removed by name.
        (Path(folder) / "node_modules").rename(_made(Path(folder) / "whole") / "node_modules")
        (Path(folder) / "whole").rename(target)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
