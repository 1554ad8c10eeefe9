"""What hardened settings lack, and what in them or in other settings undoes the hardening.

Measured in the client 2.1.329: managed settings win, then local ones, then the project's, then the user's; lists of
rules add up, so a rule that denies holds wherever it stands. `disableAllHooks: false` of the project beats `true` of
the user, and `true` of the local file beats both. `env` sets the PATH that hooks are found on.
A `PermissionRequest` hook answers in the person's place. `disableBypassPermissionsMode` holds from any file;
`requiredMinimumVersion` and the `allowManaged...Only` keys only from managed settings.
A `PreToolUse` hook that answers `allow` lets through what no rule denies or asks about (seen: an edit anywhere).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from policyloop.harden.broad import too_broad
from policyloop.harden.document import Path, Settings
from policyloop.harden.rules import STRICT_MODES, Hook, Value, Wanted
from policyloop.shape import Count

_ENVIRONMENT = re.compile(
    r"PATH|HOME|SHELL|ENV|BASH_ENV|BASH_FUNC.*|IFS|PYTHON.*|LD_.*|DYLD_.*|NODE_OPTIONS|POLICYLOOP_.*|XDG_.*|DOCKER_.*|GIT_.*"
    r"|CLAUDE_CODE_(?:SIMPLE|SAFE_MODE|STOP_HOOK_BLOCK_CAP|MANAGED_SETTINGS_PATH|.*SKIP_PERMISSIONS)"
)
"""Variables that lead a hook to another program, or that change which hooks and rules hold."""


class Role(Enum):
    """Whose settings a file holds."""

    MANAGED = "managed"
    LOCAL = "local"
    PROJECT = "project"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference from hardened settings. `line` counts from 1; `mendable`: `policyloop harden` puts it right."""

    file: str
    line: Count | None
    key: str
    message: str
    mendable: bool

    def __str__(self) -> str:
        """One line for a person."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.key}: {self.message}"


def missing(settings: Settings, wanted: Wanted) -> Iterator[Drift]:
    """What the settings lack, or have otherwise: all that `harden` mends."""
    for kind, rules in wanted.rules:
        here = set(settings.rules(kind))
        for rule in rules:
            if rule not in here:
                yield _drift(settings, ("permissions", kind), f"{rule} is missing.", mendable=True)
    for value in wanted.values:
        found = settings.value(value.key)
        if not strict_enough(found, value):
            words = "is missing" if found is None else f"is {_json(found)}"
            yield _drift(settings, value.key, f"{words}, not {_json(value.value)}.", mendable=True)
    for hook in wanted.hooks:
        groups = settings.groups(hook.event)
        if not any(holds(group, hook) for group in groups):
            changed = any(is_ours(handler, hook) for group in groups for handler in group["hooks"])
            words = "is not as it must be" if changed else "is missing"
            yield _drift(settings, ("hooks", hook.event), f"the hook `{hook.name}` {words}.", mendable=True)


def strict_enough(found: object, value: Value) -> bool:
    """Whether a setting is as strict as it must be; a required version may be later."""
    if value.key == ("requiredMinimumVersion",) and isinstance(found, str):
        return _version(found) >= _version(str(value.value))
    return type(found) is type(value.value) and (found == value.value or found in value.enough)


def holds(group: Mapping[str, Any], hook: Hook) -> bool:
    """Whether a group registers the hook, exactly, for at least the uses that it is for."""
    return group.get("matcher", "") in {hook.matcher, "", "*"} and dict(hook.handler) in group["hooks"]


def is_ours(handler: Mapping[str, Any], hook: Hook) -> bool:
    """Whether a handler calls policyloop for the hook's event, and nothing else."""
    event = re.escape(hook.name.removeprefix("policyloop"))
    ours = rf"(?:PATH=\S+ )?(?:\S*/|'.*/)?policyloop'?{event}(?: --hardened)?(?: \|\| [\w ]+)?"
    return bool(re.fullmatch(ours, str(handler.get("command", ""))))


def loose(settings: Settings, role: Role, wanted: Wanted, *, managed: bool) -> Iterator[Drift]:
    """What in one file undoes the hardening; only a person takes it out. `managed`: managed settings were hardened."""
    if role is Role.MANAGED and not managed:
        yield from _shadowed(settings, wanted)
    yield from _environment(settings)
    if managed and role is not Role.MANAGED:
        return
    for number, rule in enumerate(settings.rules("allow")):
        if words := too_broad(rule, wanted.allow):
            yield _drift(settings, ("permissions", "allow", number), f"{rule} {words}.")
    if settings.value(("permissions", "additionalDirectories")):
        yield _drift(settings, ("permissions", "additionalDirectories"), "opens other folders to the model.")
    if settings.value(("enableAllProjectMcpServers",)) is True:
        yield _drift(settings, ("enableAllProjectMcpServers",), "starts programs that nobody approved.")
    if settings.groups("PermissionRequest"):
        yield _drift(settings, ("hooks", "PermissionRequest"), "a hook answers in the person's place.")
    for number in _may_say_yes(settings, wanted):
        yield _drift(settings, ("hooks", "PreToolUse", number), "a hook beside ours can say yes in the person's place.")
    if role is Role.LOCAL or (role is Role.MANAGED and not managed):
        yield from _overrides(settings)


def _may_say_yes(settings: Settings, wanted: Wanted) -> Iterator[int]:
    """The groups of `PreToolUse` with a hook of somebody else: its `allow` beats every question but those of rules."""
    ours = [hook for hook in wanted.hooks if hook.event == "PreToolUse"]
    for number, group in enumerate(settings.groups("PreToolUse")):
        if not all(any(is_ours(handler, hook) for hook in ours) for handler in group["hooks"]):
            yield number


def _overrides(settings: Settings) -> Iterator[Drift]:
    """Values that beat those of the project."""
    if settings.value(("disableAllHooks",)) is True:
        yield _drift(settings, ("disableAllHooks",), "turns the hooks off.")
    mode = settings.value(("permissions", "defaultMode"))
    if mode is not None and mode not in STRICT_MODES:
        yield _drift(settings, ("permissions", "defaultMode"), f"{_json(mode)} lets the model act without asking.")


def _shadowed(settings: Settings, wanted: Wanted) -> Iterator[Drift]:
    """Managed settings under which those of the project do not count."""
    if settings.value(("allowManagedHooksOnly",)) is True and not all(
        any(is_ours(handler, hook) for group in settings.groups(hook.event) for handler in group["hooks"])
        for hook in wanted.hooks
    ):
        yield _drift(settings, ("allowManagedHooksOnly",), "the project's hooks do not run; use --managed.")
    if settings.value(("allowManagedPermissionRulesOnly",)) is True and not set(wanted.deny) <= set(
        settings.rules("deny")
    ):
        yield _drift(settings, ("allowManagedPermissionRulesOnly",), "the project's rules do not count; use --managed.")


def _environment(settings: Settings) -> Iterator[Drift]:
    found = settings.value(("env",))
    for name in found if isinstance(found, dict) else ():
        if _ENVIRONMENT.fullmatch(name):
            yield _drift(settings, ("env", name), "can lead the hooks to another program, or turn them off.")


def _drift(settings: Settings, path: Path, message: str, *, mendable: bool = False) -> Drift:
    key = ".".join(str(part) for part in path if isinstance(part, str))
    return Drift(settings.name, settings.line(path), key, message, mendable)


def _json(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f'"{value}"'


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text.partition("-")[0])[:3])
