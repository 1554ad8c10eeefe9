"""The commands. The one that is asked for is loaded, and no other.

A command is the function of its name in the file of its name; one with commands of its own is the `app` there. Commands
import what they need when they run.
"""

from importlib import import_module
from typing import Annotated

import typer

from policyloop.cli.coercion import LightCommand, LightGroup
from policyloop.printing import say

COMMANDS = {
    "run": "Drive a model until the compiler is satisfied.",
    "check": "Validate a policy directory once; edit nothing.",
    "guard": "Are the tests of one bundle as strong in another?",
    "diff": "What changed in access between two bundles?",
    "lint": "Holes that the compiler allows, each shown by a request.",
    "mutate": "Do the tests notice small mistakes?",
    "effects": "What a command would do, as a policy sees it.",
    "hook": "What Claude Code asks before a tool runs.",
    "serve": "The decision point that agents' hooks ask.",
    "report": "A run's review, for the person who signs: HTML, Markdown.",
    "recover": "Finish a write-back that was interrupted.",
    "show": "A run's timeline, its ledger verified.",
    "agree": "Agree to what a project's configuration runs.",
    "doctor": "What is here, what is missing, what to do.",
    "harden": "Settings that keep Claude Code to the policy directory.",
    "init": "A first project, green from the start.",
    "demo": "The loop at work; needs no key.",
    "explain": "What a code means, and how it is mended.",
    "schema": "The JSON Schema of what we read and write.",
    "spec": "Show, check and confirm a spec; write its suites.",
    "session": "The loop with an agent as the model; it edits by itself.",
    "audit": "Search, verify and prove the record of decisions.",
}
"""Each command's name and what it does."""


def command_line(asked: str = "") -> typer.Typer:
    """The command line with the command that is asked for; where that is none, with all of them."""
    app = typer.Typer(
        name="policyloop",
        cls=LightGroup,
        help="Let an AI write Cerbos policies without having to trust it: the real compiler judges, "
        "code keeps the limits.",
        epilog="Exit codes: 0 green, 1 our fault, 2 usage, 3 policies do not compile, 4 tests fail, "
        "5 a person must decide, 6 tests would be weakened, 7 access got wider, 8 environment, 130 interrupted. "
        "Also 1: settings drifted (harden --check); 4: fewer mistakes noticed, or more holes, than asked for "
        "(mutate --min-score, lint --fail-on).",
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    for name in [asked] if asked in COMMANDS else COMMANDS:
        module = import_module(f"policyloop.cli.{name}")
        if hasattr(module, "app"):
            app.add_typer(module.app, short_help=COMMANDS[name])
        else:
            app.command(short_help=COMMANDS[name], cls=LightCommand)(getattr(module, name))
    return app


def _version(asked: bool) -> None:  # noqa: FBT001  (Typer's own shape)
    if asked:
        from importlib.metadata import version

        say(f"policyloop {version('policyloop')}")
        raise typer.Exit


def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """Options of every command."""
