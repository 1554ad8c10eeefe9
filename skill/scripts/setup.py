#!/usr/bin/env python3
"""Make the command `policyloop` available, and say what was done.

    python3 skill/scripts/setup.py

What is on PATH, or where this script put it earlier, is used as it is. Otherwise policyloop is installed from the
folder that this script lies in, with uv, else pipx, else a virtual environment in the cache; the first that works.
That needs the network once, for the Python packages that policyloop stands on. Two at once wait for each other.

Exit code 0: the command is there. 8: it is not, and why. Runs on any Python from 3.8 on, with nothing installed.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
NEEDED = (
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "constraints.txt",
    "loop",
    "prompts",
    "skill",
    "fixtures/demo",
    "docs/codes",
    "fixtures/starter",
)
"""What the package is built from, below the skill's folder."""

OLDEST = (3, 11)
UNAVAILABLE = 8


class Failed(Exception):
    """Why there is no policyloop, in sentences."""


def main() -> int:
    """Find it or set it up; say which."""
    try:
        found = _find()
        if found is not None:
            _tell(found, f"policyloop is already here: {found} ({_version(found)}). Nothing was done.")
            return 0
        with _alone():
            found = _find()
            if found is not None:
                _tell(found, f"policyloop was set up meanwhile: {found} ({_version(found)}). Nothing was done.")
                return 0
            way, found = _install()
        _tell(found, f"policyloop ({_version(found)}) is now at {found}, set up with {way}.")
    except Failed as error:
        print(f"policyloop could not be set up: {error}", file=sys.stderr)
        return UNAVAILABLE
    except OSError as error:
        print(f"policyloop could not be set up: {error.filename}: {error.strerror}.", file=sys.stderr)
        return UNAVAILABLE
    return 0


def _tell(program: Path, words: str) -> None:
    print(words)
    if shutil.which("policyloop") is None:
        print(
            f"{program.parent} is not on PATH. Claude Code sessions that start from now on with this skill's hooks find"
            f' it; for every other shell add: export PATH="{program.parent}:$PATH"'
        )


def _find() -> Path | None:
    """The program that there is: on PATH, else where this script puts it. One that does not run is a failure."""
    if sys.platform == "win32":
        raise Failed("it runs on Linux and macOS. On Windows use WSL.")
    on_path = shutil.which("policyloop")
    for place in ([Path(on_path)] if on_path else []) + [_bin() / "policyloop", _venv() / "bin" / "policyloop"]:
        if place.exists():
            _version(place)
            return place
    return None


def _version(program: Path) -> str:
    try:
        done = subprocess.run(
            [str(program), "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(f"{program} is there but does not run ({error}). Remove it, then try again.") from None
    if done.returncode != 0:
        raise Failed(f"{program} is there but does not run: {_last(done.stderr)} Remove it, then try again.")
    return done.stdout.decode("utf-8", "replace").strip()


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        raise Failed("there is no home directory. Set HOME.") from None


def _bin() -> Path:
    return _home() / ".local" / "bin"


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else _home() / ".cache") / "policyloop"


def _venv() -> Path:
    return _cache() / "venv"


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Only one of us at a time; the lock goes with the process, however it ends."""
    import fcntl

    _cache().mkdir(parents=True, exist_ok=True)
    with (_cache() / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install() -> tuple[str, Path]:
    missing = [name for name in NEEDED if not (SOURCE / name).exists()]
    if missing:
        raise Failed(
            f"{SOURCE} does not hold policyloop's source ({missing[0]} is missing). "
            "Install the skill as a whole folder."
        )
    ways = [("uv", _with_uv)] if shutil.which("uv") else []
    ways += [("pipx", _with_pipx)] if shutil.which("pipx") else []
    ways.append((f"a virtual environment in {_venv()}", _with_venv))
    reasons = []
    with tempfile.TemporaryDirectory(prefix="policyloop-") as folder:
        source = _copy(Path(folder) / "policyloop")
        for name, way in ways:
            try:
                return name, way(source)
            except Failed as error:
                reasons.append(f"with {name.split(' in ')[0]}: {error}")
    raise Failed(" ".join(reasons) + " It needs the network once, for Python packages.")


def _copy(target: Path) -> Path:
    """The source, where a build leaves nothing behind in the skill's folder."""
    unwanted = shutil.ignore_patterns("__pycache__", "*.egg-info", "_version.py")
    for name in NEEDED:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        if (SOURCE / name).is_dir():
            shutil.copytree(SOURCE / name, target / name, ignore=unwanted)
        else:
            shutil.copyfile(SOURCE / name, target / name)
    return target


def _with_uv(source: Path) -> Path:
    _bin().mkdir(parents=True, exist_ok=True)
    pins = str(source / "constraints.txt")
    _run(["uv", "tool", "install", "--quiet", "--constraints", pins, str(source)], UV_TOOL_BIN_DIR=str(_bin()))
    return _bin() / "policyloop"


def _with_pipx(source: Path) -> Path:
    pins = f"--pip-args=--constraint={source / 'constraints.txt'}"
    _run(["pipx", "install", "--quiet", "--python", _python(), pins, str(source)], PIPX_BIN_DIR=str(_bin()))
    return _bin() / "policyloop"


def _with_venv(source: Path) -> Path:
    shutil.rmtree(_venv(), ignore_errors=True)
    try:
        _run([_python(), "-m", "venv", str(_venv())])
        pip = [str(_venv() / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        _run([*pip, "--constraint", str(source / "constraints.txt"), str(source)])
    except Failed:
        shutil.rmtree(_venv(), ignore_errors=True)
        raise
    _bin().mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        (_bin() / "policyloop").symlink_to(_venv() / "bin" / "policyloop")
    return _bin() / "policyloop"


def _python() -> str:
    """A Python that policyloop runs on."""
    for name in (sys.executable, "python3", "python3.14", "python3.13", "python3.12", "python3.11"):
        test = f"import sys; sys.exit(sys.version_info < {OLDEST})"
        with contextlib.suppress(OSError):
            if name and subprocess.run([name, "-c", test], capture_output=True, check=False).returncode == 0:
                return name
    raise Failed(f"there is no Python {OLDEST[0]}.{OLDEST[1]} or later.")


def _run(command: list[str], **environment: str) -> None:
    # PYTHONPATH and VIRTUAL_ENV of whoever called us would lead an installer elsewhere, and so would the folder that
    # we were called in: `python -m pip` takes any pip.py there for its own.
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    try:
        done = subprocess.run(
            command,
            env={**kept, **environment},
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=900,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"{Path(command[0]).name} did not finish within 15 minutes.") from None
    if done.returncode != 0:
        raise Failed(_last(done.stderr or done.stdout))


def _last(said: bytes) -> str:
    """The last line that names an error, else the last line; without the credentials of an address."""
    lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"(?i)(error|fatal|\u00d7 )", line)]
    line = (errors or lines or ["no reason was given"])[-1]
    return re.sub(r"//[^/@\s]+@", "//", line)[:300].rstrip(".") + "."


if __name__ == "__main__":
    sys.exit(main())
