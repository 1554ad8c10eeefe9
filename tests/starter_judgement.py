"""A small judgement over effects, for tests and `make bench` only: what a starter set of rules would say."""

import re

from policyloop.decide.effects import Command, Effects
from policyloop.places.sensitive import SYSTEM

DENIED = {
    "container-escape",
    "database-destroy",
    "disk-write",
    "exfiltration",
    "fetch-and-run",
    "force-push",
    "fork-bomb",
    "network-shell",
    "security-off",
    "system-stop",
}
ASKED = {
    "agent-settings",
    "cloud-change",
    "decode-and-run",
    "environment",
    "history-destroy",
    "history-rewrite",
    "inline-code",
    "network-listen",
    "package-install",
    "permission-change",
    "persistence",
    "privilege",
    "process-kill",
    "publish",
    "remote-delete",
    "secret-read",
    "upload",
    "worktree-discard",
}
CREDENTIALS = re.compile(
    r"/\.ssh/id_|/id_(?:rsa|ed25519|ecdsa|dsa)|/\.aws/|/\.env(?!rc)|/\.netrc|/\.git-credentials|/\.npmrc|/\.pypirc|/\.pgpass"
    r"|/\.kube/config|/\.docker/config\.json|/\.config/(?:gcloud|gh|glab-cli)|^/etc/g?shadow|credential|/\.gnupg/private"
    r"|/\.password-store|/\.vault-token|/\.boto|/\.s3cfg|kubernetes/|auth\.(?:json|toml)|/environ$"
)
"""Names of which a starter set is sure; of other secrets (any `.pem`) it asks."""
_WHOLE = {place for place in SYSTEM if place not in {"/srv", "/Volumes"}}


def judged(effects: Effects, own: tuple[str, ...] = ()) -> str:
    """`deny`, `ask` or `allow`; `own`: the names under which what decides keeps its own files and its own program."""
    if effects.unparsed:
        return "ask"
    inline = "inline-code" in effects.does
    decoded = "decode-and-run" in effects.does and effects.unknown
    if (
        decoded
        or DENIED & set(effects.does if inline else effects.may_do)
        or ("secret-read" in effects.may_do and any(CREDENTIALS.search("/" + path) for path in effects.may_read))
    ):
        return "deny"
    if not inline and any(_whole(path) for path in effects.may_delete) and "recursive-delete" in effects.may_do:
        return "deny"
    guessed = {"local-program", "unknown-option"} & set(effects.unknown)
    if (
        any(_whole(path) for path in (effects.writes if guessed else effects.may_write))
        and "permission-change" in effects.may_do
    ):
        return "deny"
    if own and any(_own(path, own) for path in (*effects.may_write, *effects.may_delete)) and not inline:
        return "deny"
    if own and any(_changes(command, own) for command in effects.commands):
        return "deny"
    if ASKED & set(effects.may_do) or effects.unknown or any(_whole(path) for path in effects.may_delete):
        return "ask"
    return "allow"


_TELLING = {"status", "--help"}
CHANGING = {"trust", "untrust", "guard", "enable", "disable", "install", "uninstall", "hook"}


def _changes(command: Command, own: tuple[str, ...]) -> bool:
    words = set(command.argv)
    return command.program in own and bool(CHANGING & words) and not _TELLING & words


def _whole(path: str) -> bool:
    return path.rstrip("/*") in _WHOLE or path in {"/", "/*"} or re.fullmatch(r"[A-Z]:/?\*?", path) is not None


def _own(path: str, own: tuple[str, ...]) -> bool:
    return any(re.match(rf"~/\.{name}(?:[/*?…\[]|$)", path) or path.endswith(f".local/bin/{name}") for name in own)
