"""What a call would do, for a person: one line a list, the definite first."""

from collections.abc import Iterator

from policyloop.decide.effects import Effects
from policyloop.decide.flags import DOES, UNKNOWN
from policyloop.printing import one_line
from policyloop.shell.tree import REASONS

_LISTS = (
    ("runs", "programs", "may_run"),
    ("reads", "reads", "may_read"),
    ("writes", "writes", "may_write"),
    ("deletes", "deletes", "may_delete"),
    ("lists", "lists", "may_list"),
    ("reaches", "hosts", "may_reach"),
)


def effect_lines(effects: Effects) -> Iterator[str]:
    """What is definite, what is possible, what is not known."""
    if effects.unparsed:
        reason = effects.unparsed.split(":")[0]
        yield f"not read: {one_line(effects.unparsed)}: {REASONS[reason]}"
        yield "what is listed below was seen before that; anything else may happen as well"
    for command in effects.commands:
        via = f" (via {', '.join(map(one_line, command.via))})" if command.via else ""
        yield one_line(" ".join(["command:", command.program, *command.argv])) + via
    for label, definite, possible in _LISTS:
        sure, all_of_them = getattr(effects, definite), getattr(effects, possible)
        perhaps = [item for item in all_of_them if item not in set(sure)]
        if sure:
            yield f"{label}: {', '.join(map(one_line, sure))}"
        if perhaps:
            yield f"may be that it {label}: {', '.join(map(one_line, perhaps))}"
    for flag in effects.may_do:
        certainty = "does" if flag in effects.does else "may do"
        yield f"{certainty} {flag}: {DOES[flag]}"
    for reason in effects.unknown:
        yield f"not known, {reason}: {UNKNOWN[reason]}"
