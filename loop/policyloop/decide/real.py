"""Where the places of a call really lead, on a machine that can see them: another name of each, and both must pass."""

from collections.abc import Callable
from dataclasses import replace

from policyloop.decide.effects import Effects
from policyloop.places.sensitive import is_agent_setting, is_secret, starts_later

Real = Callable[[str], str | None]
"""Gives the path with every link followed, None where it is not one path of this machine."""


def with_real_places(effects: Effects, real: Real) -> Effects:
    """The effects with what each path leads to beside it, and with the flags that those places bring along."""
    added: dict[str, tuple[str, ...]] = {}
    for name in ("reads", "writes", "deletes", "lists", "may_read", "may_write", "may_delete", "may_list"):
        added[name] = _beside(getattr(effects, name), real)
    does = _flags(added["reads"], (*added["writes"], *added["deletes"]), added["writes"])
    may_do = _flags(added["may_read"], (*added["may_write"], *added["may_delete"]), added["may_write"])
    return replace(
        effects,
        places="resolved",
        reads=_joined(effects.reads, added["reads"]),
        writes=_joined(effects.writes, added["writes"]),
        deletes=_joined(effects.deletes, added["deletes"]),
        lists=_joined(effects.lists, added["lists"]),
        may_read=_joined(effects.may_read, added["may_read"]),
        may_write=_joined(effects.may_write, added["may_write"]),
        may_delete=_joined(effects.may_delete, added["may_delete"]),
        may_list=_joined(effects.may_list, added["may_list"]),
        does=_joined(effects.does, does),
        may_do=_joined(effects.may_do, (*does, *may_do)),
    )


def _beside(places: tuple[str, ...], real: Real) -> tuple[str, ...]:
    led_to: list[str] = []
    for place in places:
        path = real(place)
        if path is not None and path != place:
            led_to.append(path)
    return tuple(led_to)


def _flags(reads: tuple[str, ...], changes: tuple[str, ...], writes: tuple[str, ...]) -> tuple[str, ...]:
    flags: list[str] = []
    if any(is_secret(place) for place in reads):
        flags.append("secret-read")
    if any(is_agent_setting(place) for place in changes):
        flags.append("agent-settings")
    if any(starts_later(place) for place in writes):
        flags.append("persistence")
    return tuple(flags)


def _joined(known: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*known, *more)))
