"""Which runner a run gets, and one sentence for each that it cannot get."""

import math
import os
import shutil
from pathlib import Path
from typing import Literal

from policyloop.agreed import agent_mark
from policyloop.cerbos.named import is_image, is_version
from policyloop.cerbos.run import Runner
from policyloop.errors import PersonNeeded, Unavailable, UsageError
from policyloop.validators.firsts import agreeing, is_known
from policyloop.validators.identity import known_sha256
from policyloop.validators.native import NativeRunner
from policyloop.validators.pinned import IMAGE, VERSION, binary_name, cached_binary, expected_sha256

RunnerName = Literal["auto", "docker", "native"]
BINARY_VARIABLE = "POLICYLOOP_CERBOS"
_INSTALL = "policyloop doctor --install gets the pinned compiler."
_INSTALL_NATIVE = "policyloop doctor --install --runner native gets it."


class NoBinary(Unavailable):
    """The pinned binary is at none of the places where it is looked for."""


def open_runner(*, runner: RunnerName, version: str, image: str, timeout_seconds: float) -> Runner:
    """The runner that was asked for; `auto` is Docker where an engine answers and has the image, else the binary.

    `info.runner` says which it became. Raises `Unavailable` with the reason, for `auto` with both, and `UsageError`
    for a version, an image or a time that is none: they become parts of paths and of addresses, and an end.
    """
    _check_names(version, image, timeout_seconds)
    if runner == "native":
        return open_native(version, timeout_seconds)
    try:
        return _open_docker(version, image, timeout_seconds)
    except Unavailable as error:
        if runner == "docker":
            raise
        no_docker = error
    try:
        return open_native(version, timeout_seconds)
    except Unavailable as no_native:
        reasons = f"Neither runner can be had. docker: {no_docker.message} native: {no_native.message}"
        raise Unavailable(reasons, _INSTALL) from None


def _check_names(version: str, image: str, timeout_seconds: float) -> None:
    if not is_version(version):
        raise UsageError(f"{version!r} is no version such as {VERSION}.", "A version is three numbers.")
    if not is_image(image):
        raise UsageError(f"{image!r} is no image such as {IMAGE}.", "Give a reference as the engine takes it.")
    if not math.isfinite(timeout_seconds) or timeout_seconds <= 0:
        raise UsageError(f"A time limit of {timeout_seconds} seconds is none.", "Give a number above 0.")


def open_native(version: str, timeout_seconds: float) -> NativeRunner:
    """The binary: where `POLICYLOOP_CERBOS` says, else in the cache directory, else on PATH.

    What a person names in the environment is taken at its version, but under an agent, whose environment a project's
    settings may have set, only when its hash is pinned or known. The others must have the hash that is pinned, or where
    none is, that of the first one. Raises `PersonNeeded` and `Unavailable`.
    """
    named = os.environ.get(BINARY_VARIABLE)
    if named:
        _vouched_for(Path(named), version)
        return NativeRunner(Path(named), timeout_seconds, version=version)
    cached = cached_binary(version)
    if cached.exists():
        return NativeRunner(cached, timeout_seconds, version=version)
    missing = f"There is no Cerbos {version} binary at {cached}"
    on_path = shutil.which("cerbos")
    if on_path is None:
        raise NoBinary(f"{missing}.", _INSTALL_NATIVE)
    try:
        return NativeRunner(Path(on_path), timeout_seconds, version=version, pinned=True)
    except Unavailable as error:
        raise NoBinary(f"{missing}; {error.message}", _INSTALL_NATIVE) from None


def _vouched_for(binary: Path, version: str) -> None:
    """Raises `PersonNeeded` under an agent for a binary that is neither pinned nor known; nothing of it is run."""
    mark = agent_mark()
    if mark is None:
        return
    sha256 = known_sha256(binary)
    subject, digest = f"{BINARY_VARIABLE} {os.path.realpath(binary)}", f"sha256:{sha256}"
    if sha256 == expected_sha256(version) or is_known(subject, digest) or is_known(binary_name(version), digest):
        return
    raise PersonNeeded(
        f"{BINARY_VARIABLE} names {binary}, which is not the Cerbos that is pinned (it is {digest}); under an agent "
        f"({mark} is set) nobody vouches for that variable.",
        "Unset it, or agree to it.",
        [agreeing(subject, digest)],
    )


def _open_docker(version: str, image: str, timeout_seconds: float) -> Runner:
    from policyloop.validators.docker import DockerRunner  # 0.1 s to import: only where it is wanted

    return DockerRunner(image, timeout_seconds, version=version)
