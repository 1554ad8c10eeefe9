"""What a hook decides about one tool call."""

from typing import Any, NamedTuple

from policyloop.session.home import GREEN, STOPPED, Entry


class Fault(Exception):
    """Nothing can be decided; the text says why. The tool does not run."""


class Verdict(NamedTuple):
    """`decision` is `deny`, `ask` or None (no decision, the usual permissions hold); `updated` is another input."""

    decision: str | None
    reason: str = ""
    updated: dict[str, Any] | None = None


def deny(reason: str) -> Verdict:
    """The tool does not run; the model reads why."""
    return Verdict("deny", reason)


def standing(entry: Entry) -> str:
    """`session 20260101-120000-abcd is open over /app/policies`: how a reason begins."""
    phase = {STOPPED: "stopped", GREEN: "green"}.get(entry.phase, "open")
    return f"session {entry.run} is {phase} over {entry.policies}"


def text_of(given: dict[str, Any], key: str) -> str:
    """A text of a hook's input. Raises `Fault` when it is none."""
    value = given.get(key)
    if not isinstance(value, str) or not value:
        raise Fault(f"The hook's input has no {key}.")
    return value
