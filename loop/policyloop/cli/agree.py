"""`policyloop agree`: a person says once that what a project's configuration names may be run, fetched or read.

Kept outside of the project (`policyloop.agreed`), for this folder and these very values, also the content of the
project's files that a command names; whatever changes must be agreed to anew.
"""

import getpass
import os
import shlex
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policyloop import agreed
from policyloop.agreed import CONFIGURATION, agent_mark
from policyloop.cli.options import ConfigOption, ProfileOption, config_file, directory
from policyloop.errors import PersonNeeded, Unavailable, UsageError
from policyloop.outside import NotOurs
from policyloop.printing import ask

if TYPE_CHECKING:
    from policyloop.config import Named

VARIABLE = "POLICYLOOP_AGREED"
"""Digests, with commas, that whoever starts a pipeline agrees to. Under an agent it counts nothing."""


def agree(
    *,
    policies: Annotated[
        Path | None,
        typer.Option("--policies", help="A policy directory of the project.", metavar="DIR", parser=directory),
    ] = None,
    config: ConfigOption = None,
    profile: ProfileOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; counts for nothing under an agent.")] = False,
) -> None:
    """Agree to what a configuration names to be run, fetched or read; it is shown first. 5 when nobody said yes."""
    from policyloop.config import load_named
    from policyloop.printing import one_line, say

    file = config_file(policies or Path("policies"), config)
    if file is None:
        raise UsageError("There is no policyloop.yaml to agree to.", "Go to the project, or give --config FILE.")
    names = load_named(file, profile=profile)[1]
    if not names:
        say(f"{file} names nothing that would be run, fetched or read: there is nothing to agree to.")
        return
    say(f"{one_line(str(file))} names what policyloop would run, fetch or read:")
    for name in names:
        say(f"  {one_line(str(name), 2000)}")
        say(f"    digest {name.digest}")
    if not (yes and agent_mark() is None) and not _said_yes(file, profile):
        raise PersonNeeded("Nobody agreed to it.", "Take it out of the file, or agree to it.")
    for name in names:
        _keep(file, name)
    say("agreed")


def check_agreed(file: Path, names: "Sequence[Named]", profile: str | None) -> None:
    """Raises `PersonNeeded` for the first thing that the file names and nobody agreed to, and `Unavailable`."""
    given = () if agent_mark() else tuple(part.strip() for part in os.environ.get(VARIABLE, "").split(","))
    for name in names:
        if name.digest not in given and not _known(file, name):
            raise PersonNeeded(
                f"{file} names `{name}`, which nobody agreed to for this folder.",
                f"Look at it, then in a terminal: {_command(file, profile)} "
                f"(a pipeline without an agent: {VARIABLE}={name.digest}, or say it on the command line).",
            )


def _known(file: Path, name: "Named") -> bool:
    try:
        return agreed.agreed(CONFIGURATION, str(file.resolve().parent), name.digest) is not None
    except NotOurs as error:
        raise Unavailable(
            f"What was agreed to cannot be looked up: {error}.", "Make that folder yours alone."
        ) from None


def _keep(file: Path, name: "Named") -> None:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        agreed.agree(CONFIGURATION, str(file.resolve().parent), name.digest, by=_user(), at=at)
    except NotOurs as error:
        raise Unavailable(f"It cannot be kept: {error}.", "Make that folder yours alone.") from None


def _said_yes(file: Path, profile: str | None) -> bool:
    if not (sys.stdin and sys.stdin.isatty() and sys.stdout.isatty()):
        mark = agent_mark()
        why = f" Under an agent ({mark} is set) --yes is nobody's yes." if mark else ""
        raise PersonNeeded(
            f"There is no terminal to ask on.{why}",
            f"A person types in a terminal of their own: {_command(file, profile)}",
        )
    return ask("May policyloop use this?")


def _command(file: Path, profile: str | None) -> str:
    more = ["--profile", profile] if profile else []
    return shlex.join(["policyloop", "agree", "--config", str(file), *more])


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
