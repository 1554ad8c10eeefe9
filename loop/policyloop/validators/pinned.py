"""Which compiler is the judge: its version, its image, its binary for each platform, and where that binary lives."""

import os
import platform
import sys
from pathlib import Path

from policyloop.errors import Unavailable

VERSION = "0.55.0"
IMAGE = f"ghcr.io/cerbos/cerbos:{VERSION}"

SHA256 = {
    ("0.55.0", "linux-x64"): "1bb7264706e49f868551b355ef0a8e3b57947cccfe0551fb3dfae503f458ff7b",
}
"""SHA-256 of the binary inside the npm package of a platform. For a platform that is not here the first
one is taken at npm's word (its client checks the package against the registry's integrity hash) and at `--version`; its
hash is kept (`firsts`), and another one is refused."""


def platform_name() -> str:
    """This machine as Cerbos's npm packages name it, such as `linux-x64`. Raises `Unavailable` where there is none."""
    system = {"linux": "linux", "darwin": "darwin"}.get(sys.platform)
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine().lower())
    if system is None or machine is None:
        raise Unavailable(
            f"There is no Cerbos binary for {sys.platform} on {platform.machine()}.",
            "Use Docker: policyloop ... --runner docker",
        )
    return f"{system}-{machine}"


def npm_package(version: str) -> str:
    """The npm package that holds the binary for this machine, with its version."""
    return f"@cerbos/cerbos-{platform_name()}@{version}"


def binary_name(version: str) -> str:
    """What the binary for this machine is called where its first hash is kept."""
    try:
        return f"binary of Cerbos {version} for {platform_name()}"
    except Unavailable:
        return f"binary of Cerbos {version} for {sys.platform}-{platform.machine()}"


def expected_sha256(version: str) -> str | None:
    """The pinned hash of the binary for this machine, None where none is pinned."""
    try:
        return SHA256.get((version, platform_name()))
    except Unavailable:
        return None


def cache_directory() -> Path:
    """`${XDG_CACHE_HOME:-~/.cache}/policyloop`; it may not exist yet. Raises `Unavailable` when there is no home."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if Path(base).is_absolute():
        return Path(base) / "policyloop"
    try:
        return Path.home() / ".cache" / "policyloop"
    except RuntimeError:
        raise Unavailable("There is no home directory to keep the compiler in.", "Set XDG_CACHE_HOME.") from None


def cached_binary(version: str) -> Path:
    """Where `policyloop doctor --install` puts the binary, and where it is looked for."""
    return cache_directory() / f"cerbos-{version}" / "cerbos"
