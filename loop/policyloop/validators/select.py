"""Which runner a run gets, and one sentence for each that it cannot get."""

import os
import shutil
from pathlib import Path
from typing import Literal

from policyloop.cerbos.run import Runner
from policyloop.errors import Unavailable
from policyloop.validators.native import NativeRunner
from policyloop.validators.pinned import cached_binary

RunnerName = Literal["auto", "docker", "native"]
BINARY_VARIABLE = "POLICYLOOP_CERBOS"
_INSTALL = "policyloop doctor --install gets the pinned compiler."
_INSTALL_NATIVE = "policyloop doctor --install --runner native gets it."


class NoBinary(Unavailable):
    """The pinned binary is at none of the places where it is looked for."""


def open_runner(*, runner: RunnerName, version: str, image: str, timeout_seconds: float) -> Runner:
    """The runner that was asked for; `auto` is Docker where an engine answers and has the image, else the binary.

    `info.runner` says which it became. Raises `Unavailable` with the reason, for `auto` with both.
    """
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


def open_native(version: str, timeout_seconds: float) -> NativeRunner:
    """The binary: where `POLICYLOOP_CERBOS` says, else in the cache directory, else on PATH.

    What a person names in the environment is taken at its version; the others must have the hash that is pinned.
    """
    named = os.environ.get(BINARY_VARIABLE)
    if named:
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


def _open_docker(version: str, image: str, timeout_seconds: float) -> Runner:
    from policyloop.validators.docker import DockerRunner  # 0.1 s to import: only where it is wanted

    return DockerRunner(image, timeout_seconds, version=version)
