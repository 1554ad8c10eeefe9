"""`policyloop harden`: settings of Claude Code that keep an agent to the policy directory."""

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policyloop.cli.options import Format, FormatOption, PoliciesOption, directory, text, view_of
from policyloop.configured import policy_directory
from policyloop.machine import Machine
from policyloop.next_command import Next, policyloop, shell
from policyloop.printing import ask, say_lines, say_next

if TYPE_CHECKING:
    from policyloop.harden.plan import Hardened


def harden(
    project: Annotated[
        Path | None,
        typer.Argument(help="The folder that Claude Code starts in; by default this one.", parser=directory),
    ] = None,
    *,
    policies: PoliciesOption = None,
    managed: Annotated[
        bool, typer.Option("--managed", help="The settings of this machine, which beat those of users; needs root.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; 1 when something drifted.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Write without asking.")] = False,
    decision_point: Annotated[
        str | None,
        typer.Option(
            help="With --managed: no policy directory, but a decision point that every hook asks.",
            metavar="URL",
            parser=text,
        ),
    ] = None,
    machine: Annotated[
        Machine | None, typer.Option("--for", help="The system of --out; by default what its name ends in.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The file for other machines: managed-settings.json, X.mobileconfig (macOS), X.reg (Windows).",
            metavar="FILE",
        ),
    ] = None,
    token_variable: Annotated[
        str | None,
        typer.Option(help="The variable of an agent's environment that holds its token.", metavar="NAME", parser=text),
    ] = None,
    output: FormatOption = None,
) -> None:
    """Write settings for Claude Code, the diff first: 0 all in place, 1 drift (--check), 5 a person must decide.

    What stands in the file stays. What undoes the hardening is named; only a person takes it out.
    """
    from policyloop.errors import Unavailable, UsageError
    from policyloop.harden.plan import Hardened, Plan, plan
    from policyloop.harden.rolled import roll_out
    from policyloop.view.pages.harden import change_words, harden_page

    given: dict[str, object] = {
        "managed": managed,
        "decision_point": decision_point,
        "for_": machine.value if machine else None,
        "out": out,
        "token_variable": token_variable,
        "policies": policies,
        "named": project,
    }
    made: Plan
    if decision_point is not None:
        if not managed:
            raise UsageError("A decision point holds only from managed settings.", "Give --managed as well.")
        if token_variable is not None and not re.fullmatch(r"[A-Z_][A-Z0-9_]*", token_variable):
            raise UsageError(
                f"{token_variable} is no variable that the client fills in.", "Use capitals, as in PL_TOKEN."
            )
        made = roll_out(decision_point, machine=machine, out=out, token_variable=token_variable or "")
    elif machine or out or token_variable:
        raise UsageError("--for, --out and --token-variable belong to a decision point.", "Give --decision-point URL.")
    else:
        made = plan(project or Path(), policy_directory(policies), managed=managed)
    written = False
    if made.changes and not check:
        if made.managed and os.geteuid() != 0:
            command = shutil.which("policyloop") or "policyloop"
            words = policyloop("harden", **{**given, "yes": yes})
            root = f"sudo {shell([command])}{words.removeprefix('policyloop')}"
            raise Unavailable(f"Only root may write {made.where.name}.", "", [Next(root, "as root")])
        say_lines(change_words(made), err=output is Format.JSON)
        if yes or (output is not Format.JSON and _agreed()):
            made.write()
            written = True
    result = Hardened(plan=made, check=check, written=written)
    view = view_of(output)
    view.show(harden_page(result))
    view.close()
    say_next(_after(result, given))
    raise typer.Exit(int(result.exit_code))


def _after(result: "Hardened", given: Mapping[str, object]) -> Iterator[Next]:
    if not result.exit_code:
        return
    if not result.written and result.plan.changes:
        yield Next(policyloop("harden", yes=True, **given), "to have that written")
    else:
        yield Next(policyloop("harden", check=True, **given), "once a person took out what is named")


def _agreed() -> bool:
    """Whether a person on the terminal says yes."""
    if not (sys.stdin and sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    return ask("Write this?")
