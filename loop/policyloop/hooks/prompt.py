"""When a prompt comes in: a person who goes on after GREEN has taken over, and the hooks let go."""

from typing import Any

from policyloop.hooks.resting import changed_since, unattended
from policyloop.hooks.verdict import Fault
from policyloop.next_command import policyloop
from policyloop.session import home
from policyloop.session.home import Entry


def prompt(session: str, question: dict[str, Any]) -> dict[str, object] | None:
    """Let go of the green sessions that hold this one, if only a person can have written the prompt.

    Otherwise say so to the person, and go on holding. Nothing of the prompt itself is believed.
    """
    if question.get("agent_id"):
        return None
    kept: list[str] = []
    try:
        for entry in home.held(session):
            if entry.phase != home.GREEN:
                continue
            why = _not_yet(entry)
            if why is None:
                home.accept(entry)
            else:
                kept.append(_line(entry, why))
    except home.HomeError as error:
        raise Fault(f"{error}.") from None
    return {"systemMessage": "\n".join(kept)} if kept else None


def _not_yet(entry: Entry) -> str | None:
    if unattended():
        return "nobody sits at this client"
    if not home.rested(entry):
        return "something that runs or is scheduled could have written this prompt, or its last turn was cut off"
    changed = changed_since(entry)
    return f"{', '.join(changed[:5])} changed since it became green" if changed else None


def _line(entry: Entry, why: str) -> str:
    return (
        f"policyloop: session {entry.run} over {entry.policies} is green and still holds Claude, since {why}. To take "
        f"over, enter: ! {policyloop('session', 'end', policies=entry.policies)}"
    )
