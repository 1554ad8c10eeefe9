"""Where an agent may read while a session holds it: its project, the skill and its own results, and no secrets there.

What is read goes to a model. So nothing is read from elsewhere on the machine (`/proc`, other people's homes, the
places of keys), and within the project not from files whose names say that they hold secrets.
"""

import os
from typing import Any

from policyloop.hooks.verdict import Verdict, deny, standing
from policyloop.session.home import Entry

_NAMES = frozenset(
    {".netrc", "_netrc", ".npmrc", ".pypirc", ".pgpass", ".my.cnf", ".git-credentials", ".htpasswd", ".dockercfg"}
    | {"credentials", "credentials.json", "credentials.yaml", "credentials.yml", "credentials.toml"}
    | {"secrets.json", "secrets.yaml", "secrets.yml", "secrets.toml", "application_default_credentials.json"}
    | {".vault-token", ".envrc"}
)
_BEGINNINGS = (".env.", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".env-", ".env_")
_ENDS = (".pem", ".key", ".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".ppk", ".tfstate", ".tfvars", ".env")
_SHOWN = frozenset({".env.example", ".env.sample", ".env.template", ".env.dist"})
_FOLDERS = frozenset({".git", ".ssh", ".aws", ".azure", ".kube", ".gnupg", ".docker", "gcloud", ".secrets", "secrets"})
_MAGIC = ("/proc", "/dev", "/sys", "/run", "/var/run")
MAX_ENTRIES = 20_000
"""How many names are looked at before a folder is too large to be searched."""
_GLOB = "*?["


class Readable:
    """What may be read while session `entry` holds the agent. `question`: the hook's input."""

    def __init__(self, entry: Entry, question: dict[str, Any]) -> None:
        self._policies = entry.policies
        self._cwd = str(question.get("cwd") or "")
        self._roots = _roots(entry, question)

    def file(self, path: str) -> str | None:
        """Why the file, or the name, at `path` is not read; None when it may be."""
        real = self._real(path)
        if real is None:
            return f"{path[:200]!r} is no plain path"
        if real in {"/dev/null", self._policies} or real.startswith(self._policies + os.sep):
            return None
        if any(real == place or real.startswith(place + os.sep) for place in _MAGIC):
            return f"{path[:200]} lies in {os.sep.join(real.split(os.sep)[:2])}, which is not read"
        root = next((root for root in self._roots if real == root or real.startswith(root + os.sep)), None)
        if root is None:
            return f"{path[:200]} lies outside of the project, and nothing there is read"
        if any(secret(name) for name in real[len(root) :].split(os.sep)):
            return f"{path[:200]} is a place where secrets are kept"
        return None

    def tree(self, path: str) -> str | None:
        """Why a folder is not searched, or a pattern in it not read; a file is judged as one."""
        wrong = self.file(path)
        real = self._real(path)
        if wrong or real is None or real == self._policies or real.startswith(self._policies + os.sep):
            return wrong
        if not os.path.isdir(real):
            return None
        seen = 0
        for folder, folders, names in os.walk(real):
            folders[:] = [name for name in folders if name != ".git"]
            seen += len(folders) + len(names)
            if seen > MAX_ENTRIES:
                return f"{path[:200]} holds too much to be searched whole; name a folder below it"
            for name in (*folders, *names):
                if secret(name):
                    return f"{os.path.join(folder, name)[:300]} may hold secrets; name a folder or files without it"
                below = os.path.join(folder, name)
                if os.path.islink(below):
                    # A search follows a link that a pattern names, and what lies behind a folder was not looked at.
                    if os.path.isdir(below):
                        return f"{below[:300]} is a link to a folder; name a folder or files without it"
                    if wrong := self.file(below):
                        return wrong
        return None

    def word(self, word: str, *, searched: bool = False) -> str | None:
        """Why a word of a command, as the shell hands it on, is not read; a pattern stands for all below its folder."""
        if word.startswith("~") and word[1:2] not in {"", "/"}:
            return f"{word[:200]!r} is no plain path"
        if not _is_pattern(word):
            return self.tree(word) if searched else self.file(word)
        # A file may be called like the pattern: the shell names it and all the others.
        if os.path.lexists(os.path.join(self._cwd, word)) and (wrong := self.file(word)):
            return wrong
        if _may_go_up(word):
            return f"{word[:200]!r} is no plain pattern"
        return self.tree(_folder_of(word))

    def listed(self, word: str) -> str | None:
        """Why the names that a pattern stands for are not told; None for what is no pattern."""
        if not _is_pattern(word):
            return None
        return f"{word[:200]!r} is no plain pattern" if _may_go_up(word) else self.file(_folder_of(word))

    def _real(self, path: str) -> str | None:
        if not path or "\0" in path or not path.isprintable() or not os.path.isabs(self._cwd):
            return None
        full = os.path.join(self._cwd, os.path.expanduser(path))
        by_name = os.path.realpath(os.path.normpath(full))
        return by_name if by_name == os.path.realpath(full) else None


def _is_pattern(word: str) -> bool:
    return any(char in word for char in _GLOB)


def _may_go_up(pattern: str) -> bool:
    """Whether a part of it can stand for the folder above: `.?` and `.*` do in bash before 5.2, `[.].` in others."""
    folders = pattern.split("/")
    first = next(number for number, name in enumerate(folders) if _is_pattern(name))
    return any(
        name == ".." or (name.startswith(".") and name[1:2] in set(_GLOB)) or name.startswith(("[.", "[!", "[^"))
        for name in folders[first:]
    )


def _folder_of(pattern: str) -> str:
    """The folder that holds all that a pattern can stand for."""
    folders = pattern.split("/")
    first = next(number for number, name in enumerate(folders) if _is_pattern(name))
    return "/".join(folders[:first]) or ("/" if pattern.startswith("/") else ".")


def read_tool(tool: str, given: dict[str, Any], question: dict[str, Any], entry: Entry) -> Verdict | None:
    """What becomes of Read, Glob and Grep while session `entry` holds the agent."""
    may = Readable(entry, question)
    if tool == "Read":
        wrong = may.file(str(given.get("file_path") or ""))
    else:
        place = str(given.get("path") or question.get("cwd") or "")
        wrong = may.tree(place) if tool == "Grep" else may.file(place)
        pattern = str(given.get("pattern" if tool == "Glob" else "glob") or "")
        if pattern.startswith(("/", "~")) or ".." in pattern.split("/"):
            wrong = wrong or f"the pattern {pattern[:100]!r} leads elsewhere; give the folder as path"
    return deny(f"{standing(entry)}: {wrong}.") if wrong else None


def secret(name: str) -> bool:
    """Whether a file or folder of that name is where secrets are kept."""
    name = name.casefold()
    if name in _SHOWN:
        return False
    return name in _NAMES or name in _FOLDERS or name.startswith(_BEGINNINGS) or name.endswith(_ENDS)


def _roots(entry: Entry, question: dict[str, Any]) -> tuple[str, ...]:
    """The folders that an agent reads in: the project, the skill, and where the client keeps this session's results."""
    home = os.path.realpath(os.path.expanduser("~"))
    projects = [os.path.dirname(entry.policies), os.environ.get("CLAUDE_PROJECT_DIR", "")]
    real = [os.path.realpath(place) for place in projects if os.path.isabs(place)]
    wide = [place for place in real if place != os.sep and not (home + os.sep).startswith(place + os.sep)]
    skill = [os.path.join(home, ".claude", name) for name in ("skills", "plugins")]
    plugin = os.environ.get("CLAUDE_PLUGIN_ROOT", "")
    if os.path.isabs(plugin) and os.path.isfile(os.path.join(plugin, "skill", "scripts", "hook")):
        skill.append(plugin)
    session = str(question.get("session_id") or "")
    own = [
        str(question.get("transcript_path") or "").removesuffix(".jsonl"),
        os.path.dirname(os.environ.get("CLAUDE_CODE_CHILD_NOTES_DIR", "")),
    ]
    own = [place for place in own if session and os.path.isabs(place) and os.path.basename(place) == session]
    spec = [entry.spec] if entry.spec else []
    return tuple(dict.fromkeys([*wide, *(os.path.realpath(place) for place in (*skill, *own, *spec))]))
