"""A settings file as Claude Code reads it: JSON without comments, checked as far as the client would drop parts of it.

The client 2.1.329 discards a file that is no JSON, takes the last of two equal keys, skips a malformed rule and leaves
out everything beside a `PreToolUse` hook that it cannot load. Nothing that is broken so is merged into.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Never

from policyloop.errors import UsageError

Path = tuple[str | int, ...]
"""The way to a value: keys and places in lists, from the outside."""

MODES = ("default", "manual", "acceptEdits", "plan", "auto", "dontAsk", "bypassPermissions")
_HANDLERS = {
    "command": ("command",),
    "http": ("url",),
    "prompt": ("prompt",),
    "agent": ("prompt",),
    "mcp_tool": ("server", "tool"),
}
_RULE = re.compile(r"[^()\s]+(?:\(.+\))?", re.DOTALL)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}:,]|[^\s\[\]{}:,"]+')
_MEND = "Mend the file first; nothing was written."


@dataclass(frozen=True, slots=True)
class Settings:
    """One settings file. `text` is None where there is none; `lines` has the line of each value, from 1."""

    name: str
    text: str | None
    data: Mapping[str, Any]
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int | None:
        """The line on which the value at `path`, or the nearest one around it, begins."""
        return next((self.lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in self.lines), None)

    def value(self, path: Path) -> object:
        """The value at `path`; None when there is none."""
        here: Any = self.data
        for key in path:
            if not isinstance(here, dict) or key not in here:
                return None
            here = here[key]
        return here

    def rules(self, kind: str) -> list[str]:
        """The rules under `permissions` that `allow`, `ask` or `deny`."""
        found = self.value(("permissions", kind))
        return list(found) if isinstance(found, list) else []

    def groups(self, event: str) -> list[dict[str, Any]]:
        """What is registered for a hook's event."""
        found = self.value(("hooks", event))
        return list(found) if isinstance(found, list) else []


def parse(text: str | None, name: str) -> Settings:
    """The settings in `text`. Raises `UsageError` with file and line for what is broken."""
    if text is None or not text.removeprefix("\ufeff").strip():
        return Settings(name, text, {}, {})
    source = text.removeprefix("\ufeff")
    try:
        data = json.loads(source, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise UsageError(
            f"{name}:{error.lineno}: this is not JSON (which has no comments): {error.msg}.", _MEND
        ) from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name}: this is not JSON: {error}.", _MEND) from None
    settings = Settings(name, text, data, dict(_places(source, name)))
    for path, words in _faults(data):
        where = ".".join(map(str, path))
        raise UsageError(f"{name}:{settings.line(path)}: {where or 'the file'} {words}.", _MEND)
    return settings


def _no_number(word: str) -> Never:
    raise ValueError(f"{word} is no number in it")


def _places(text: str, name: str) -> Iterator[tuple[Path, int]]:
    """Where each value of a sound JSON text begins. Raises `UsageError` for a key that stands twice."""
    path: list[str | int] = []
    open_keys: list[set[str] | None] = []
    line, at, key_next = 1, 0, False
    for token in _TOKEN.finditer(text):
        word = token[0]
        line, at = line + text.count("\n", at, token.start()), token.start()
        if word in "]}":
            open_keys.pop()
            path.pop()
            key_next = False
        elif word == ",":
            key_next = open_keys[-1] is not None
            if isinstance(path[-1], int):
                path[-1] += 1
        elif word == ":":
            key_next = False
        elif key_next and (keys := open_keys[-1]) is not None:
            key = json.loads(word)
            if key in keys:
                raise UsageError(f"{name}:{line}: the key {'.'.join(map(str, [*path[:-1], key]))} stands twice.", _MEND)
            keys.add(key)
            path[-1] = key
        else:
            yield tuple(path), line
            if word in "[{":
                open_keys.append(set() if word == "{" else None)
                path.append("" if word == "{" else 0)
                key_next = word == "{"


# --- what the client would drop ---------------------------------------------------------------------------------------


def _faults(data: object) -> Iterator[tuple[Path, str]]:
    if not isinstance(data, dict):
        yield (), "must hold keys with values"
        return
    yield from _permissions(data.get("permissions", {}))
    for key in ("disableAllHooks", "allowManagedHooksOnly", "allowManagedPermissionRulesOnly"):
        if not isinstance(data.get(key, False), bool):
            yield (key,), "must be true or false"
    if not isinstance(data.get("requiredMinimumVersion", ""), str):
        yield ("requiredMinimumVersion",), "must be a version in quotes"
    environment = data.get("env", {})
    if not isinstance(environment, dict) or not all(isinstance(value, str) for value in environment.values()):
        yield ("env",), "must hold names with texts"
    yield from _hooks(data.get("hooks", {}))


def _permissions(found: object) -> Iterator[tuple[Path, str]]:
    if not isinstance(found, dict):
        yield ("permissions",), "must hold keys with values"
        return
    for kind in ("allow", "ask", "deny", "additionalDirectories"):
        rules = found.get(kind, [])
        if not isinstance(rules, list):
            yield ("permissions", kind), "must be a list"
            continue
        for number, rule in enumerate(rules):
            if not isinstance(rule, str):
                yield ("permissions", kind, number), "must be a text"
            elif kind != "additionalDirectories" and not _RULE.fullmatch(rule):
                yield ("permissions", kind, number), f"is no rule: {rule!r}; a rule is Tool or Tool(content)"
    if found.get("defaultMode", "default") not in MODES:
        yield ("permissions", "defaultMode"), f"must be one of {', '.join(MODES)}"
    for key in ("disableBypassPermissionsMode", "disableAutoMode"):
        if found.get(key, "disable") != "disable":
            yield ("permissions", key), 'can only be "disable"'


def _hooks(found: object) -> Iterator[tuple[Path, str]]:
    if not isinstance(found, dict):
        yield ("hooks",), "must hold events"
        return
    for event, groups in found.items():
        if not isinstance(groups, list):
            yield ("hooks", event), "must be a list"
            continue
        for number, group in enumerate(groups):
            at: Path = ("hooks", event, number)
            if not isinstance(group, dict) or not isinstance(group.get("hooks"), list):
                yield at, 'must hold a list "hooks"'
            elif not isinstance(group.get("matcher", ""), str):
                yield (*at, "matcher"), "must be a text"
            else:
                for n, one in enumerate(group["hooks"]):
                    if fault := _handler(one):
                        yield (*at, "hooks", n), fault


def _handler(found: object) -> str:
    """What is wrong with a hook; "" when nothing is."""
    if not isinstance(found, dict) or not isinstance(found.get("type"), str) or found["type"] not in _HANDLERS:
        return f"is no hook: its type must be one of {', '.join(_HANDLERS)}"
    for key in _HANDLERS[found["type"]]:
        if not isinstance(found.get(key), str):
            return f'is no hook: "{key}" is missing or no text'
    if found.get("onFailure", "block") not in ("block", "continue"):
        return 'is no hook: onFailure is "block" or "continue"'
    if isinstance(found.get("timeout", 1), bool) or not isinstance(found.get("timeout", 1), int | float):
        return "is no hook: timeout is a number of seconds"
    return ""
