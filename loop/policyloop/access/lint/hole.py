"""One thing that the compiler allows and that people rarely mean."""

from dataclasses import dataclass
from typing import Any, Literal

from policyloop.access.ask.questions import Question
from policyloop.access.source import Node
from policyloop.bundle import Bundle
from policyloop.cerbos.text import excerpt
from policyloop.redact import redact

Level = Literal["warning", "note"]


@dataclass(frozen=True, slots=True)
class Code:
    """The name of a kind of hole, stable across releases; what it means stands in docs/codes/lint.md.

    `level`: `warning` for what opens something or may, `note` for what is only of no use.
    """

    name: str
    level: Level


@dataclass(frozen=True, slots=True)
class Shown:
    """A request that shows a hole, and what the policies answer. `because` says what that answer has to do with it."""

    question: Question
    effect: str
    because: str
    confirmed_by: Literal["engine", "server"] = "engine"
    """Who gave this very answer: the compiler's engine alone, at the question's moment, or a server as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """One finding. Lines and columns count from 1. `why` explains, a line each. `asked`: after so many requests."""

    code: str
    level: Level
    message: str
    file: str
    line: int | None = None
    column: int | None = None
    excerpt: str | None = None
    why: tuple[str, ...] = ()
    witness: Shown | None = None
    asked: int = 0


def hole(bundle: Bundle, code: Code, file: str, at: Node | None, message: str, **more: Any) -> Hole:
    """A finding about a place of the bundle, with what stands there."""
    if at is None:
        return Hole(code=code.name, level=code.level, file=file, message=message, **more)
    lines = redact(bundle[file].replace("\r\n", "\n")).split("\n")  # before it is cut
    shown = excerpt(lines, at.line, at.column)
    return Hole(
        code=code.name,
        level=code.level,
        file=file,
        line=at.line,
        column=at.column,
        excerpt=shown,
        message=message,
        **more,
    )
