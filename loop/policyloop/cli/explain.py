"""`policyloop explain`: what a code means, why it matters, an example, and the mend."""

from typing import Annotated

import typer


def explain(
    code: Annotated[
        str | None, typer.Argument(help="As findings have it; without one they are all listed.", metavar="CODE")
    ] = None,
) -> None:
    """Say what a code of a finding, a gap, a hole or a mutant means, and how it is mended."""
    from difflib import get_close_matches

    from policyloop.codes import codes, meanings
    from policyloop.errors import UsageError
    from policyloop.printing import say, say_lines

    if code is None:
        for known in codes():
            say(f"{known.kind}/{known.name}: {known.title}")
        return
    name = code.rpartition("/")[2]
    sections = meanings(name)
    if not sections:
        near = get_close_matches(name, [known.name for known in codes()], 1)
        hint = f"Did you mean {near[0]}?" if near else "policyloop explain lists them all."
        raise UsageError("This is no code of policyloop.", hint)
    for number, section in enumerate(sections):
        if number:
            say()
        say(f"{section.kind}/{section.name} ({section.anchor})")
        say()
        say_lines(section.plain)
