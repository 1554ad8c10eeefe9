"""`policyloop agree`: a person says once that what a project's configuration names, or loosens, holds.

Kept outside of the project (`policyloop.agreed`), for this folder and these very values, also the content of the
project's files that a command names; whatever changes must be agreed to anew.
"""

import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policyloop import agreed
from policyloop.agreed import CONFIGURATION, agent_mark
from policyloop.cli.options import ConfigOption, PoliciesOption, ProfileOption, text
from policyloop.configured import agree_command, config_file, directory_by_rule
from policyloop.errors import PersonNeeded, Unavailable, UsageError
from policyloop.next_command import Next, policyloop
from policyloop.outside import NotOurs
from policyloop.printing import ask

if TYPE_CHECKING:
    from policyloop.config import Named


def agree(
    *,
    policies: PoliciesOption = None,
    config: ConfigOption = None,
    profile: ProfileOption = None,
    program: Annotated[
        str | None,
        typer.Option(
            "--program",
            help="Agree to a compiler that is another than before, as the error names it.",
            metavar="NAME=DIGEST",
            parser=text,
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; counts for nothing under an agent.")] = False,
) -> None:
    """Agree to what a configuration names to be run, fetched or read, and to the limits that it loosens.

    All of it is shown first. 5 when nobody said yes.
    """
    if program is not None:
        _agree_to_program(program, yes=yes)
        return
    from policyloop.config import load_named
    from policyloop.printing import one_line, say

    file = config_file(policies or directory_by_rule(config), config)
    if file is None:
        raise UsageError(
            "There is no policyloop.yaml to agree to.",
            "Go to the project, or give --config FILE.",
            [Next(policyloop("init"), "to have a first one written here")],
        )
    names = load_named(file, profile=profile)[1]
    if not names:
        say(f"{file} names nothing to be run, fetched or read, and loosens no limit: there is nothing to agree to.")
        return
    say(f"{one_line(str(file))} names what policyloop would run, fetch or read, or loosens what limits it:")
    for name in names:
        say(f"  {one_line(str(name), 2000)}")
        say(f"    digest {name.digest}")
    if not (yes and agent_mark() is None) and not _said_yes(agree_command(file, profile)):
        raise PersonNeeded("Nobody agreed to it.", "Take it out of the file, or agree to it.")
    for name in names:
        _keep(file, name)
    say("agreed")


def _keep(file: Path, name: "Named") -> None:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        agreed.agree(CONFIGURATION, str(file.resolve().parent), name.digest, by=agreed.user(), at=at)
    except NotOurs as error:
        raise Unavailable(f"It cannot be kept: {error}.", "Make that folder yours alone.") from None


def _agree_to_program(program: str, *, yes: bool) -> None:
    """A person says that a name may stand for another image or binary than before."""
    from policyloop.printing import one_line, say

    subject, _, digest = program.rpartition("=")
    if not subject or not subject.isprintable() or not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        raise UsageError("--program is NAME=sha256:DIGEST, as the error named it.", "Copy the whole command.")
    say(f"From now on {one_line(subject)} may also be {digest}.")
    command = policyloop("agree", program=program)
    if not (yes and agent_mark() is None) and not _said_yes(command):
        raise PersonNeeded("Nobody agreed to it.", "Get the one from before back, or agree to it.")
    try:
        agreed.know(subject, digest, by=agreed.user(), at=datetime.now(UTC).isoformat(timespec="seconds"))
    except NotOurs as error:
        raise Unavailable(f"It cannot be kept: {error}.", "Make that folder yours alone.") from None
    say("agreed")


def _said_yes(command: str) -> bool:
    if not (sys.stdin and sys.stdin.isatty() and sys.stdout.isatty()):
        mark = agent_mark()
        why = f" Under an agent ({mark} is set) --yes is nobody's yes." if mark else ""
        raise PersonNeeded(
            f"There is no terminal to ask on.{why}",
            "A person types it in a terminal of their own.",
            [Next(command, "a person, in a terminal")],
        )
    return ask("May policyloop use this?")
