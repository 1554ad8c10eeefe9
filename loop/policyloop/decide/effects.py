"""What a call would do. Each list twice: the definite, and (`may_...`) all that is possible, the definite among it."""

from dataclasses import dataclass, fields
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A program with its arguments; `via`: the wrappers, outermost first; `static` where all of it is known."""

    program: str
    argv: tuple[str, ...]
    via: tuple[str, ...]
    static: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """Worked out from the text of a call alone. An empty `unparsed` means that the text was read to its end; `unknown`
    says why more may happen than is listed.
    """

    programs: tuple[str, ...] = ()
    may_run: tuple[str, ...] = ()
    commands: tuple[Command, ...] = ()
    reads: tuple[str, ...] = ()
    may_read: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    may_write: tuple[str, ...] = ()
    deletes: tuple[str, ...] = ()
    may_delete: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    may_list: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    may_reach: tuple[str, ...] = ()
    does: tuple[str, ...] = ()
    may_do: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    unparsed: str = ""
    places: Literal["lexical", "resolved"] = "lexical"

    def attributes(self) -> dict[str, Any]:
        """As `R.attr.effects`: every name is always there, so that a strict evaluation denies nothing by accident."""
        return {item.name: _plain(getattr(self, item.name)) for item in fields(self)}


def _plain(value: Any) -> Any:
    if isinstance(value, Command):
        return {"program": value.program, "argv": list(value.argv), "via": list(value.via), "static": value.static}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
