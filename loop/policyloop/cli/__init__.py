"""The command line: one file per command. Here every ending becomes one sentence and an exit code.

Commands import what they need when they run, so that `--help` answers at once.
"""

import copy
import itertools
import os
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn, cast

import typer
from typer.exceptions import TyperException

from policyloop.cli import (
    agree,
    audit,
    check,
    demo,
    diff,
    doctor,
    effects,
    explain,
    guard,
    harden,
    hook,
    init,
    lint,
    mutate,
    recover,
    report,
    run,
    schema,
    session,
    show,
    spec,
)
from policyloop.cli.coercion import LightCommand, LightGroup
from policyloop.cli.streams import guard_streams, mute_streams, unsaid
from policyloop.errors import Exit, PolicyloopError
from policyloop.next_command import Next, shell
from policyloop.outside import NotOurs
from policyloop.printing import one_line, say, say_document, say_next, tell_of_faults

app = typer.Typer(
    name="policyloop",
    cls=LightGroup,
    help="Let an AI write Cerbos policies without having to trust it: the real compiler judges, code keeps the limits.",
    epilog="Exit codes: 0 green, 1 our fault, 2 usage, 3 policies do not compile, 4 tests fail, "
    "5 a person must decide, 6 tests would be weakened, 7 access got wider, 8 environment, 130 interrupted. "
    "Also 1: settings drifted (harden --check); 4: fewer mistakes noticed, or more holes, than asked for "
    "(mutate --min-score, lint --fail-on).",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:  # noqa: FBT001  (Typer's own shape)
    if asked:
        from importlib.metadata import version

        say(f"policyloop {version('policyloop')}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """Options of every command."""


app.command(short_help="Drive a model until the compiler is satisfied.", cls=LightCommand)(run.run)
app.command(short_help="Validate a policy directory once; edit nothing.", cls=LightCommand)(check.check)
app.command(short_help="Are the tests of one bundle as strong in another?", cls=LightCommand)(guard.guard)
app.command(short_help="What changed in access between two bundles?", cls=LightCommand)(diff.diff)
app.command(short_help="Holes that the compiler allows, each shown by a request.", cls=LightCommand)(lint.lint)
app.command(short_help="Do the tests notice small mistakes?", cls=LightCommand)(mutate.mutate)
app.add_typer(spec.app, short_help="Show, check and confirm a spec; write its suites.")
app.command(short_help="What a command would do, as a policy sees it.", cls=LightCommand)(effects.effects)
app.command(short_help="What Claude Code asks before a tool runs.", cls=LightCommand)(hook.hook)
app.add_typer(session.app, short_help="The loop with an agent as the model; it edits by itself.")
app.add_typer(audit.app, short_help="Search, verify and prove the record of decisions.")
app.command(short_help="A run's review, for the person who signs: HTML, Markdown.", cls=LightCommand)(report.report)
app.command(short_help="Finish a write-back that was interrupted.", cls=LightCommand)(recover.recover)
app.command(short_help="A run's timeline, its ledger verified.", cls=LightCommand)(show.show)
app.command(short_help="Agree to what a project's configuration runs.", cls=LightCommand)(agree.agree)
app.command(short_help="What is here, what is missing, what to do.", cls=LightCommand)(doctor.doctor)
app.command(short_help="Settings that keep Claude Code to the policy directory.", cls=LightCommand)(harden.harden)
app.command(short_help="A first project, green from the start.", cls=LightCommand)(init.init)
app.command(short_help="The loop at work; needs no key.", cls=LightCommand)(demo.demo)
app.command(short_help="What a code means, and how it is mended.", cls=LightCommand)(explain.explain)
app.command(short_help="The JSON Schema of what we read and write.", cls=LightCommand)(schema.schema)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and leave with its exit code; nobody sees a traceback for their own mistake."""
    signal.signal(signal.SIGTERM, _interrupt)
    guard_streams()
    tell_of_faults()
    code = _run(list(sys.argv[1:] if arguments is None else arguments))
    sys.exit(Exit.ENVIRONMENT if code == Exit.GREEN and unsaid() else code)


def _run(arguments: list[str]) -> int:
    try:
        code = _invoke(arguments) if arguments else _help()
        sys.stdout.flush()
    except TyperException as error:
        return _fail(arguments, Exit.USAGE, _sentence(error), f"Try '{_command(error, arguments)} --help'.")
    except PolicyloopError as error:
        return _fail(arguments, error.exit_code, error.message, error.hint, error.next or _again(arguments, error))
    except NotOurs as error:
        hint = "Set XDG_STATE_HOME, or HOME, to a folder outside of every project that is yours alone."
        return _fail(arguments, Exit.ENVIRONMENT, f"{error}.", hint)
    except (KeyboardInterrupt, typer.Abort):
        words = "Nothing was written to the policy directory."
        again = [Next(shell(["policyloop", *arguments]), "to begin again")]
        return _fail(arguments, Exit.INTERRUPTED, "Interrupted.", words, again)
    except Exception as error:
        if os.environ.get("POLICYLOOP_DEBUG"):
            raise
        if _here_is_gone():
            return _fail(arguments, Exit.USAGE, "The folder that this was started in is gone.", "Go to another one.")
        words = f"This is a fault of policyloop: {type(error).__name__}: {error}"
        return _fail(arguments, Exit.FAULT, words, "Set POLICYLOOP_DEBUG=1 to see where, and please report it.")
    return code


def _again(arguments: list[str], error: PolicyloopError) -> list[Next]:
    """The same command, where the way is clear once something around it, or what a person keeps, was seen to."""
    if error.exit_code not in {Exit.PERSON, Exit.ENVIRONMENT}:
        return []
    return [Next(shell(["policyloop", *arguments]), "once that is mended")]


def _here_is_gone() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def _help() -> int:
    _invoke(["--help"])
    return Exit.USAGE


def _invoke(arguments: list[str]) -> int:
    """The command's own exit code. Typer's way to call it would turn an interrupt into 130 without a word."""
    command = typer.main.get_command(_for(arguments))
    try:
        with command.make_context("policyloop", list(arguments)) as context:
            command.invoke(context)
    except typer.Exit as ended:
        return int(ended.exit_code)
    return Exit.GREEN


def _for(arguments: list[str]) -> typer.Typer:
    """The command line with the command that is asked for alone: to build all of them takes a tenth of a `check`."""
    asked = [info for info in app.registered_commands if info.callback and info.callback.__name__ == arguments[0]]
    if not asked:
        return app
    alone = copy.copy(app)
    alone.registered_commands, alone.registered_groups = asked, []
    return alone


def _sentence(error: TyperException) -> str:
    full = getattr(error, "format_message", None)
    words = re.sub(r"\bValue error, ", "", full() if full else str(error)).strip()
    return words if words.endswith((".", "?", "!")) else f"{words}."


def _command(error: TyperException, arguments: list[str]) -> str:
    """The command that the person meant, for its help."""
    context = getattr(error, "ctx", None)
    if context:
        return str(context.command_path)
    return " ".join(["policyloop", *(word for word in arguments[:1] if word.isalpha())])


def _fail(arguments: list[str], code: Exit, message: str, hint: str, onward: Sequence[Next] = ()) -> int:
    mute_streams()
    words = one_line(f"{message} {hint}".strip(), 2000)
    if _wants_json(arguments):
        from policyloop.documents.error import ErrorDocument, ErrorExit

        say_document(ErrorDocument(exit_code=cast("ErrorExit", code), message=words, next=tuple(onward)))
    say(f"policyloop: {words}", err=True)
    say_next(onward)
    return int(code)


def _wants_json(arguments: list[str]) -> bool:
    pairs = itertools.pairwise(arguments)
    return "--format=json" in arguments or ("--format", "json") in pairs


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """A polite request to end is an interrupt."""
    raise KeyboardInterrupt
