"""What is here, what is missing, and what to do about it: for `policyloop doctor`."""

import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from policyloop.errors import PersonNeeded, Unavailable
from policyloop.redact import sound_key
from policyloop.validators.pinned import expected_sha256
from policyloop.validators.process import Limits, Processes
from policyloop.validators.select import BINARY_VARIABLE, NoBinary, open_native

State = Literal["ok", "missing", "broken"]
_INSTALL = "policyloop doctor --install"
_NATIVE = f"{_INSTALL} --runner native (not needed where Docker is ready)"
_NPM = f"Install Node.js with npm: {_INSTALL} fetches the native binary with it."


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was looked for: its state, what is known of it, and what to do when it is not `ok`."""

    name: str
    state: State
    detail: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All that was looked for. `usable` when one of the two runners can run the pinned compiler."""

    found: tuple[Found, ...]
    usable: bool


def probe(version: str, image: str) -> Diagnosis:
    """Look at everything a run may need. Nothing is fetched, and no key's value is read out.

    A compiler that is used here for the first time is known from then on (`firsts`); nothing else is changed.
    """
    native = _native(version)
    docker = _docker(version, image)
    tools = (_python(), _tool("git", "Install git: check --baseline REVISION needs it."), _tool("npm", _NPM))
    usable = native.state == "ok" or all(found.state == "ok" for found in docker)
    return Diagnosis((*tools, native, *docker, _key()), usable)


def _python() -> Found:
    return Found("python", "ok", f"{platform.python_implementation()} {platform.python_version()}")


def _tool(name: str, hint: str) -> Found:
    path = shutil.which(name)
    if path is None:
        return Found(name, "missing", "not on PATH", hint)
    try:
        limits = Limits(seconds=20, output_bytes=65_536)
        ended = Processes().run([path, "--version"], environment=os.environ, directory=Path("/"), limits=limits)
    except Unavailable as error:
        return Found(name, "broken", error.message, hint)
    said = ended.stdout.decode("utf-8", "replace").strip().splitlines()
    if ended.exit_code != 0 or not said:
        return Found(name, "broken", f"{path} --version ends with exit code {ended.exit_code}", hint)
    return Found(name, "ok", said[0].removeprefix(f"{name} version "))


def _native(version: str) -> Found:
    try:
        runner = open_native(version, 60)
    except PersonNeeded as error:
        return Found("native compiler", "broken", error.message, error.hint)
    except Unavailable as error:
        state: State = "missing" if isinstance(error, NoBinary) else "broken"
        return Found("native compiler", state, error.message, _NATIVE)
    digest = runner.info.digest
    pinned = expected_sha256(version)
    if pinned is None:
        verdict = "no hash is pinned for this platform; another one than this is refused from now on"
        if os.environ.get(BINARY_VARIABLE):
            verdict = "no hash is pinned for this platform"
    else:
        verdict = "as pinned" if digest == f"sha256:{pinned}" else "another build than the pinned one"
    return Found("native compiler", "ok", f"Cerbos {version} at {runner.binary}, {digest}, {verdict}")


def _docker(version: str, image: str) -> tuple[Found, Found]:
    """The engine and the image."""
    from policyloop.validators.docker import DockerRunner
    from policyloop.validators.engine import ImageAbsent, NoEngine, address, connect, engine_version

    unknown = Found("image", "missing", f"{image}: no engine to ask")
    try:
        engine = Found("docker engine", "ok", f"{engine_version(connect())} at {address()}")
    except Unavailable as error:
        state: State = "missing" if isinstance(error, NoEngine) else "broken"
        return Found("docker engine", state, error.message, error.hint), unknown
    try:
        runner = DockerRunner(image, 60, version=version)
        runner.close()
    except ImageAbsent as error:
        return engine, Found("image", "missing", error.message, error.hint)
    except (Unavailable, PersonNeeded) as error:
        return engine, Found("image", "broken", error.message, error.hint)
    return engine, Found("image", "ok", f"{image}, {runner.info.digest}, Cerbos {version}")


def _key() -> Found:
    """Whether a key for the `claude` model is set; never what it is."""
    names = [name for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN") if os.environ.get(name)]
    address = os.environ.get("ANTHROPIC_BASE_URL", "")
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        host = ""
    where = f", for {host or 'an address that cannot be read'}" if address else ""
    odd = [name for name in names if not sound_key(os.environ[name])]
    if odd:
        words = f"{odd[0]} holds a blank, a line break or a character that no key has"
        return Found("model key", "broken", words, "Set it again. Checks and the demo need no key.")
    if names:
        return Found("model key", "ok", f"{names[0]} is set{where}")
    hint = "Set ANTHROPIC_API_KEY, or bring your own model: --model-command. Checks and the demo need no key."
    return Found("model key", "missing", f"neither ANTHROPIC_API_KEY nor ANTHROPIC_AUTH_TOKEN is set{where}", hint)
