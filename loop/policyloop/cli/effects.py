"""`policyloop effects`: what a command of an agent would do, as a policy would see it."""

import sys
from typing import Annotated

import typer

from policyloop.cli.options import Format, FormatOption, text


def effects(
    command: Annotated[
        str | None,
        typer.Argument(help="The command, in quotes; without one it is read from stdin.", metavar="COMMAND"),
    ] = None,
    *,
    cwd: Annotated[
        str | None,
        typer.Option(help="The directory in which it would run; here by default.", metavar="DIR", parser=text),
    ] = None,
    home: Annotated[
        str | None, typer.Option(help="The home directory, where it is known.", metavar="DIR", parser=text)
    ] = None,
    output: FormatOption = None,
) -> None:
    """Work out what a command would do: programs, places, hosts, flags, and what is not known. Nothing is run."""
    from pathlib import Path

    from policyloop.decide.tools import effects_of_command
    from policyloop.printing import say, say_document
    from policyloop.view.pages.effects import effect_lines

    given = command if command is not None else sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
    seen = effects_of_command(given, cwd or str(Path.cwd()), home or "")
    if output is Format.JSON:
        say_document(seen)
        return
    for line in effect_lines(seen):
        say(line)
