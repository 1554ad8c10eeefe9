"""The command line: one file per command. Here every ending becomes one sentence and an exit code.

Commands import what they need when they run, so that `--help` answers at once.
"""

import io
import itertools
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from policyloop.cli import check, demo, doctor, guard, run, schema, show
from policyloop.errors import Exit, PolicyloopError

app = typer.Typer(
    name="policyloop",
    help="Let an AI write Cerbos policies without having to trust it: the real compiler judges, code keeps the limits.",
    epilog="Exit codes: 0 green, 1 our fault, 2 usage, 3 policies do not compile, 4 tests fail, "
    "5 a person must decide, 6 tests would be weakened, 7 access got wider, 8 environment, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:  # noqa: FBT001  (Typer's own shape)
    if asked:
        from importlib.metadata import version

        typer.echo(f"policyloop {version('policyloop')}")
        raise typer.Exit


@app.callback()
def _root(
    *, version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say it.")] = False
) -> None:
    """Options of every command."""


app.command()(run.run)
app.command()(check.check)
app.command()(guard.guard)
app.command()(show.show)
app.command()(doctor.doctor)
app.command()(demo.demo)
app.command()(schema.schema)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and leave with its exit code; nobody sees a traceback for their own mistake."""
    signal.signal(signal.SIGTERM, _interrupt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What a terminal cannot show, a name in another script or half a character, must not end a run.
            stream.reconfigure(errors="backslashreplace")
    given = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(_run(given))


def _run(arguments: list[str]) -> int:
    try:
        code = app(arguments, standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except TyperException as error:
        full = getattr(error, "format_message", None)
        return _fail(arguments, Exit.USAGE, full() if full else str(error), "Try 'policyloop --help'.")
    except PolicyloopError as error:
        return _fail(arguments, error.exit_code, error.message, error.hint)
    except (KeyboardInterrupt, typer.Abort):
        return _fail(arguments, Exit.INTERRUPTED, "Interrupted.", "Nothing was written to the policy directory.")
    except BrokenPipeError:
        # Who read our output is gone (`| head`); there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FAULT
    except Exception as error:
        if os.environ.get("POLICYLOOP_DEBUG"):
            raise
        words = f"This is a fault of policyloop: {type(error).__name__}: {error}"
        return _fail(arguments, Exit.FAULT, words, "Set POLICYLOOP_DEBUG=1 to see where, and please report it.")


def _fail(arguments: list[str], code: Exit, message: str, hint: str) -> int:
    from policyloop.view.words import one_line

    words = one_line(f"{message} {hint}".strip(), 2000)
    if _wants_json(arguments):
        from policyloop.view.json import write

        write({"outcome": "error", "exit_code": int(code), "message": words})
    sys.stderr.write(f"policyloop: {words}\n")
    return int(code)


def _wants_json(arguments: list[str]) -> bool:
    pairs = itertools.pairwise(arguments)
    return "--format=json" in arguments or ("--format", "json") in pairs


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """A polite request to end is an interrupt."""
    raise KeyboardInterrupt
