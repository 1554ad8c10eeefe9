"""Who started a container, so that what a dead process of this machine left can be told from what is in use."""

import os
import platform
from pathlib import Path


def this_process() -> str:
    """A name that no other process has: the boot and the namespace that its id is good in, its id, its start."""
    return f"{_realm()} {os.getpid()} {_start(os.getpid())}"


def is_dead(owner: str) -> bool:
    """Whether `owner` is a process that we would see if it still ran. False for any that we cannot judge."""
    realm, _, process = owner.partition(" ")
    pid, _, start = process.partition(" ")
    return realm == _realm() and pid.isdigit() and _start(int(pid)) != start


def _realm() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return platform.node().replace(" ", "-")


def _start(pid: int) -> str:
    """When the process began, in clock ticks since boot, `running` where that is not told, empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        pass
    if Path("/proc/self/stat").exists():
        return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "running"
