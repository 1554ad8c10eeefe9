"""Effects while they are worked out: each once, in the order in which they were seen, and whether it is definite."""

from collections.abc import Iterable
from typing import Any

from policyloop.decide.effects import Command, Effects
from policyloop.shell.marks import shown

_NAMES = {
    "run": ("programs", "may_run"),
    "read": ("reads", "may_read"),
    "write": ("writes", "may_write"),
    "delete": ("deletes", "may_delete"),
    "list": ("lists", "may_list"),
    "reach": ("hosts", "may_reach"),
    "do": ("does", "may_do"),
}
MOST = 500
"""Items of one kind; what goes beyond is `too-large` among the unknown."""


def _shown(items: Iterable[str]) -> tuple[str, ...]:
    texts = [item if item.isascii() else shown(item) for item in items]
    return tuple(dict.fromkeys(texts)) if len(texts) > 1 else tuple(texts)


class Gathered:
    """Mutable, within one working out."""

    def __init__(self) -> None:
        self._items: dict[str, dict[str, bool]] = {kind: {} for kind in _NAMES}
        self._commands: dict[Command, None] = {}
        self._unknown: dict[str, None] = {}

    def add(self, kind: str, item: str, *, sure: bool) -> None:
        """An effect of a kind (`run`, `read`, ..., `do`)."""
        items = self._items[kind]
        if len(items) >= MOST and item not in items:
            self._unknown["too-large"] = None
        else:
            items[item] = sure or items.get(item, False)

    def command(self, command: Command) -> None:
        """A program with its arguments."""
        if len(self._commands) < MOST:
            self._commands[command] = None
        else:
            self._unknown["too-large"] = None

    def unknown(self, reason: str) -> None:
        """Why more may happen than is listed."""
        self._unknown[reason] = None

    def effects(self, unparsed: str = "") -> Effects:
        """All that was gathered, as a value."""
        lists: dict[str, Any] = {}
        for kind, (definite, possible) in _NAMES.items():
            items = self._items[kind]
            if items:
                lists[definite] = _shown(item for item, sure in items.items() if sure)
                lists[possible] = _shown(items)
        return Effects(**lists, commands=tuple(self._commands), unknown=tuple(self._unknown), unparsed=unparsed)
