"""A small judgement over effects, for tests and `make bench` only: what a starter set of rules would say."""

from policyloop.decide.effects import Effects
from policyloop.places.sensitive import is_system

DENIED = {
    "decode-and-run",
    "disk-write",
    "exfiltration",
    "fetch-and-run",
    "force-push",
    "fork-bomb",
    "history-destroy",
    "network-shell",
    "secret-read",
    "worktree-discard",
    "database-destroy",
    "security-off",
    "container-escape",
    "system-stop",
    "agent-settings",
}
ASKED = {
    "cloud-change",
    "environment",
    "history-rewrite",
    "inline-code",
    "network-listen",
    "package-install",
    "permission-change",
    "persistence",
    "privilege",
    "process-kill",
    "publish",
    "upload",
}


def judged(effects: Effects, own: tuple[str, ...] = ()) -> str:
    """`deny`, `ask` or `allow`; `own`: the names under which what decides keeps its own files and its own program."""
    if effects.unparsed:
        return "ask"
    if DENIED & set(effects.may_do):
        return "deny"
    if any(is_system(path) for path in effects.may_delete):
        return "deny"
    if any(is_system(path) and not path.startswith("/dev/") for path in effects.may_write):
        return "deny"
    if any(
        f"/.{name}/" in path + "/" or path.endswith(f"/bin/{name}")
        for name in own
        for path in (*effects.may_write, *effects.may_delete)
    ):
        return "deny"
    if any(name in effects.may_run for name in own):
        return "deny"
    if ASKED & set(effects.may_do) or effects.unknown:
        return "ask"
    return "allow"
