"""Getting the pinned compiler: the binary through the npm client, the image through the engine."""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from policyloop.errors import PersonNeeded, Unavailable
from policyloop.validators.firsts import keep_first, same_as_before
from policyloop.validators.identity import Identity, ask_version, identify, known_sha256, sha256_of
from policyloop.validators.pinned import (
    binary_name,
    cache_directory,
    cached_binary,
    expected_sha256,
    npm_package,
    platform_name,
)
from policyloop.validators.process import Ended, Limits, Processes
from policyloop.validators.select import RunnerName
from policyloop.validators.staging import private_directory

_LIMITS = Limits(seconds=600, output_bytes=1_048_576)
_FLAGS = (
    "--no-audit",
    "--no-fund",
    "--ignore-scripts",
    "--no-package-lock",
    "--no-save",
    "--no-progress",
    "--no-update-notifier",
    "--loglevel=error",
    "--fetch-retries=2",
    "--fetch-retry-mintimeout=1000",
    "--fetch-retry-factor=2",
)


@dataclass(frozen=True, slots=True)
class Installed:
    """The binary as it stands in the cache directory. `fresh` when it was fetched just now."""

    path: Path
    identity: Identity
    fresh: bool


def install(version: str) -> Installed:
    """Put Cerbos `version` for this machine into the cache directory, unless it is there and right.

    It is fetched by the npm client, checked against the pinned SHA-256 (where one is pinned) and asked for its
    version before it is moved into place at one stroke, so installs may overlap. Raises `Unavailable` with a sentence
    when npm is missing, cannot reach its registry, or brings the wrong thing, and `PersonNeeded` when no hash is pinned
    and it brings another one than the first time.
    """
    target = cached_binary(version)
    there = _fitting(target, version)
    if there is not None:
        return Installed(target, there, fresh=False)
    npm = shutil.which("npm")
    if npm is None:
        raise Unavailable(f"npm is not here, and it is what fetches Cerbos {version}.", "Install Node.js with npm.")
    try:
        cache_directory().mkdir(mode=0o700, parents=True, exist_ok=True)
        target.parent.mkdir(exist_ok=True)
        with private_directory(target.parent, ".install-") as folder:
            binary = _fetch(npm, version, folder)
            binary.chmod(0o755)
            _check(binary, version)
            binary.replace(target)
    except OSError as error:
        raise Unavailable(f"{target} cannot be written: {error.strerror or error}.") from None
    return Installed(target, identify(target), fresh=True)


def ensure(version: str, image: str, runner: RunnerName) -> str:
    """Make sure that `runner` can run Cerbos `version`, and say in one sentence what there is now.

    `auto` is content with one of the two: Docker with what its engine has or can pull, else the binary. Raises
    `Unavailable` with the reason, for `auto` with both.
    """
    if runner == "native":
        return _ensure_native(version)
    try:
        return _ensure_docker(version, image)
    except Unavailable as error:
        if runner == "docker":
            raise
        no_docker = error.message
    try:
        return _ensure_native(version)
    except Unavailable as error:
        raise Unavailable(
            f"Neither runner can be had. docker: {no_docker} native: {error.message}", error.hint
        ) from None


def _ensure_native(version: str) -> str:
    installed = install(version)
    done = "is now at" if installed.fresh else "is already at"
    return f"Cerbos {version} {done} {installed.path} (SHA-256 {installed.identity.sha256})."


def _ensure_docker(version: str, image: str) -> str:
    from policyloop.validators.docker import DockerRunner
    from policyloop.validators.engine import connect, has_image, pull

    client = connect()
    fresh = not has_image(client, image)
    if fresh:
        pull(client, image)
    runner = DockerRunner(image, 60, version=version)
    runner.close()
    done = "now has" if fresh else "already has"
    return f"The Docker engine {done} {image} ({runner.info.digest}), and it runs Cerbos {version}."


def _fitting(binary: Path, version: str) -> Identity | None:
    """What stands at `binary`, None when that is nothing or not the pinned thing."""
    try:
        if expected_sha256(version) is None:
            same_as_before(binary_name(version), f"sha256:{known_sha256(binary)}")
        identity = identify(binary, expected=expected_sha256(version))
    except (Unavailable, PersonNeeded):
        return None
    return identity if identity.version == version else None


def _check(binary: Path, version: str) -> None:
    """What npm brought: first its hash, then, when that fits, its version, for which it has to run."""
    sha256, pinned = sha256_of(binary), expected_sha256(version)
    if pinned not in (None, sha256):
        raise Unavailable(f"npm brought a Cerbos {version} with SHA-256 {sha256}; pinned is {pinned}.")
    if pinned is None:
        same_as_before(binary_name(version), f"sha256:{sha256}")
    said = ask_version(binary, Processes())
    if said != version:
        raise Unavailable(f"npm brought Cerbos {said}, not the pinned {version}.")
    if pinned is None:
        keep_first(binary_name(version), f"sha256:{sha256}")


def _fetch(npm: str, version: str, folder: Path) -> Path:
    package = npm_package(version)
    ended = Processes().run(
        [npm, "install", "--prefix", str(folder), *_FLAGS, package],
        environment=os.environ,
        directory=folder,
        limits=_LIMITS,
    )
    if ended.exit_code != 0:
        raise Unavailable(_why_npm_failed(ended, package))
    found = folder / "node_modules" / "@cerbos" / f"cerbos-{platform_name()}" / f"cerbos-{platform_name()}"
    if not found.is_file():
        raise Unavailable(f"The npm package {package} does not hold the binary {found.name}.")
    return found


_UNREACHABLE = (
    "ENOTFOUND",
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ECONNRESET",
    "ETIMEDOUT",
    "ENETUNREACH",
    "ERR_SOCKET_TIMEOUT",
)


def _why_npm_failed(ended: Ended, package: str) -> str:
    if ended.trouble is not None:
        return f"npm did not get {package} within {_LIMITS.seconds:.0f} s."
    said = ended.stderr.decode("utf-8", "replace")
    code = re.search(r"^npm (?:error|ERR!) code (\S+)", said, re.MULTILINE)
    name = code[1] if code else f"exit code {ended.exit_code}"
    if name in _UNREACHABLE:
        return f"npm cannot reach its registry to get {package} ({name})."
    if name == "E404":
        return f"npm's registry has no {package}."
    return f"npm could not get {package} ({name})."
