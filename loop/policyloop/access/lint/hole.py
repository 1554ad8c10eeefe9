"""One thing that the compiler allows and that people rarely mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from policyloop.access.questions import Question
from policyloop.access.source import Node
from policyloop.bundle import Bundle
from policyloop.cerbos.text import excerpt
from policyloop.redact import redact

Level = Literal["warning", "note"]

CODES: Mapping[str, tuple[Level, str]] = {
    "deny-fails-open": ("warning", "a conditional deny does nothing when its condition cannot be evaluated"),
    "deny-defeated": ("warning", "a deny on one role does nothing for people who also have another role"),
    "wildcard-action": ("warning", "a rule allows every action, also those that nobody has thought of yet"),
    "wildcard-role": ("warning", "a rule allows every role, also those that nobody has thought of yet"),
    "rules-confused": ("warning", "Cerbos 0.55 takes rules for each other that are not the same"),
    "rule-shadowed": ("warning", "a rule never decides anything, because another one always does"),
    "role-policy-grants-nothing": ("warning", "what a role policy lists is allowed nowhere for that role"),
    "schema-not-enforced": ("warning", "the server's configuration does not enforce the schemas"),
    "schema-ignored": ("warning", "a schema is ignored for every action"),
    "schema-unused": ("note", "no policy refers to a schema"),
    "schema-enforcement-unknown": ("note", "a server enforces schemas only where its configuration says so"),
    "no-denial-test": ("warning", "no test demands that anything is denied"),
    "import-unused": ("note", "a policy imports derived roles and uses none of them"),
    "derived-role-unused": ("note", "no rule uses a derived role"),
    "variable-unused": ("note", "no expression uses a variable"),
    "constant-unused": ("note", "no expression uses a constant"),
}
"""Every code, its level, and what it means. Stable across releases."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A request that shows a hole, and what the policies answer. `because` says what that answer has to do with it."""

    question: Question
    effect: str
    because: str
    confirmed_by: Literal["engine", "server"] = "engine"
    """Who gave this very answer: the compiler's engine alone, at the question's moment, or a server as well."""

    def to_json(self) -> dict[str, Any]:
        """As `policyloop schema lint` has it."""
        return {
            "request": self.question.request.to_json(),
            "now": self.question.now,
            "effect": self.effect,
            "because": self.because,
            "confirmed_by": self.confirmed_by,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """One finding. Lines and columns count from 1. `why` explains, a line each. `asked`: after so many requests."""

    code: str
    message: str
    file: str
    line: int | None = None
    column: int | None = None
    excerpt: str | None = None
    why: tuple[str, ...] = ()
    witness: Shown | None = None
    asked: int = 0

    @property
    def level(self) -> Level:
        """`warning` for what opens something or may, `note` for what is only of no use."""
        return CODES[self.code][0]

    def to_json(self) -> dict[str, Any]:
        """As `policyloop schema lint` has it."""
        return {
            "level": self.level,
            "code": self.code,
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "message": self.message,
            "excerpt": self.excerpt,
            "why": list(self.why),
            "witness": self.witness.to_json() if self.witness else None,
            "asked": self.asked,
        }


def hole(bundle: Bundle, code: str, file: str, at: Node | None, message: str, **more: Any) -> Hole:
    """A finding about a place of the bundle, with what stands there."""
    if at is None:
        return Hole(code=code, file=file, message=message, **more)
    lines = redact(bundle[file].replace("\r\n", "\n")).split("\n")  # before it is cut
    shown = excerpt(lines, at.line, at.column)
    return Hole(code=code, file=file, line=at.line, column=at.column, excerpt=shown, message=message, **more)
