"""Settings with what was missing added: nothing that stood there is dropped, and it stays in its order."""

import copy
import json
import re
from typing import Any

from policyloop.harden.document import Settings
from policyloop.harden.drift import holds, is_ours, strict_enough
from policyloop.harden.rules import Hook, Wanted


def merged(settings: Settings, wanted: Wanted) -> str:
    """The file's text with all that is wanted; the same text when nothing is missing.

    Rules are added after those that are there. Of values, only those that must be otherwise change. A handler of ours
    that was changed gives way to the one that is wanted.
    """
    data: dict[str, Any] = copy.deepcopy(dict(settings.data))
    permissions = data.setdefault("permissions", {})
    for value in wanted.values:
        if not strict_enough(settings.value(value.key), value):
            *above, key = value.key
            (permissions if above else data)[key] = value.value
    for kind, rules in wanted.rules:
        there = permissions.setdefault(kind, [])
        there += [rule for rule in rules if rule not in there]
    hooks = data.setdefault("hooks", {})
    for hook in wanted.hooks:
        groups = hooks.setdefault(hook.event, [])
        if not any(holds(group, hook) for group in groups):
            hooks[hook.event] = [*_without(groups, hook), hook.group]
    if data == settings.data and settings.text is not None:
        return settings.text
    return _written(data, settings.text)


def _without(groups: list[dict[str, Any]], hook: Hook) -> list[dict[str, Any]]:
    kept = [{**group, "hooks": [one for one in group["hooks"] if not is_ours(one, hook)]} for group in groups]
    return [after for before, after in zip(groups, kept, strict=True) if after["hooks"] or not before["hooks"]]


def _written(data: dict[str, Any], before: str | None) -> str:
    """JSON in the manner of the text before: its indent, its line ends, its byte order mark."""
    found = re.search(r"[{\[,]\r?\n([ \t]+)", before or "")
    text = json.dumps(data, indent=found[1] if found else 2, ensure_ascii=False) + "\n"
    if re.search("[\ud800-\udfff]", text):
        text = json.dumps(data, indent=found[1] if found else 2) + "\n"
    if before and "\r\n" in before:
        text = text.replace("\n", "\r\n")
    return f"\ufeff{text}" if before and before.startswith("\ufeff") else text
