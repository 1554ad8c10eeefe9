"""The command line: one file per command. Here every ending becomes one sentence and an exit code."""

import itertools
import os
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn, cast

import typer
from typer.exceptions import TyperException

from policyloop.cli.commands import command_line
from policyloop.cli.streams import guard_streams, mute_streams, unsaid
from policyloop.errors import Exit, PolicyloopError
from policyloop.next_command import Next, shell
from policyloop.outside import NotOurs
from policyloop.printing import one_line, say, say_document, say_next, tell_of_faults


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
    if "--resume" in arguments:
        # What cannot be resumed cannot be resumed a second time, and the request of that run is not known here.
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
    command = typer.main.get_command(command_line(arguments[0]))
    try:
        with command.make_context("policyloop", list(arguments)) as context:
            command.invoke(context)
    except typer.Exit as ended:
        return int(ended.exit_code)
    return Exit.GREEN


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
