"""`policyloop demo`: a recorded model against the real compiler, on a copy of a realistic broken bundle."""

from pathlib import Path
from typing import Annotated

import typer

from policyloop.cli.options import FormatOption, RunnerOption, directory, view_of


def demo(
    *,
    into: Annotated[
        Path | None,
        typer.Option(help="Keep the bundle and the run in this new folder.", metavar="DIR", parser=directory),
    ] = None,
    output: FormatOption = None,
    runner: RunnerOption = None,
) -> None:
    """Show the loop at work without a key: all four error classes, one refused proposal, green at the end."""
    from contextlib import ExitStack
    from importlib.resources import as_file, files
    from shutil import copytree, ignore_patterns

    from policyloop.cli.audience import Shown
    from policyloop.errors import UsageError
    from policyloop.next_command import Next, policyloop
    from policyloop.printing import say, say_next
    from policyloop.run.asked import Asked
    from policyloop.run.line import run
    from policyloop.validators.staging import private_directory

    with ExitStack() as stack:
        if into is None:
            folder = stack.enter_context(private_directory(prefix="policyloop-demo-"))
        else:
            folder = into
            if folder.exists():
                raise UsageError(f"{folder} exists already.", "Give --into a folder that does not exist yet.")
        source = stack.enter_context(as_file(files("policyloop.demo")))
        try:
            copytree(source / "policies", folder / "policies", ignore=ignore_patterns("__pycache__"))
        except OSError as error:
            reason = error.strerror or "not all files could be copied"
            raise UsageError(f"{folder} cannot be written: {reason}.", "Give another folder with --into.") from None
        say("The model of this demo is RECORDED: its replies come from a file. The compiler is real.", err=True)
        asked = Asked(
            policies=folder / "policies",
            state=folder / ".policyloop",
            flags={
                "model": {"kind": "recorded", "replay": str(source / "replies.yaml")},
                "cerbos": {"runner": runner.value if runner else None},
            },
        )
        view = view_of(output)
        try:
            code = run(asked, Shown(view))
        finally:
            view.close()
        if into is not None:
            say(f"Kept in {folder}.", err=True)
            say_next([Next(policyloop("show", state=folder / ".policyloop"), "to look again")])
    raise typer.Exit(int(code))
